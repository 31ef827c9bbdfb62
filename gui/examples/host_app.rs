//! A small product with a tab for support: the client as a component, in the product's own colours.
//!
//! `cargo run -p assist-gui --example host_app`

use assist_gui::{Support, Tokens};
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
    support: Support,
}

impl Studio {
    fn open(ctx: &Context) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let brand = Color32::from_rgb(0x9a, 0x34, 0x12);
        let branded = |tokens: Tokens| Tokens { accent_fill: brand, ..tokens };
        let support = Support::open(ctx, &Home::locate(None)?, "studio")?
            .with_tokens(branded(Tokens::dark()), branded(Tokens::light()));
        Ok(Self { is_support_shown: false, support })
    }
}

impl eframe::App for Studio {
    // Also while another tab is shown: the number on the tab stays right.
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.support.logic(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        Panel::top("tabs").show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.selectable_value(&mut self.is_support_shown, false, "Drawing");
                let unread = self.support.state().unread_count();
                let name = if unread == 0 { "Support".to_owned() } else { format!("Support ({unread})") };
                ui.selectable_value(&mut self.is_support_shown, true, name);
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
