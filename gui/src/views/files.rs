//! Files: those under a comment with where their bytes are, and those that are about to be sent.

use assist_proto::api::attachment::{AttachmentState, BlobState};
use assist_proto::api::comment::Comment;
use assist_proto::neutral;
use egui::{
    Align2, Button, Color32, Image, Margin, Rect, Response, RichText, Sense, Stroke, StrokeKind, TextEdit,
    Ui, UiBuilder, Vec2, pos2, vec2,
};

use crate::files::{NewFile, NewFileState, Slot, Source, is_named_as_picture, size_words};
use crate::icon::{Icon, square_at};
use crate::intent::Intent;
use crate::pictures::{Picture, fit};
use crate::scene::Scene;
use crate::state::is_shown;
use crate::theme;
use crate::widgets::{self, icon_button, line};

/// The files under a comment: pictures side by side, then the others in lines.
pub(super) fn files_ui(scene: &mut Scene<'_>, ui: &mut Ui, comment: &Comment) {
    let state = scene.state;
    let of_it = |file: &&AttachmentState| file.comment == comment.id;
    let files: &[AttachmentState] = state.open.as_ref().map_or(&[], |open| &open.files);
    let (pictures, others): (Vec<_>, Vec<_>) = files.iter().filter(of_it).partition(|file| is_shown(file));
    if !pictures.is_empty() {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            pictures.iter().for_each(|file| picture_ui(scene, ui, file));
        });
    }
    others.iter().for_each(|file| file_ui(scene, ui, file));
}

/// What of a comment's files tells how high it is.
pub(super) fn look_of(files: &[AttachmentState], comment: &Comment) -> (usize, usize) {
    let of_it = files.iter().filter(|file| file.comment == comment.id);
    of_it.fold((0, 0), |(shown, others), file| match is_shown(file) {
        true => (shown + 1, others),
        false => (shown, others + 1),
    })
}

/// A small picture, which a click shows large. All are equally high, so that nothing moves when one comes.
fn picture_ui(scene: &mut Scene<'_>, ui: &mut Ui, file: &AttachmentState) {
    let tokens = scene.tokens;
    let name = neutral::line(&file.name);
    let room = vec2(PICTURE_WIDTH.min(ui.available_width()), PICTURE_HEIGHT);
    let (size, picture) = match scene.pictures.look(&file.blob) {
        Picture::Here(texture) => {
            let size = fit(texture.size, room);
            (vec2(size.x.max(PICTURE_WIDTH_MIN), PICTURE_HEIGHT), Some((size, texture)))
        }
        Picture::Waiting => (vec2(PICTURE_HEIGHT * 1.5, PICTURE_HEIGHT), None),
        // Said to be one, and none: it is a file like others.
        Picture::Nothing(why) => return no_picture_ui(scene, ui, file, &why),
    };
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let response = response.on_hover_text(format!("{name} \u{b7} {}", size_words(file.size_bytes)));
    widgets::picture_button(&response, &format!("Picture {name}"));
    let painter = ui.painter();
    painter.rect_filled(rect, theme::RADIUS, tokens.tint(tokens.soft, tokens.page));
    if let Some((size, texture)) = picture {
        let at = Rect::from_center_size(rect.center(), size);
        Image::from_texture(texture).corner_radius(theme::RADIUS).paint_at(ui, at);
    }
    let line = if response.hovered() { tokens.accent } else { tokens.line_strong };
    ui.painter().rect_stroke(rect, theme::RADIUS, Stroke::new(1.0, line), StrokeKind::Inside);
    widgets::focus_ring(ui.painter(), tokens, rect, &response);
    scene.act_if(response.clicked(), || Intent::ShowPicture(Some(file.blob.clone())));
}

