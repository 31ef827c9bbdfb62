//! A small product with a tab for support: the client as a component, in the product's own colours, for the product's
//! own project, with what the product knows of itself under each report.
//!
//! `cargo run -p assist-gui --example host_app -- assist://<project id>@<host>`

use assist_gui::{HostEvent, Prefill, Support, Tokens};
use assist_proto::client::Home;
use eframe::egui::{CentralPanel, Color32, Context, Panel, Ui};

fn main() -> eframe::Result {
    eframe::run_native(
        "Anvil Studio",
        eframe::NativeOptions::default(),
        Box::new(|creation| Ok(Box::new(Studio::open(&creation.egui_ctx)?))),
    )
}

struct Studio {
    is_support_shown: bool,
    unread: u64,
    support: Support,
}

impl Studio {
    fn open(ctx: &Context) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let brand = Color32::from_rgb(0x9a, 0x34, 0x12);
        let branded = |tokens: Tokens| Tokens { accent_fill: brand, ..tokens };
        let mut support = Support::open(ctx, &Home::locate(None)?, "studio")?
            .with_tokens(branded(Tokens::dark()), branded(Tokens::light()));
        // A product knows its own address. Without one this shows all projects that the user has joined.
        if let Some(address) = std::env::args().nth(1) {
            support = support.with_project(&address)?;
        }
        Ok(Self { is_support_shown: false, unread: 0, support })
    }

    /// Begins a report for the user to go on with. They see what goes along before anything is sent.
    fn report_problem(&mut self) {
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        self.support.begin_ticket(Prefill {
            body: "What I did:\n\nWhat I saw:\n".to_owned(),
            diagnostics: vec![
                fact("version", env!("CARGO_PKG_VERSION")),
                fact("system", std::env::consts::OS),
                fact("processor", std::env::consts::ARCH),
            ],
            ..Prefill::default()
        });
        self.is_support_shown = true;
    }
}

impl eframe::App for Studio {
    // Also while another tab is shown: the number on the tab stays right.
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.support.logic(ctx);
        for event in self.support.take_events() {
            if let HostEvent::UnreadChanged(unread) = event {
                self.unread = unread;
            }
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        Panel::top("tabs").show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.selectable_value(&mut self.is_support_shown, false, "Drawing");
                let name = match self.unread {
                    0 => "Support".to_owned(),
                    unread => format!("Support ({unread})"),
                };
                ui.selectable_value(&mut self.is_support_shown, true, name);
                if ui.button("Report a problem\u{2026}").clicked() {
                    self.report_problem();
                }
            });
        });
        match self.is_support_shown {
            true => self.support.ui(ui),
            false => {
                CentralPanel::default().show(ui, |ui| ui.heading("Here one draws."));
            }
        }
    }
}
