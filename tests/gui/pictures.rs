//! Pictures of the client, drawn on the processor. `UPDATE_SNAPSHOTS=1` makes them anew; `PICTURES=folder` writes large
//! ones for documents.

use assist_gui::intent::{Field, Intent, Selecting};
use assist_gui::memory::Memory;
use assist_gui::route::TicketKey;
use assist_gui::state::State;
use assist_gui::{Route, Support, Tokens, fonts};
use assist_tests::raster::Raster;
use egui::accesskit::Role;
use egui::{Theme, Vec2};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, SnapshotOptions};

use crate::pictured::{self, NOW};

fn harness(state: State, theme: Theme, size: [f32; 2], scale: f32) -> Harness<'static, Support> {
    let support = Support::of_state(state, "picture").with_clock(|| NOW);
    let mut has_picture = false;
    let mut harness = Harness::builder()
        .with_size(Vec2::from(size))
        .with_pixels_per_point(scale)
        .with_theme(theme)
        .renderer(Raster::default())
        .with_context_setup(|ctx| {
            fonts::install(ctx);
            for (theme, tokens) in [(Theme::Dark, Tokens::dark()), (Theme::Light, Tokens::light())] {
                ctx.set_style_of(theme, tokens.style(&ctx.style_of(theme)));
            }
        })
        .build_ui_state(
            move |ui, support: &mut Support| {
                if !std::mem::replace(&mut has_picture, true) {
                    support.put_picture(&ui.ctx().clone(), pictured::SCREEN, pictured::screen());
                }
                // A window has no margin.
                let whole = egui::UiBuilder::new().max_rect(ui.ctx().content_rect());
                ui.scope_builder(whole, |ui| {
                    ui.set_clip_rect(ui.max_rect());
                    support.ui(ui);
                });
            },
            support,
        );
    harness.run_steps(4);
    harness
}

fn screens() -> Vec<(&'static str, State)> {
    let mut offline = pictured::inbox("offline", 2, 412);
    assist_gui::update::act(&mut offline, Intent::Go(Route::NewTicket));
    let mut note = pictured::ticket();
    assist_gui::update::act(&mut note, Intent::WriteNote(true));
    let text = "Carla is a *pilot* customer: call before Friday.".to_owned();
    assist_gui::update::act(&mut note, Intent::Type(Field::Composer, text));
    let mut large = pictured::ticket();
    assist_gui::update::act(&mut large, Intent::ShowPicture(Some(pictured::SCREEN.to_owned())));
    let mut palette = pictured::ticket();
    assist_gui::update::act(&mut palette, Intent::ShowPalette(true));
    let mut chosen = pictured::inbox("online", 0, 412);
    for row in 1..4 {
        let row = chosen.inbox.row(row).unwrap();
        let key = TicketKey { project: row.project.clone(), ticket: row.id.clone() };
        assist_gui::update::act(&mut chosen, Intent::Select(key, Selecting::Toggle));
    }
    let mut settings = pictured::inbox("paused", 1, 412);
    assist_gui::update::act(&mut settings, Intent::Go(Route::Settings));
    vec![
        ("starting", State::new(Memory::default())),
        ("welcome", pictured::empty()),
        ("code", pictured::joining()),
        ("inbox", pictured::inbox("online", 0, 412)),
        ("inbox-empty", pictured::inbox("online", 0, 0)),
        ("ticket", pictured::ticket()),
        ("large", large),
        ("conflict", pictured::conflict()),
        ("history", pictured::history()),
        ("palette", palette),
        ("chosen", chosen),
        ("note", note),
        ("offline", offline),
        ("full", pictured::inbox("full", 2, 412)),
        ("settings", settings),
        ("manage", pictured::manage()),
        ("health", pictured::health()),
        ("log", pictured::log()),
        ("diagnostics", pictured::diagnostics()),
    ]
}

/// The folder of the pictures that are compared.
fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("gui/snapshots")
}

