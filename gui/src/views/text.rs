//! A text of somebody, as they meant it to look.

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Color32, FontFamily, FontId, Frame, Label, Link, Margin, OpenUrl, RichText, Sense, Stroke, TextWrapMode,
    Ui, pos2, vec2,
};

use crate::markdown::{Block, Look, Span};
use crate::scene::Scene;
use crate::theme::{self, Tokens};

pub(super) fn text_ui(scene: &mut Scene<'_>, ui: &mut Ui, text: &str) {
    let blocks = scene.layouts.blocks(text);
    let tokens = scene.tokens;
    ui.spacing_mut().item_spacing.y = 8.0;
    for (index, block) in blocks.iter().enumerate() {
        match block {
            Block::Heading(spans) => spans_ui(ui, tokens, spans, theme::HEADING, true),
            Block::Text { depth, marker, is_quote, spans } => {
                indented_ui(ui, tokens, *depth, marker.as_deref(), *is_quote, spans);
            }
            Block::Code(code) => code_ui(ui, tokens, index, code),
            Block::Rule => {
                let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
                ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, tokens.line));
            }
        }
    }
}

fn indented_ui(
    ui: &mut Ui,
    tokens: &Tokens,
    depth: usize,
    marker: Option<&str>,
    is_quote: bool,
    spans: &[Span],
) {
    if depth == 0 && !is_quote {
        spans_ui(ui, tokens, spans, theme::BODY, false);
        return;
    }
    let indent = depth as f32 * 20.0 + if is_quote { 14.0 } else { 0.0 };
    let top = ui.cursor().top();
    let left = ui.cursor().left();
    ui.horizontal_top(|ui| {
        ui.add_space(indent);
        let start = ui.cursor().left();
        ui.vertical(|ui| spans_ui(ui, tokens, spans, theme::BODY, false));
        if let Some(marker) = marker {
            let at = pos2(start - 8.0, top);
            let font = FontId::proportional(theme::BODY);
            ui.painter().text(at, egui::Align2::RIGHT_TOP, marker, font, tokens.faint);
        }
    });
    if is_quote {
        let bottom = ui.min_rect().bottom();
        ui.painter().vline(left + 2.0, top..=bottom, Stroke::new(3.0, tokens.line_strong));
    }
}

fn code_ui(ui: &mut Ui, tokens: &Tokens, index: usize, code: &str) {
    Frame::new()
        .fill(tokens.tint(tokens.soft, tokens.page))
        .corner_radius(theme::RADIUS)
        .inner_margin(Margin::symmetric(12, 10))
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            egui::ScrollArea::horizontal().id_salt(("code", index, crate::layouts::hash(code))).show(
                ui,
                |ui| {
                    let text = RichText::new(code).monospace().color(tokens.text);
                    ui.add(Label::new(text).wrap_mode(TextWrapMode::Extend));
                },
            );
        });
}

/// Text with its links. Without any it is one label, so that all of it can be marked at once.
fn spans_ui(ui: &mut Ui, tokens: &Tokens, spans: &[Span], size: f32, is_strong: bool) {
    if spans.iter().all(|span| span.look.link.is_none()) {
        let mut job = LayoutJob::default();
        for span in spans {
            job.append(&span.text, 0.0, format(tokens, &span.look, size, is_strong));
        }
        ui.add(Label::new(job).wrap());
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for span in spans {
            let job =
                LayoutJob::single_section(span.text.clone(), format(tokens, &span.look, size, is_strong));
            match &span.look.link {
                None => {
                    ui.add(Label::new(job).wrap());
                }
                // Where it leads is seen before it is followed: the words may say something else.
                Some(link) if ui.add(Link::new(job)).on_hover_text(link).clicked() => {
                    ui.ctx().open_url(OpenUrl::new_tab(link));
                }
                Some(_) => {}
            }
        }
    });
}

fn format(tokens: &Tokens, look: &Look, size: f32, is_strong: bool) -> TextFormat {
    let font = match (look.is_code, look.is_strong || is_strong) {
        (true, _) => FontId::new(size - 1.0, FontFamily::Monospace),
        (false, true) => tokens.strong(size),
        (false, false) => FontId::proportional(size),
    };
    let colour = if look.link.is_some() { tokens.accent } else { tokens.text };
    let line = |is_there: bool| if is_there { Stroke::new(1.0, colour) } else { Stroke::NONE };
    TextFormat {
        font_id: font,
        color: colour,
        italics: look.is_slanted,
        background: if look.is_code { tokens.tint(tokens.soft, tokens.page) } else { Color32::TRANSPARENT },
        strikethrough: line(look.is_struck),
        underline: line(look.link.is_some()),
        line_height: Some(size * 1.45),
        ..TextFormat::default()
    }
}
