//! What the client keeps between its runs: words that were not sent, and how it looks. A file of the user's own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use assist_proto::client::Home;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::route::TicketKey;
use crate::state::{Composer, State};

/// What is kept. Fields may be added; those that are not known are passed over.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// How it looks.
    pub looks: Looks,
    /// What was written under tickets and not sent.
    pub drafts: Vec<UnsentText>,
    /// The title of a ticket that was not filed.
    pub new_title: String,
    /// The report of a ticket that was not filed.
    pub new_body: String,
    /// How large the window was.
    pub window_size: Option<[f32; 2]>,
}

/// How the client looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Looks {
    /// Dark, light, or as the system has it.
    pub theme: ThemeChoice,
    /// The size of everything, in percent; 0 for what the system says.
    pub zoom_percent: u16,
    /// Whether things move no more than they must.
    pub has_reduced_motion: bool,
}

/// Dark, light, or as the system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// As the system has it.
    #[default]
    System,
    /// Always dark.
    Dark,
    /// Always light.
    Light,
}

/// What was written under a ticket and not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsentText {
    project: String,
    ticket: String,
    text: String,
    is_note: bool,
    reply_to: Option<String>,
}

impl UnsentText {
    pub(crate) fn into_composer(self) -> (TicketKey, Composer) {
        let Self { project, ticket, text, is_note, reply_to } = self;
        (TicketKey { project, ticket }, Composer { text, is_note, reply_to, ..Composer::default() })
    }
}

impl Memory {
    pub(crate) fn of(state: &State) -> Self {
        let written = state.composers.iter().filter(|(_, composer)| !composer.text.is_empty());
        let drafts = written.map(|(key, composer)| UnsentText {
            project: key.project.clone(),
            ticket: key.ticket.clone(),
            text: composer.text.clone(),
            is_note: composer.is_note,
            reply_to: composer.reply_to.clone(),
        });
        Self {
            looks: state.looks,
            drafts: drafts.collect(),
            new_title: state.new_ticket.title.clone(),
            new_body: state.new_ticket.body.clone(),
            window_size: state.window_size,
        }
    }

    /// Reads what was kept. A file that is not there, or that cannot be read as it should, is as good as none; the
    /// latter is put aside, for it may hold somebody's words.
    pub fn load(home: &Home) -> Self {
        let path = path(home);
        let Ok(file) = File::open(&path) else { return Self::default() };
        let mut bytes = Vec::new();
        let read = file.take(limits::MEMORY_BYTES_MAX + 1).read_to_end(&mut bytes);
        let is_whole = read.is_ok_and(|size| size as u64 <= limits::MEMORY_BYTES_MAX);
        match serde_json::from_slice(&bytes) {
            Ok(memory) if is_whole => memory,
            _ => {
                // If even that fails, the next store says so.
                fs::rename(&path, path.with_extension("json.damaged")).ok();
                Self::default()
            }
        }
    }

    /// Keeps it: whole or not at all, and for the user alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn store(&self, home: &Home) -> io::Result<()> {
        let path = path(home);
        let new = path.with_extension("json.new");
        write(&new, &serde_json::to_vec(self)?)?;
        fs::rename(new, path)
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn path(home: &Home) -> PathBuf {
    home.folder().join("gui.json")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use assist_proto::client::Home;

    use super::{Looks, Memory, ThemeChoice, UnsentText, path};

    #[test]
    fn words_come_back_and_a_damaged_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::locate(Some(folder.path().to_owned())).unwrap();
        assert_eq!(Memory::load(&home), Memory::default());
        let draft = UnsentText {
            project: "p".into(),
            ticket: "t".into(),
            text: "half a sen".into(),
            is_note: true,
            reply_to: None,
        };
        let looks = Looks { theme: ThemeChoice::Dark, zoom_percent: 120, has_reduced_motion: true };
        let memory = Memory {
            looks,
            drafts: vec![draft],
            new_title: "It".into(),
            new_body: "hums".into(),
            window_size: Some([900.0, 700.0]),
        };
        memory.store(&home).unwrap();
        assert_eq!(fs::metadata(path(&home)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Memory::load(&home), memory);

        fs::write(path(&home), "{\"drafts\": 7}").unwrap();
        assert_eq!(Memory::load(&home), Memory::default());
        let aside = fs::read_to_string(path(&home).with_extension("json.damaged")).unwrap();
        assert_eq!(aside, "{\"drafts\": 7}");
        fs::write(path(&home), "{\"of_a_newer_version\": 7, \"new_title\": \"It\"}").unwrap();
        assert_eq!(Memory::load(&home).new_title, "It");
    }
}