/// Draws the screens in both themes, and at the size of a small window where that is another layout.
#[test]
fn every_screen_looks_as_it_did() {
    let options = SnapshotOptions::new().threshold(1.0).max_failed_pixels(40).output_path(folder());
    let mut results = egui_kittest::SnapshotResults::new();
    let compared = ["welcome", "inbox", "ticket", "note", "offline", "manage", "health", "log"];
    for (name, state) in screens().into_iter().filter(|(name, _)| compared.contains(name)) {
        let theme = if ["welcome", "note", "log"].contains(&name) { Theme::Light } else { Theme::Dark };
        let mut harness = harness(state, theme, [1000.0, 680.0], 1.0);
        results.add(harness.try_snapshot_options(name, &options));
    }
    let mut mentioning = harness(pictured::ticket(), Theme::Dark, [1000.0, 680.0], 1.0);
    let field = |harness: &Harness<'static, Support>, act: fn(egui_kittest::Node<'_>)| {
        act(harness.get_by_role_and_label(Role::MultilineTextInput, "Reply"));
    };
    field(&mentioning, |reply| reply.focus());
    mentioning.step();
    field(&mentioning, |reply| reply.type_text(" @"));
    mentioning.run_steps(3);
    results.add(mentioning.try_snapshot_options("mentioning", &options));
    let mut small = harness(pictured::ticket(), Theme::Light, [480.0, 640.0], 1.0);
    results.add(small.try_snapshot_options("small", &options));
    results.unwrap();
}

#[test]
fn every_screen_is_drawn_as_it_was_in_both_themes_and_two_sizes() {
    let pictures = std::env::var_os("PICTURES").map(std::path::PathBuf::from);
    let small =
        SnapshotOptions::new().threshold(1.0).max_failed_pixels(40).output_path(folder().join("small"));
    let mut results = egui_kittest::SnapshotResults::new();
    let compared = [
        "inbox-empty",
        "inbox",
        "ticket",
        "note",
        "offline",
        "conflict",
        "settings",
        "manage",
        "health",
        "log",
    ];
    for (name, theme, size) in screens().iter().flat_map(|(name, _)| {
        [(Theme::Dark, "dark"), (Theme::Light, "light")].into_iter().flat_map(move |theme| {
            [("", [1240.0, 820.0]), ("-small", [480.0, 640.0])].map(|size| (*name, theme, size))
        })
    }) {
        let state = screens().into_iter().find(|(it, _)| *it == name).unwrap().1;
        let scale = if pictures.is_some() { 1.5 } else { 0.5 };
        let mut harness = harness(state, theme.0, size.1, scale);
        // Drawing finds missing glyphs and fields without a name.
        harness.step();
        if let Some(folder) = &pictures {
            let picture = harness.render().unwrap();
            picture.save(folder.join(format!("{name}-{}{}.png", theme.1, size.0))).unwrap();
        } else if compared.contains(&name) {
            results.add(harness.try_snapshot_options(format!("{name}-{}{}", theme.1, size.0), &small));
        }
    }
    results.unwrap();
}

/// The pictures that the documents show. `SCREENSHOTS=1` makes them anew.
#[test]
fn pictures_of_the_documents_are_there_and_are_used() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_asked = std::env::var_os("SCREENSHOTS").is_some();
    for (name, theme, place) in [
        ("ticket", Theme::Dark, "README.md"),
        ("conflict", Theme::Light, "docs/gui.md"),
        ("chosen", Theme::Light, "docs/gui.md"),
    ] {
        let file = format!("{name}.png");
        let path = root.join("docs/screenshots").join(&file);
        if is_asked {
            let state = screens().into_iter().find(|(it, _)| *it == name).unwrap().1;
            let picture = harness(state, theme, [1240.0, 760.0], 1.0).render().unwrap();
            picture.save(&path).unwrap();
        }
        let picture = image::open(&path).unwrap();
        assert_eq!((picture.width(), picture.height()), (1240, 760), "{file}");
        let text = std::fs::read_to_string(root.join(place)).unwrap();
        assert!(text.contains(&format!("screenshots/{file}")), "{place} does not show {file}");
    }
}