fn no_picture_ui(scene: &mut Scene<'_>, ui: &mut Ui, file: &AttachmentState, why: &str) {
    let size = vec2(PICTURE_HEIGHT * 1.5, PICTURE_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = neutral::line(&file.name).into_owned();
    let response = response.on_hover_text(why);
    widgets::picture_button(&response, &format!("Save {name}, which cannot be shown"));
    let tokens = scene.tokens;
    let painter = ui.painter();
    painter.rect(
        rect,
        theme::RADIUS,
        tokens.raised,
        Stroke::new(1.0, tokens.line_strong),
        StrokeKind::Inside,
    );
    Icon::Warning.paint(
        painter,
        Rect::from_center_size(rect.center() - vec2(0.0, 22.0), Vec2::splat(22.0)),
        tokens.warn,
    );
    let words = [(name.as_str(), 6.0, tokens.text), ("Cannot be shown. Save it.", 26.0, tokens.soft)];
    for (word, down, colour) in words {
        let galley = line(painter, word, widgets::small(), colour, rect.width() - 20.0);
        painter.galley(rect.center() + vec2(-galley.size().x / 2.0, down), galley, colour);
    }
    widgets::focus_ring(painter, tokens, rect, &response);
    scene
        .act_if(response.clicked(), || Intent::SaveFile { blob: file.blob.clone(), name: file.name.clone() });
}

/// A file as a line: what it is called, how large it is, where its bytes are, what one can do about it.
fn file_ui(scene: &mut Scene<'_>, ui: &mut Ui, file: &AttachmentState) {
    let tokens = scene.tokens;
    let name = neutral::line(&file.name).into_owned();
    let (words, colour) = state_words(scene, file);
    let (button, intent) = match file.state {
        BlobState::Here => {
            let save = Intent::SaveFile { blob: file.blob.clone(), name: file.name.clone() };
            (Some((Icon::Download, format!("Save {name}"))), save)
        }
        BlobState::OnServer | BlobState::Missing | BlobState::Waiting | BlobState::Unknown => {
            (Some((Icon::Download, format!("Fetch {name}"))), Intent::FetchFile(file.blob.clone()))
        }
        BlobState::Fetching => (None, Intent::ShowPicture(None)),
    };
    let below = format!("{} \u{b7} {words}", size_words(file.size_bytes));
    let pressed = card_ui(scene, ui, Icon::File, &name, &below, colour, button);
    scene.act_if(pressed, || intent);
    let part = match (&file.upload, file.fetched_bytes) {
        (Some(upload), _) => upload.sent_bytes,
        (None, fetched) => fetched,
    };
    if let Some(part) = part.filter(|_| file.size_bytes > 0) {
        let rect = ui.min_rect();
        let whole =
            Rect::from_min_size(pos2(rect.left() + 8.0, rect.bottom() - 4.0), vec2(CARD_WIDTH - 16.0, 2.0));
        let part = (part as f32 / file.size_bytes as f32).clamp(0.0, 1.0);
        ui.painter().rect_filled(whole, 1.0, tokens.line);
        let done = Rect::from_min_size(whole.min, vec2(whole.width() * part, whole.height()));
        ui.painter().rect_filled(done, 1.0, tokens.accent);
    }
}

/// Where a file's bytes are, in plain words.
fn state_words(scene: &Scene<'_>, file: &AttachmentState) -> (String, Color32) {
    let tokens = scene.tokens;
    if let Some(upload) = &file.upload {
        return match (&upload.refused, upload.sent_bytes) {
            (_, Some(sent)) => (format!("sending, {} so far", size_words(sent)), tokens.soft),
            (Some(reason), None) => (format!("not sent: {reason}"), tokens.bad),
            (None, None) => ("saved here, to be sent".to_owned(), tokens.soft),
        };
    }
    if let Some(trouble) = &file.trouble {
        return (trouble.clone(), tokens.warn);
    }
    let words = match (file.state, file.fetched_bytes) {
        (BlobState::Here, _) => "on this device".to_owned(),
        (BlobState::Fetching, Some(done)) => format!("coming, {} so far", size_words(done)),
        (BlobState::Fetching | BlobState::Waiting, _) => "to be fetched".to_owned(),
        (BlobState::OnServer | BlobState::Unknown, _) => "on server".to_owned(),
        (BlobState::Missing, _) => "not on the server yet: it comes by itself".to_owned(),
    };
    (words, tokens.soft)
}

/// What is about to be sent, each with a way to take it away.
pub(super) fn new_files_ui(scene: &mut Scene<'_>, ui: &mut Ui, slot: &Slot, files: &[NewFile]) {
    if files.is_empty() {
        return;
    }
    let tokens = scene.tokens;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
        for file in files {
            let name = neutral::line(&file.name).into_owned();
            let (below, colour) = match &file.state {
                NewFileState::Storing => ("being kept\u{2026}".to_owned(), tokens.soft),
                NewFileState::Stored { size_bytes, .. } => (size_words(*size_bytes), tokens.soft),
                NewFileState::Failed(why) => (why.clone(), tokens.bad),
            };
            let button = Some((Icon::Cross, format!("Do not send {name}")));
            let icon = if is_named_as_picture(&file.name) { Icon::Picture } else { Icon::File };
            let at = ui.cursor().min;
            let pressed = card_ui(scene, ui, icon, &name, &below, colour, button);
            if let NewFileState::Stored { blob, .. } = &file.state
                && icon == Icon::Picture
                && let Picture::Here(texture) = scene.pictures.look(blob)
            {
                let rect = Rect::from_min_size(at + vec2(6.0, 6.0), Vec2::splat(CARD_HEIGHT - 12.0));
                paint_cut(ui, texture, rect, tokens.raised);
            }
            scene.act_if(pressed, || Intent::Detach(slot.clone(), file.id));
        }
    });
}

