//! A press that news come in between: it does what it was begun on.

use assist_gui::intent::{Field, Intent};
use assist_gui::link::Reply;
use assist_gui::state::State;
use assist_gui::{Support, fonts, update};
use assist_proto::api::ticket::TicketPage;
use egui::{Event, Modifiers, PointerButton, Pos2, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use crate::pictured::{self, NOW, told};

fn client(state: State) -> Support {
    Support::of_state(state, "pressing").with_clock(|| NOW)
}

fn harness(state: State) -> Harness<'static, Support> {
    let draw = |ui: &mut egui::Ui, support: &mut Support| support.ui(ui);
    let builder = Harness::builder().with_size(Vec2::new(1240.0, 820.0)).with_context_setup(fonts::install);
    let mut harness = builder.build_ui_state(draw, client(state));
    harness.run_steps(4);
    harness
}

/// Presses at a place, has something else become known, and lets go there.
fn press_around(harness: &mut Harness<'static, Support>, at: Pos2, news: State) {
    let event = |pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    harness.event(Event::PointerMoved(at));
    harness.step();
    harness.event(event(true));
    harness.step();
    *harness.state_mut() = client(news);
    harness.run_steps(2);
    harness.event(event(false));
    harness.run_steps(2);
}

#[test]
fn a_row_that_moves_while_it_is_pressed_is_the_one_that_opens() {
    let mut harness = harness(pictured::inbox("online", 0, 20));
    let (first, second) = {
        let inbox = &harness.state().state().inbox;
        (inbox.row(0).unwrap().clone(), inbox.row(1).unwrap().clone())
    };
    let at = harness.query_all_by_label_contains(&second.title).next().unwrap().rect().center();
    let mut news = pictured::inbox("online", 0, 20);
    let mut tickets: Vec<_> = (0..20).map(|index| news.inbox.row(index).unwrap().clone()).collect();
    tickets.insert(0, assist_proto::api::ticket::TicketRow { id: "new".to_owned(), ..first });
    let page = TicketPage { tickets, total: 21, next_cursor: None, is_complete: true };
    told(&mut news, Reply::Rows { serial: 0, page: 0, outcome: Ok(page) });
    press_around(&mut harness, at, news);
    let opened = harness.state().state().open.as_ref().unwrap().key.ticket.clone();
    assert_eq!(opened, second.id, "what came in between was opened");
}

#[test]
fn a_button_below_what_comes_in_while_it_is_pressed_does_what_it_says() {
    let mut state = pictured::ticket();
    update::act(&mut state, Intent::Type(Field::Composer, "It is the paper.".to_owned()));
    let mut news = pictured::ticket();
    update::act(&mut news, Intent::Type(Field::Composer, "It is the paper.".to_owned()));
    let answered = news.open.as_ref().unwrap().ticket.as_ref().unwrap().comments[0].id.clone();
    update::act(&mut news, Intent::ReplyTo(Some(answered)));
    let mut harness = harness(state);
    let at = harness.query_all_by_label("Preview").next().unwrap().rect().center();
    press_around(&mut harness, at, news);
    let state = harness.state().state();
    assert!(state.composer(&state.open.as_ref().unwrap().key).is_preview, "the press was lost");
}
