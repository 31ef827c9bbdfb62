//! The field in which one looks for tickets, and how what was begun could go on.

use egui::text::{CCursor, CCursorRange};
use egui::text_edit::TextEditState;
use egui::{
    Area, Frame, Id, Key, Margin, Modifiers, Order, Rect, RichText, Role, Sense, TextEdit, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::completion::{self, Proposal};
use crate::icon::{Icon, square_at};
use crate::intent::{Field, Intent};
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, line};

pub(super) fn search_ui(scene: &mut Scene<'_>, ui: &mut Ui) {
    let tokens = scene.tokens;
    let id = widgets::field_id(scene.salt, SEARCH);
    let mut query = scene.state.inbox.query.clone();
    let has_focus = ui.memory(|memory| memory.has_focus(id));
    let proposals = if has_focus { completion::propose(scene.state, &query) } else { Vec::new() };
    let place = id.with("proposal");
    let chosen: Option<usize> = ui.data(|data| data.get_temp(place));
    let chosen = chosen.filter(|chosen| *chosen < proposals.len());
    let taken = keys(ui, place, &proposals, chosen);
    let edit = TextEdit::singleline(&mut query)
        .id(id)
        .hint_text(RichText::new("Find: words, label:crash, assignee:me \u{2026}").color(tokens.faint))
        .margin(Margin { left: 32, right: 10, top: 7, bottom: 7 })
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    widgets::name(ui, &response, SEARCH);
    let at = square_at(response.rect.left() + 11.0, response.rect.center().y, 13.0);
    Icon::Search.paint(ui.painter(), at, tokens.faint);
    scene.act_if(response.changed(), || Intent::Type(Field::Query, query));
    let pressed =
        if proposals.is_empty() { None } else { list_ui(scene, ui, response.rect, &proposals, chosen) };
    if let Some(proposal) = taken.or(pressed).and_then(|index| proposals.into_iter().nth(index)) {
        go_on(ui, id, &proposal.query);
        ui.data_mut(|data| data.remove_temp::<usize>(place));
        scene.act(Intent::Type(Field::Query, proposal.query));
    }
}

/// Goes through the proposals by keys, and returns the one that was taken.
fn keys(ui: &Ui, place: Id, proposals: &[Proposal], chosen: Option<usize>) -> Option<usize> {
    if proposals.is_empty() {
        ui.data_mut(|data| data.remove_temp::<usize>(place));
        return None;
    }
    let pressed = |key: Key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let next = match (pressed(Key::ArrowDown), pressed(Key::ArrowUp)) {
        (true, _) => Some(chosen.map_or(0, |chosen| (chosen + 1).min(proposals.len() - 1))),
        (_, true) => chosen.and_then(|chosen| chosen.checked_sub(1)),
        _ => chosen,
    };
    ui.data_mut(|data| match next {
        Some(next) => drop(data.insert_temp(place, next)),
        None => drop(data.remove_temp::<usize>(place)),
    });
    chosen.filter(|_| pressed(Key::Enter))
}

/// Leaves the cursor behind what was put in.
fn go_on(ui: &Ui, id: Id, query: &str) {
    let end = CCursor::new(query.chars().count());
    let mut state = TextEditState::load(ui.ctx(), id).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::one(end)));
    state.store(ui.ctx(), id);
    ui.memory_mut(|memory| memory.request_focus(id));
}

/// Draws what could come next below the field, and returns which was pressed.
fn list_ui(
    scene: &Scene<'_>,
    ui: &Ui,
    field: Rect,
    proposals: &[Proposal],
    chosen: Option<usize>,
) -> Option<usize> {
    let tokens = scene.tokens;
    let style = ui.style().clone();
    let area = Area::new(scene.salt.with("proposals")).order(Order::Foreground);
    let shown = area.fixed_pos(field.left_bottom() + vec2(0.0, 4.0)).show(ui.ctx(), |ui| {
        ui.set_style(style);
        let frame = Frame::new().fill(tokens.raised).corner_radius(theme::RADIUS).inner_margin(4.0);
        let frame = frame.stroke(egui::Stroke::new(1.0, tokens.line_strong));
        frame.show(ui, |ui| {
            ui.set_width(field.width() - 8.0);
            ui.spacing_mut().item_spacing.y = 0.0;
            let mut pressed = None;
            for (index, proposal) in proposals.iter().enumerate() {
                if proposal_ui(scene, ui, proposal, chosen == Some(index)) {
                    pressed = Some(index);
                }
            }
            pressed
        })
    });
    shown.inner.inner
}

fn proposal_ui(scene: &Scene<'_>, ui: &mut Ui, proposal: &Proposal, is_chosen: bool) -> bool {
    let tokens = scene.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, &proposal.word));
    let painter = ui.painter();
    if is_chosen || response.hovered() {
        let fill = if is_chosen { tokens.selected } else { tokens.hover };
        painter.rect_filled(rect, 5.0, fill);
    }
    let word = line(painter, &proposal.word, tokens.strong(13.0), tokens.text, rect.width() * 0.6);
    let at = rect.left() + 10.0;
    painter.galley(pos2(at, rect.center().y - word.size().y / 2.0), word.clone(), tokens.text);
    let room = rect.width() - word.size().x - 30.0;
    let hint = line(painter, proposal.hint, widgets::small(), tokens.faint, room);
    painter.galley(
        pos2(at + word.size().x + 10.0, rect.center().y - hint.size().y / 2.0),
        hint,
        tokens.faint,
    );
    response.clicked()
}

pub(super) const SEARCH: &str = "Find tickets";