/// Draws the middle of a picture into a square.
fn paint_cut(ui: &Ui, texture: egui::load::SizedTexture, rect: Rect, behind: Color32) {
    let size = texture.size.max(Vec2::splat(1.0));
    let part = Vec2::splat(size.min_elem()) / size;
    let uv = Rect::from_center_size(pos2(0.5, 0.5), part);
    ui.painter().rect_filled(rect, 5.0, behind);
    Image::from_texture(texture).uv(uv).corner_radius(5).paint_at(ui, rect);
}

/// One file: an icon, its name over what is to be said of it, and a button. Returns whether that was pressed.
fn card_ui(
    scene: &Scene<'_>,
    ui: &mut Ui,
    icon: Icon,
    name: &str,
    below: &str,
    colour: Color32,
    button: Option<(Icon, String)>,
) -> bool {
    let tokens = scene.tokens;
    let size = vec2(CARD_WIDTH.min(ui.available_width().max(140.0)), CARD_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let response = response.on_hover_text(format!("{name}\n{below}"));
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("File {name}, {below}")));
    let painter = ui.painter();
    painter.rect(rect, theme::RADIUS, tokens.raised, Stroke::new(1.0, tokens.line), StrokeKind::Inside);
    icon.paint(painter, square_at(rect.left() + 14.0, rect.center().y, 18.0), tokens.soft);
    let left = rect.left() + 44.0;
    let room = rect.right() - left - if button.is_some() { 40.0 } else { 12.0 };
    for (text, down, font, colour) in
        [(name, -9.0, tokens.strong(13.0), tokens.text), (below, 9.0, widgets::small(), colour)]
    {
        let galley = line(painter, text, font, colour, room);
        painter.galley(pos2(left, rect.center().y + down - galley.size().y / 2.0), galley, colour);
    }
    let Some((icon, name)) = button else { return false };
    let at = Rect::from_center_size(
        pos2(rect.right() - 21.0, rect.center().y),
        Vec2::splat(theme::CONTROL_HEIGHT),
    );
    // Counted, not keyed: two files may be called the same.
    ui.scope_builder(UiBuilder::new().max_rect(at), |ui| icon_button(ui, tokens, icon, &name, true))
        .inner
        .clicked()
}

