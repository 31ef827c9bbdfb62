//! `assist-gui`: the client in a window of its own. Only what is a window's is here: its size, its title, its theme.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use assist_gui::memory::{Memory, ThemeChoice};
use assist_gui::state::State;
use assist_gui::{Support, Tokens, fonts, icon_pixels, icon_png};
use assist_proto::client::{DesktopEntry, Home};
use clap::Parser;
use eframe::egui::{Context, IconData, Theme, ThemePreference, Ui, ViewportBuilder, ViewportCommand, vec2};

/// Support tickets on your desktop.
#[derive(Debug, Parser)]
#[command(name = "assist-gui", version)]
struct Args {
    /// The daemon's folder.
    #[arg(long, value_name = "FOLDER", env = Home::VARIABLE)]
    home: Option<PathBuf>,
    /// Have the desktop offer this program, and open `assist://` links with it; prints the files that it wrote.
    #[arg(long, conflicts_with = "link")]
    install_desktop: bool,
    /// Where to begin: `assist://<project>/ticket/<ticket>`, a project's address to join, or the link in a mail.
    #[arg(value_name = "LINK")]
    link: Option<String>,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "without a window there is nowhere else to say why")]
fn tell(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

fn run(args: Args) -> anyhow::Result<()> {
    if args.install_desktop {
        return install();
    }
    let home = Home::locate(args.home)?;
    let memory = Memory::load(&home);
    let viewport = ViewportBuilder::default()
        .with_title(TITLE)
        .with_app_id(APP_ID)
        .with_icon(IconData { rgba: icon_pixels(ICON), width: ICON, height: ICON })
        .with_inner_size(memory.window_size.map_or(vec2(1240.0, 820.0), |[x, y]| vec2(x, y)))
        .with_min_inner_size(vec2(460.0, 420.0));
    let viewport = match memory.window_place {
        Some([x, y]) => viewport.with_position(egui::pos2(x, y)),
        None => viewport,
    };
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    eframe::run_native(
        TITLE,
        options,
        Box::new(move |creation| {
            let window = Window::open(&creation.egui_ctx, &home, args.link.as_deref())?;
            Ok(Box::new(window))
        }),
    )
    .map_err(|error| anyhow::anyhow!("{error}"))
    .context("cannot open a window")
}

/// Has the person choose files, by the desktop's own dialog. Nothing where there is none: they name a path then.
fn choose_files() -> Vec<PathBuf> {
    rfd::FileDialog::new().set_title("Attach files").pick_files().unwrap_or_default()
}

/// Writes the desktop's entry and its icon.
#[expect(clippy::print_stdout, reason = "whoever asked for it wants to know where they are")]
fn install() -> anyhow::Result<()> {
    let icon = icon_png().context("cannot draw the icon")?;
    let entry = DesktopEntry {
        file_name: "hero-assistance.desktop",
        name: TITLE,
        comment: "Support tickets on your desktop",
        arguments: "%u",
        icon: Some(&icon),
    };
    let installed = entry.install()?;
    println!("{}", installed.entry.display());
    installed.icon.iter().for_each(|icon| println!("{}", icon.display()));
    if !installed.is_default {
        println!(
            "xdg-mime could not be asked to open assist:// with it: choose it when a link is opened first"
        );
    }
    Ok(())
}

struct Window {
    support: Support,
    title: String,
    looks: Option<assist_gui::memory::Looks>,
}

impl Window {
    fn open(ctx: &Context, home: &Home, link: Option<&str>) -> std::io::Result<Self> {
        fonts::install(ctx);
        for (theme, tokens) in [(Theme::Dark, Tokens::dark()), (Theme::Light, Tokens::light())] {
            ctx.set_style_of(theme, tokens.style(&ctx.style_of(theme)));
        }
        let mut support = Support::open(ctx, home, "window")?.with_picker(Arc::new(choose_files));
        if let Some(link) = link {
            support.open_link(link);
        }
        Ok(Self { support, title: TITLE.to_owned(), looks: None })
    }

    /// Makes the window be as the client wants it: only where something changed.
    fn dress(&mut self, ctx: &Context) {
        let looks = self.support.state().looks;
        if self.looks != Some(looks) {
            ctx.set_theme(match looks.theme {
                ThemeChoice::System => ThemePreference::System,
                ThemeChoice::Dark => ThemePreference::Dark,
                ThemeChoice::Light => ThemePreference::Light,
            });
            if looks.zoom_percent > 0 {
                ctx.set_zoom_factor(f32::from(looks.zoom_percent) / 100.0);
            }
            let seconds = if looks.has_reduced_motion { 0.0 } else { 0.1 };
            ctx.all_styles_mut(|style| style.animation_time = seconds);
            self.looks = Some(looks);
        }
        let title = title_of(self.support.state());
        if self.title != title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.support.logic(ctx);
        self.dress(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let (inner, outer) =
            ui.ctx().input(|input| (input.viewport().inner_rect, input.viewport().outer_rect));
        let (size, place) = (inner.map(|rect| rect.size()), outer.map(|rect| rect.min));
        self.support.set_window(size.map(|size| [size.x, size.y]), place.map(|place| [place.x, place.y]));
        self.support.ui(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        if let Err(error) = self.support.remember() {
            tell(&anyhow::Error::new(error).context("what is not sent could not be kept"));
        }
    }
}

/// How many tickets are unread, what is shown, and whose window it is.
fn title_of(state: &State) -> String {
    let unread = match state.unread_count() {
        0 => String::new(),
        count => format!("({count}) "),
    };
    let page = state.page_title().map(|page| format!("{page} - ")).unwrap_or_default();
    format!("{unread}{page}{TITLE}")
}

const TITLE: &str = "Hero Assistance";

/// Pixels of either side of the window's icon.
const ICON: u32 = 64;

/// The name of the desktop file, by which desktops find the icon.
const APP_ID: &str = "hero-assistance";
