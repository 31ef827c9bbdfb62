//! One picture large, over everything else.

use assist_proto::neutral;
use egui::{
    Align, Color32, Frame, Image, Key, Layout, Modal, Modifiers, Rect, RichText, ScrollArea, Sense, Ui, Vec2,
    vec2,
};

use crate::files::size_words;
use crate::icon::Icon;
use crate::intent::{Intent, Step};
use crate::pictures::{Picture, fit};
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Weight, icon_button};

pub(super) fn lightbox_ui(scene: &mut Scene<'_>, ui: &Ui, whole: Rect) {
    let state = scene.state;
    let (Some(large), Some(open)) = (&state.large, &state.open) else { return };
    let pictures = open.pictures();
    let Some(place) = pictures.iter().position(|picture| picture.blob == large.blob) else { return };
    let file = pictures[place];
    let tokens = scene.tokens;
    let style = ui.style().clone();
    let modal = Modal::new(scene.salt.with("lightbox"))
        .backdrop_color(Color32::from_black_alpha(if tokens.is_dark { 190 } else { 150 }))
        .frame(Frame::new().fill(tokens.page).corner_radius(theme::RADIUS_LARGE).inner_margin(12.0));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_style(style);
        let size = (whole.size() - vec2(72.0, 64.0)).max(vec2(260.0, 200.0));
        ui.set_min_size(size);
        ui.set_max_size(size);
        ui.horizontal(|ui| {
            let name = neutral::line(&file.name).into_owned();
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let is_closed = icon_button(ui, tokens, Icon::Cross, "Close the picture", true).clicked();
                scene.act_if(is_closed, || Intent::ShowPicture(None));
                let saved =
                    widgets::button(ui, tokens, Weight::Plain, Some(Icon::Download), "Save the original");
                scene.act_if(saved.clicked(), || Intent::SaveFile {
                    blob: file.blob.clone(),
                    name: file.name.clone(),
                });
                zoom_ui(scene, ui, large.zoom_percent);
                if pictures.len() > 1 {
                    let has_next = place + 1 < pictures.len();
                    let next = icon_button(ui, tokens, Icon::Right, "Next picture", has_next).clicked();
                    scene.act_if(next, || Intent::StepPicture(Step::Next));
                    let count = format!("{} of {}", place + 1, pictures.len());
                    ui.label(RichText::new(count).size(theme::SMALL).color(tokens.soft));
                    let before = icon_button(ui, tokens, Icon::Left, "Previous picture", place > 0).clicked();
                    scene.act_if(before, || Intent::StepPicture(Step::Previous));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let title = RichText::new(name).font(tokens.strong(theme::BODY)).color(tokens.text);
                    ui.add(egui::Label::new(title).truncate());
                    let by = format!(
                        "{} \u{b7} {}",
                        neutral::line(&file.author.name),
                        size_words(file.size_bytes)
                    );
                    ui.add(
                        egui::Label::new(RichText::new(by).size(theme::SMALL).color(tokens.soft)).truncate(),
                    );
                });
            });
        });
        ui.add_space(6.0);
        picture_ui(scene, ui, &file.blob, &file.name, large.zoom_percent);
    });
    let is_left = shown.should_close();
    scene.act_if(is_left, || Intent::ShowPicture(None));
    let pressed = |key: Key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key));
    scene.act_if(pressed(Key::ArrowRight), || Intent::StepPicture(Step::Next));
    scene.act_if(pressed(Key::ArrowLeft), || Intent::StepPicture(Step::Previous));
}

fn zoom_ui(scene: &mut Scene<'_>, ui: &mut Ui, zoom: Option<u16>) {
    let tokens = scene.tokens;
    let now = zoom.unwrap_or(100);
    let larger = icon_button(ui, tokens, Icon::Plus, "Larger", now < ZOOM_MAX).clicked();
    scene.act_if(larger, || Intent::ZoomPicture(Some((now + ZOOM_STEP).min(ZOOM_MAX))));
    let words = zoom.map_or_else(|| "Fits".to_owned(), |percent| format!("{percent} %"));
    let pressed = widgets::link_button(ui, tokens, &words).on_hover_text("As it fits").clicked();
    scene.act_if(pressed, || Intent::ZoomPicture(None));
    let smaller = icon_button(ui, tokens, Icon::Minus, "Smaller", now > ZOOM_STEP).clicked();
    scene.act_if(smaller, || Intent::ZoomPicture(Some(now.saturating_sub(ZOOM_STEP).max(ZOOM_STEP))));
}

fn picture_ui(scene: &mut Scene<'_>, ui: &mut Ui, blob: &str, name: &str, zoom: Option<u16>) {
    let tokens = scene.tokens;
    let room = ui.available_size();
    let texture = match scene.pictures.look_large(blob) {
        Picture::Here(texture) => texture,
        Picture::Waiting => return,
        Picture::Nothing(why) => return widgets::error_ui(ui, tokens, &why),
    };
    let size = match zoom {
        None => fit(texture.size, room),
        Some(percent) => texture.size * (f32::from(percent) / 100.0),
    };
    let area = ScrollArea::both().id_salt(("large", blob)).auto_shrink(false);
    area.show(ui, |ui| {
        let (rect, response) = ui.allocate_exact_size(size.max(room - Vec2::splat(1.0)), Sense::hover());
        let label = neutral::line(name).into_owned();
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, label.clone()));
        Image::from_texture(texture).paint_at(ui, Rect::from_center_size(rect.center(), size));
    });
}

const ZOOM_MAX: u16 = 400;
const ZOOM_STEP: u16 = 50;