/// The button that attaches files: by a dialog where there is one, and by a path.
pub(super) fn attach_button_ui(scene: &mut Scene<'_>, ui: &mut Ui, slot: &Slot) {
    let tokens = scene.tokens;
    let size = Vec2::splat(theme::CONTROL_HEIGHT);
    let button = Button::new("").frame(false).min_size(size);
    let style = tokens.style(ui.style());
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_style(style);
        if scene.state.has_picker {
            let icon = Some(Icon::File);
            let pressed = widgets::button(ui, tokens, widgets::Weight::Plain, icon, "Choose files\u{2026}");
            if pressed.clicked() {
                scene.act(Intent::PickFiles(slot.clone()));
                ui.close();
            }
        }
        path_ui(scene, ui, slot);
    });
    widgets::name(ui, &response, ATTACH);
    paint_clip(ui, scene, &response);
}

fn paint_clip(ui: &Ui, scene: &Scene<'_>, response: &Response) {
    let tokens = scene.tokens;
    let colour = if response.hovered() { tokens.text } else { tokens.soft };
    let at = Rect::from_center_size(response.rect.center(), Vec2::splat(widgets::ICON));
    Icon::Clip.paint(ui.painter(), at, colour);
    widgets::focus_ring(ui.painter(), tokens, response.rect, response);
}

fn path_ui(scene: &mut Scene<'_>, ui: &mut Ui, slot: &Slot) {
    let id = scene.salt.with("path to attach");
    let mut path: String = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let words = if scene.state.has_picker { "Or the path of a file" } else { "Path of a file" };
    let hint = RichText::new(words).color(scene.tokens.faint);
    let edit = TextEdit::singleline(&mut path).hint_text(hint).desired_width(300.0);
    let response = ui.add(edit.margin(Margin::symmetric(8, 5)));
    widgets::name(ui, &response, "Path of a file");
    response.request_focus();
    let is_done = ui.input(|input| input.key_pressed(egui::Key::Enter)) && !path.trim().is_empty();
    if is_done {
        scene.act(Intent::Attach(slot.clone(), Source::Path(path.trim().into())));
        path.clear();
        ui.close();
    }
    ui.data_mut(|data| data.insert_temp(id, path));
}

/// What is pasted or dropped while somebody writes.
pub(super) fn arriving(scene: &mut Scene<'_>, ui: &Ui) {
    let Some(slot) = scene.state.slot() else { return };
    let (pasted, dropped) = ui.input(|input| {
        let pasted = input.raw.events.iter().filter_map(|event| match event {
            egui::Event::PasteImage(image) => Some(Source::Pixels(image.clone())),
            _ => None,
        });
        let dropped = input.raw.dropped_files.iter().map(|file| Source::Path(file.path().to_owned()));
        (pasted.collect::<Vec<_>>(), dropped.collect::<Vec<_>>())
    });
    for source in pasted.into_iter().chain(dropped) {
        scene.act(Intent::Attach(slot.clone(), source));
    }
}

/// Says where a file goes that is held over the window.
pub(super) fn dropping_ui(scene: &Scene<'_>, ui: &Ui, whole: Rect) {
    let Some(slot) = scene.state.slot() else { return };
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let tokens = scene.tokens;
    let layer = egui::LayerId::new(egui::Order::Foreground, scene.salt.with("dropping"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(whole, 0.0, tokens.canvas.gamma_multiply(0.86));
    let frame = whole.shrink(18.0);
    painter.rect_stroke(frame, theme::RADIUS_LARGE, Stroke::new(2.0, tokens.accent), StrokeKind::Inside);
    let words = match slot {
        Slot::NewTicket => "Drop to attach it to the new ticket",
        Slot::Ticket(_) => "Drop to attach it to what you write",
    };
    let icon = Rect::from_center_size(whole.center() - vec2(0.0, 26.0), Vec2::splat(34.0));
    Icon::Clip.paint(&painter, icon, tokens.accent);
    painter.text(
        whole.center() + vec2(0.0, 18.0),
        Align2::CENTER_CENTER,
        words,
        tokens.strong(theme::HEADING),
        tokens.text,
    );
}

const ATTACH: &str = "Attach files";

const PICTURE_HEIGHT: f32 = 168.0;
const PICTURE_WIDTH: f32 = 340.0;
const PICTURE_WIDTH_MIN: f32 = 72.0;
const CARD_WIDTH: f32 = 288.0;
const CARD_HEIGHT: f32 = 48.0;
