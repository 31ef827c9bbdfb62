//! The desktop client without a window: what a frame costs beside drawing its pixels, with many tickets and with few,
//! in a long ticket; whether it rests when nothing happens; how soon it shows something.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use assist_gui::intent::Intent;
use assist_gui::route::{TicketKey, View};
use assist_gui::{Route, Support, fonts};
use assist_proto::api::{comment, ticket};
use assist_proto::client::Home;
use assist_tests::memory::Memory;
use egui::{Context, Event, MouseWheelSource, MouseWheelUnit, RawInput, Rect, TouchPhase, Vec2, pos2};

use crate::Bench;
use crate::measure::{Spread, timed};
use crate::node::{PATIENCE, scratch};
use crate::prepared::Prepared;
use crate::program::Process;
use crate::report::{Goal, Row, Unit};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let (many, few) = (bench.scale.of(100_000), bench.scale.of(1_000));
    let frames = usize::try_from(bench.scale.of(2_000))?;
    let folder = scratch()?;
    let mut rows = Vec::new();
    let few_frames = {
        let home = folder.path().join("few");
        Prepared::with(bench, few)?.copy_agent(&home)?;
        let process = Process::device(&home)?;
        let mut window = Window::open(&home)?;
        window.until_listed()?;
        let times = window.scroll(frames)?;
        process.stop()?;
        Spread::of(times)
    };
    let home = folder.path().join("many");
    Prepared::with(bench, many)?.copy_agent(&home)?;
    let process = Process::device(&home)?;
    let before = Memory::of(std::process::id())?.resident_bytes;
    let (first, mut window) = timed(|| {
        let mut window = Window::open(&home)?;
        window.until_listed()?;
        Ok(window)
    })?;
    let many_frames = Spread::of(window.scroll(frames)?);
    let after = Memory::of(std::process::id())?.resident_bytes;
    let (few_p50, many_p50) = (few_frames.p50.as_secs_f64(), many_frames.p50.as_secs_f64());
    rows.push(Row::spread(NAME, format!("a frame of a list of {few} that is scrolled"), &few_frames));
    rows.push(
        Row::spread(NAME, format!("a frame of a list of {many} (goal: p99 at most 2 ms)"), &many_frames)
            .goal(Goal::AtMost(1.0)),
    );
    let ratio = Row::one(NAME, "the median of both, many over few", Unit::Ratio, many_p50 / few_p50);
    rows.push(ratio.goal(Goal::AtMost(1.1)));
    window.show_long_ticket(&process, usize::try_from(bench.scale.of(500))?)?;
    let times = Spread::of(window.scroll(frames)?);
    rows.push(Row::spread(NAME, "a frame of a ticket of 500 comments", &times).goal(Goal::AtMost(1.0)));
    let repaints = window.rest(REST)?;
    let what = format!("frames asked for in {} s in which nothing happens", REST.as_secs());
    rows.push(Row::one(NAME, what, Unit::Count, repaints as f64).goal(Goal::AtMost(0.0)));
    rows.push(Row::time(NAME, "from opening to the list, the daemon warm", first).goal(Goal::AtMost(300.0)));
    let grown = after.saturating_sub(before) as f64 / (1024.0 * 1024.0);
    let memory = Row::one(NAME, "MiB that the client takes, without a renderer", Unit::Count, grown);
    rows.push(memory.goal(Goal::AtMost(200.0)));
    process.stop()?;
    Ok(rows)
}

/// The client and what a window would be to it.
struct Window {
    ctx: Context,
    client: Support,
    /// How often a frame was asked for at once.
    wakes: Arc<AtomicUsize>,
    now: Instant,
}

impl Window {
    fn open(home: &Path) -> anyhow::Result<Self> {
        let ctx = Context::default();
        fonts::install(&ctx);
        let wakes = Arc::new(AtomicUsize::new(0));
        let woken = wakes.clone();
        ctx.set_request_repaint_callback(move |info| {
            if info.delay < Duration::from_secs(1) {
                woken.fetch_add(1, Ordering::Relaxed);
            }
        });
        let client = Support::open(&ctx, &Home::locate(Some(home.to_owned()))?, "bench")?;
        Ok(Self { ctx, client, wakes, now: Instant::now() })
    }

