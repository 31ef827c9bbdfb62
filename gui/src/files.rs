//! Files that somebody is about to send. Plain data and pure functions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use assist_proto::api::attachment::Attach;
use assist_proto::blob::numbered;
use egui::ColorImage;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::route::TicketKey;

/// Where files are gathered until they are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// Under a ticket.
    Ticket(TicketKey),
    /// In the form of a new one.
    NewTicket,
}

/// Where a file's bytes come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A file of this device.
    Path(PathBuf),
    /// Pixels that were pasted.
    Pixels(Arc<ColorImage>),
    /// Bytes of a host, and what they are called.
    Bytes(String, Arc<[u8]>),
}

/// A file that somebody is about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Tells it from the others.
    pub id: u64,
    /// What it will be called.
    pub name: String,
    /// How far it is.
    pub state: NewFileState,
}

/// How far a file is that somebody is about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewFileState {
    /// On its way to the daemon.
    Storing,
    /// Kept by the daemon.
    Stored {
        /// The hash of its bytes.
        blob: String,
        /// How many they are.
        size_bytes: u64,
    },
    /// It cannot be kept, and why.
    Failed(String),
}

/// A file that was about to be sent when the client ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsentFile {
    blob: String,
    name: String,
    size_bytes: u64,
}

impl NewFile {
    /// Makes one that the daemon already keeps.
    pub(crate) fn stored(id: u64, name: String, blob: String, size_bytes: u64) -> Self {
        Self { id, name, state: NewFileState::Stored { blob, size_bytes } }
    }

    /// Returns what is sent of it.
    pub(crate) fn attach(&self) -> Option<Attach> {
        match &self.state {
            NewFileState::Stored { blob, .. } => {
                Some(Attach { blob: blob.clone(), name: self.name.clone(), media_type: None })
            }
            NewFileState::Storing | NewFileState::Failed(_) => None,
        }
    }

    /// Returns what is kept of it until the next start.
    pub(crate) fn unsent(&self) -> Option<UnsentFile> {
        match &self.state {
            NewFileState::Stored { blob, size_bytes } => {
                Some(UnsentFile { blob: blob.clone(), name: self.name.clone(), size_bytes: *size_bytes })
            }
            NewFileState::Storing | NewFileState::Failed(_) => None,
        }
    }
}

impl UnsentFile {
    /// Returns it as it was. `id` tells it from the others.
    pub(crate) fn into_file(self, id: u64) -> NewFile {
        NewFile::stored(id, self.name, self.blob, self.size_bytes)
    }
}

/// Returns what a source is called when it is attached: never a path, no longer than names may be, and told apart from
/// what is attached already.
pub(crate) fn name_of(source: &Source, taken: &[NewFile]) -> String {
    let name = match source {
        Source::Path(path) => {
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        }
        Source::Pixels(_) => PASTED.to_owned(),
        Source::Bytes(name, _) => name.clone(),
    };
    let is_wrong = |c: char| c == '/' || c == '\\' || c.is_control();
    let name: String = name.chars().map(|c| if is_wrong(c) { '_' } else { c }).collect();
    let name: String = name.chars().take(limits::FILE_NAME_CHARS_MAX).collect();
    let name = if name.is_empty() { "file".to_owned() } else { name };
    let is_taken = |name: &str| taken.iter().any(|file| file.name == name);
    let mut others = (2..).map(|count| numbered(&name, count));
    if is_taken(&name) { others.find(|name| !is_taken(name)).unwrap_or(name) } else { name }
}

/// Says how many bytes something has, as people read it.
pub(crate) fn size_words(bytes: u64) -> String {
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KiB", bytes / KIB),
        MIB..GIB => format!("{:.1} MiB", bytes as f64 / MIB as f64),
        _ => format!("{:.1} GiB", bytes as f64 / GIB as f64),
    }
}

/// Tells whether a small picture can be made of it; its author's word is taken for whether to try.
pub(crate) fn is_picture(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/webp" | "image/gif")
}

/// The same, of a file that is still to be sent, by its name.
pub(crate) fn is_named_as_picture(name: &str) -> bool {
    let extension = Path::new(name).extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|end| matches!(&*end, "png" | "jpg" | "jpeg" | "webp" | "gif"))
}

const PASTED: &str = "screenshot.png";

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{NewFile, Source, name_of, size_words};

    #[test]
    fn files_of_one_name_are_told_apart() {
        let noon = Source::Path(PathBuf::from("/tmp/noon.png"));
        let file = |id: u64, name: &str| NewFile::stored(id, name.into(), "b".into(), 1);
        assert_eq!(name_of(&noon, &[]), "noon.png");
        assert_eq!(name_of(&noon, &[file(1, "noon.png")]), "noon (2).png");
        assert_eq!(name_of(&noon, &[file(1, "noon.png"), file(2, "noon (2).png")]), "noon (3).png");
        assert_eq!(name_of(&Source::Path(PathBuf::from("/")), &[]), "file");
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        assert_eq!(size_words(7), "7 B");
        assert_eq!(size_words(482_113), "470 KiB");
        assert_eq!(size_words(3_500_000), "3.3 MiB");
        assert_eq!(size_words(3 << 30), "3.0 GiB");
    }
}
