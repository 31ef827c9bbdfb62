//! Text in lines that fit a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Returns the lines of a harmless text, each at most `width` columns wide, behind `indent` spaces. A line that is
/// too long breaks at spaces, or within a word that is wider than all; its parts keep its own leading spaces.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let room = width.saturating_sub(indent).max(ROOM_MIN);
    let margin = " ".repeat(indent);
    let lines = text.lines().flat_map(|line| wrap_line(line, room));
    lines.map(|line| if line.is_empty() { line } else { format!("{margin}{line}") }).collect()
}

fn wrap_line(line: &str, room: usize) -> Vec<String> {
    let line = line.replace('\t', TAB);
    if line.width() <= room {
        return vec![line];
    }
    let leading = line.len() - line.trim_start_matches(' ').len();
    let lead = if leading < room / 2 { &line[..leading] } else { "" };
    let mut lines = Vec::new();
    let mut current = lead.to_owned();
    for word in line[leading..].split(' ') {
        let is_first = current.len() == lead.len();
        let gap = usize::from(!is_first);
        if !is_first && current.width() + gap + word.width() > room {
            lines.push(std::mem::replace(&mut current, lead.to_owned()));
        } else if !is_first {
            current.push(' ');
        }
        for character in word.chars() {
            if current.width() + character.width().unwrap_or_default() > room {
                lines.push(std::mem::replace(&mut current, lead.to_owned()));
            }
            current.push(character);
        }
    }
    lines.push(current);
    lines
}

/// A terminal narrower than this wraps by itself.
const ROOM_MIN: usize = 20;

const TAB: &str = "    ";

#[cfg(test)]
mod tests;
