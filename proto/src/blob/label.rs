//! Names of attachments: labels that others chose. From a label to a name that can be given to a file, and to a type.

/// The name that a file may have for this label: one part of a path, with nothing in it that means something to a
/// file system, a shell or an eye. Never empty, never hidden, never a name that a system has taken.
pub fn file_name(label: &str) -> String {
    let mut name: String = label.chars().map(|c| if is_unsafe(c) { '_' } else { c }).collect();
    // Windows drops dots and spaces at the end; a dot in front hides, a dash in front is an option.
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    let start = name.len() - name.trim_start_matches(['.', ' ', '-', '~']).len();
    name.drain(..start);
    let name = shortened(&name);
    if name.is_empty() {
        return "file".to_owned();
    }
    if is_reserved(&name) { format!("_{name}") } else { name }
}

/// The same name once more, for the `count`th file of it: `report (2).pdf`.
pub fn numbered(name: &str, count: u32) -> String {
    let (stem, extension) = split(name);
    format!("{stem} ({count}){extension}")
}

/// What the bytes are, as far as their beginning tells, else what the name says. Claims of nobody.
pub fn media_type(beginning: &[u8], label: &str) -> &'static str {
    if let Some(picture) = picture_type(beginning) {
        return picture;
    }
    if beginning.starts_with(b"%PDF-") {
        return "application/pdf";
    }
    if beginning.starts_with(b"PK\x03\x04") {
        return "application/zip";
    }
    let (_, extension) = split(label);
    match extension.to_ascii_lowercase().as_str() {
        ".json" => "application/json",
        ".csv" => "text/csv",
        ".md" => "text/markdown",
        ".mp4" => "video/mp4",
        ".webm" => "video/webm",
        ".gz" | ".tgz" => "application/gzip",
        _ if !beginning.contains(&0) && is_text(beginning) => "text/plain",
        _ => "application/octet-stream",
    }
}

/// The picture that begins so, among those that are shown.
pub fn picture_type(beginning: &[u8]) -> Option<&'static str> {
    match beginning {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Whether it is UTF-8, but for a character that the end cuts.
fn is_text(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// Controls, separators and wildcards of any system, and what an eye does not see or sees in another order.
const fn is_unsafe(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            // Look like separators.
            | '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{ff0f}' | '\u{ff3c}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered.is_some_and(|rest| {
            matches!(
                rest,
                "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "\u{b9}" | "\u{b2}" | "\u{b3}"
            )
        })
}

/// Cut to what every file system takes, with room for a number. The ending stays.
fn shortened(name: &str) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let extension = if extension.len() <= EXTENSION_BYTES_MAX { extension } else { "" };
    let cut = stem.floor_char_boundary(NAME_BYTES_MAX - extension.len());
    format!("{}{extension}", stem[..cut].trim_end_matches(['.', ' ']))
}

/// A name's stem, and its ending with the dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// Most systems take 255 bytes.
const NAME_BYTES_MAX: usize = 200;
/// Longer than any ending that means something.
const EXTENSION_BYTES_MAX: usize = 20;

#[cfg(test)]
mod tests;