    /// Draws one frame, as far as shapes, and says how long that took.
    fn frame(&mut self, events: Vec<Event>) -> Duration {
        let screen_rect = Some(Rect::from_min_size(pos2(0.0, 0.0), Vec2::new(1240.0, 820.0)));
        let time = Some(self.now.elapsed().as_secs_f64());
        let input = RawInput { screen_rect, time, events, focused: true, ..RawInput::default() };
        let began = Instant::now();
        let client = &mut self.client;
        let output = self.ctx.run_ui(input, |ui| {
            client.logic(&ui.ctx().clone());
            client.ui(ui);
        });
        let took = began.elapsed();
        drop(output);
        took
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&Support) -> bool) -> anyhow::Result<()> {
        let began = Instant::now();
        while !is_so(&self.client) {
            ensure!(began.elapsed() < PATIENCE, "waited in vain: {what}");
            self.frame(Vec::new());
            std::thread::sleep(Duration::from_millis(1));
        }
        self.frame(Vec::new());
        Ok(())
    }

    fn until_listed(&mut self) -> anyhow::Result<()> {
        self.client.go(Route::Inbox { project: None, view: View::All });
        self.until("the list", |client| client.state().inbox.row(0).is_some())
    }

    /// Scrolls through what is under the middle of the window, a notch a frame, and waits for nothing.
    fn scroll(&mut self, frames: usize) -> anyhow::Result<Vec<Duration>> {
        let x = if matches!(self.client.state().route, Route::Ticket(_)) { 900.0 } else { 400.0 };
        self.frame(vec![Event::PointerMoved(pos2(x, 420.0))]);
        let mut times = Vec::with_capacity(frames);
        for index in 0..frames {
            // To the end and back, several times.
            let notch = if index / 200 % 2 == 0 { -120.0 } else { 120.0 };
            let delta = Vec2::new(0.0, notch);
            let event = Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta,
                phase: TouchPhase::Move,
                source: MouseWheelSource::Unknown,
                modifiers: egui::Modifiers::NONE,
            };
            times.push(self.frame(vec![event]));
        }
        Ok(times)
    }

    /// Shows a ticket that so many comments were written under.
    fn show_long_ticket(&mut self, process: &Process, comments: usize) -> anyhow::Result<()> {
        let row =
            process.call(&ticket::List { limit: Some(1), ..ticket::List::default() })?.tickets.remove(0);
        let ticket = row.id.clone();
        for index in 0..comments {
            let body = format!(
                "Comment {index}: **it hums** again.\n\n- at noon\n- and at `12:00`\n\nAnd once more."
            );
            process.call(&comment::Add { ticket: ticket.clone(), body, ..comment::Add::default() })?;
        }
        let key = TicketKey { project: row.project, ticket };
        self.client.act(Intent::Go(Route::Ticket(key)));
        self.until("the comments", move |client| {
            let open = client.state().open.as_ref().and_then(|open| open.ticket.as_ref());
            open.is_some_and(|ticket| ticket.comments.len() >= comments)
        })
    }

    /// Draws when it is asked for, and says how often that was once all had settled.
    fn rest(&mut self, time: Duration) -> anyhow::Result<usize> {
        let settled = Instant::now();
        while settled.elapsed() < SETTLE {
            self.frame(Vec::new());
            std::thread::sleep(Duration::from_millis(16));
        }
        self.wakes.store(0, Ordering::Relaxed);
        let (began, mut frames) = (Instant::now(), 0);
        while began.elapsed() < time {
            if self.wakes.swap(0, Ordering::Relaxed) > 0 {
                frames += 1;
                self.frame(Vec::new());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(frames)
    }
}

const NAME: &str = "gui";

/// After this nothing moves any more: lines on what happened have gone.
const SETTLE: Duration = Duration::from_secs(8);

const REST: Duration = Duration::from_secs(5);
