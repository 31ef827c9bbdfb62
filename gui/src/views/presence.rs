//! Who else is at the ticket, and writes just now: one quiet line above the field.

use assist_proto::api::presence::{Doing, PresentPerson};
use assist_proto::neutral;
use egui::{RichText, Sense, Ui, Vec2};

use crate::scene::Scene;
use crate::state::OpenTicket;
use crate::theme;
use crate::widgets::paint_avatar;

/// Draws the line; its room is there always, so that nothing moves when somebody comes.
pub(super) fn presence_ui(scene: &Scene<'_>, ui: &mut Ui, open: &OpenTicket) {
    let tokens = scene.tokens;
    ui.horizontal(|ui| {
        ui.set_height(HEIGHT);
        ui.spacing_mut().item_spacing.x = 5.0;
        let Some(words) = words(&open.present) else { return };
        for person in open.present.iter().take(NAMED_MAX) {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
            paint_avatar(ui.painter(), tokens, rect, &person.user.name);
        }
        let words = RichText::new(words).size(theme::SMALL).color(tokens.soft);
        ui.add(egui::Label::new(words).truncate());
    });
}

/// Says who is there, those who write first.
fn words(present: &[PresentPerson]) -> Option<String> {
    let doing = |wanted: Doing| {
        let names =
            present.iter().filter(|person| person.doing == wanted).map(|person| person.user.name.as_str());
        names.collect::<Vec<_>>()
    };
    let sayings = [
        (doing(Doing::Typing), "is writing\u{2026}", "are writing\u{2026}"),
        (doing(Doing::TypingNote), "is writing a note\u{2026}", "are writing notes\u{2026}"),
        (doing(Doing::Viewing), "is looking at this", "are looking at this"),
    ];
    let said = sayings.into_iter().filter(|(names, ..)| !names.is_empty()).map(|(names, one, many)| {
        let verb = if names.len() == 1 { one } else { many };
        format!("{} {verb}", listed(&names))
    });
    let said = said.collect::<Vec<_>>().join(" \u{b7} ");
    (!said.is_empty()).then(|| neutral::line(&said).into_owned())
}

fn listed(names: &[&str]) -> String {
    match names {
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, more @ ..] => format!("{one}, {two} and {} more", more.len()),
        [] => String::new(),
    }
}

pub(super) const HEIGHT: f32 = 22.0;

/// As many have a face.
const NAMED_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use assist_proto::api::presence::{Doing, PresentPerson};
    use assist_proto::api::user::UserName;

    use super::words;

    fn person(name: &str, doing: Doing) -> PresentPerson {
        PresentPerson { user: UserName { id: name.into(), name: name.into() }, doing, status: None }
    }

    #[test]
    fn who_writes_is_told_before_who_looks() {
        assert_eq!(words(&[]), None);
        assert_eq!(words(&[person("Amir", Doing::Away)]), None);
        let said = words(&[person("Amir", Doing::Viewing), person("Dora", Doing::Typing)]).unwrap();
        assert_eq!(said, "Dora is writing\u{2026} \u{b7} Amir is looking at this");
        let many = ["Amir", "Arno", "Bob", "Dora"].map(|name| person(name, Doing::Viewing));
        assert_eq!(words(&many).unwrap(), "Amir, Arno and 2 more are looking at this");
        assert_eq!(words(&many[..2]).unwrap(), "Amir and Arno are looking at this");
    }
}
