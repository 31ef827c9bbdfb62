//! What the client keeps between its runs: words that were not sent, and how it looks. A file of the user's own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use assist_proto::client::Home;
use serde::{Deserialize, Serialize};

use crate::files::{NewFile, UnsentFile};
use crate::limits;
use crate::route::TicketKey;
use crate::rows::LeftOut;
use crate::state::{Composer, Rewriting, State};

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
    /// The files that were to go along.
    pub new_files: Vec<UnsentFile>,
    /// What a host knows of itself, that is in one of them.
    pub new_diagnostics: Vec<(String, String)>,
    /// How large the window was.
    pub window_size: Option<[f32; 2]>,
    /// Where it was, where the system says that.
    pub window_place: Option<[f32; 2]>,
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
    /// What rows of the list do not show.
    pub left_out: LeftOut,
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
    #[serde(default)]
    files: Vec<UnsentFile>,
    #[serde(default)]
    rewriting: Option<Rewriting>,
}

impl UnsentText {
    fn is_of(&self, other: &Self) -> bool {
        (&self.project, &self.ticket) == (&other.project, &other.ticket)
    }

    pub(crate) fn into_composer(
        self,
        number: &mut impl FnMut(Vec<UnsentFile>) -> Vec<NewFile>,
    ) -> (TicketKey, Composer) {
        let Self { project, ticket, text, is_note, reply_to, files, rewriting } = self;
        let files = number(files);
        let composer = Composer { text, is_note, reply_to, files, rewriting, ..Composer::default() };
        (TicketKey { project, ticket }, composer)
    }
}

impl Memory {
    pub(crate) fn of(state: &State) -> Self {
        let is_begun = |composer: &Composer| {
            !composer.text.is_empty() || !composer.files.is_empty() || composer.rewriting.is_some()
        };
        let written = state.composers.iter().filter(|(_, composer)| is_begun(composer));
        let drafts = written.map(|(key, composer)| UnsentText {
            project: key.project.clone(),
            ticket: key.ticket.clone(),
            text: composer.text.clone(),
            is_note: composer.is_note,
            reply_to: composer.reply_to.clone(),
            files: composer.files.iter().filter_map(NewFile::unsent).collect(),
            rewriting: composer.rewriting.clone(),
        });
        Self {
            looks: state.looks,
            drafts: drafts.collect(),
            new_title: state.new_ticket.title.clone(),
            new_body: state.new_ticket.body.clone(),
            new_files: state.new_ticket.files.iter().filter_map(NewFile::unsent).collect(),
            new_diagnostics: state.new_ticket.diagnostics.clone(),
            window_size: state.window_size,
            window_place: state.window_place,
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

    /// Returns this over what another window kept meanwhile: what was changed here since `base` counts, all else stays.
    fn over(self, base: &Self, kept: Self) -> Self {
        let mut drafts = kept.drafts.clone();
        for draft in base.drafts.iter().filter(|draft| !self.drafts.contains(draft)) {
            drafts.retain(|other| !other.is_of(draft));
        }
        for draft in self.drafts.iter().filter(|draft| !base.drafts.contains(draft)) {
            drafts.retain(|other| !other.is_of(draft));
            drafts.push(draft.clone());
        }
        let form = |memory: &Self| {
            let files = (memory.new_files.clone(), memory.new_diagnostics.clone());
            (memory.new_title.clone(), memory.new_body.clone(), files)
        };
        let own = form(&self);
        let (new_title, new_body, (new_files, new_diagnostics)) =
            if own == form(base) { form(&kept) } else { own };
        Self {
            looks: if self.looks == base.looks { kept.looks } else { self.looks },
            drafts,
            new_title,
            new_body,
            new_files,
            new_diagnostics,
            window_size: if self.window_size == base.window_size {
                kept.window_size
            } else {
                self.window_size
            },
            window_place: if self.window_place == base.window_place {
                kept.window_place
            } else {
                self.window_place
            },
        }
    }

    /// Keeps it: whole or not at all, and for the user alone.
    fn store(&self, home: &Home) -> io::Result<()> {
        let path = path(home);
        let new = path.with_extension("json.new");
        write(&new, &serde_json::to_vec(self)?)?;
        fs::rename(new, path)
    }
}

/// Keeps what several windows remember in one file, each its own part.
#[derive(Debug)]
pub(crate) struct Keeper {
    home: Home,
    /// What this window kept last.
    base: Mutex<Memory>,
}

impl Keeper {
    /// Reads what was kept.
    pub(crate) fn open(home: &Home) -> (Self, Memory) {
        let memory = Memory::load(home);
        (Self { home: home.clone(), base: Mutex::new(memory.clone()) }, memory)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn keep(&self, memory: Memory) -> io::Result<()> {
        let mut base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        // One window at a time; the lock goes with the file's handle.
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path(&self.home).with_extension("json.lock"))?;
        lock.lock()?;
        memory.clone().over(&base, Memory::load(&self.home)).store(&self.home)?;
        *base = memory;
        Ok(())
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

    use super::{Keeper, Looks, Memory, ThemeChoice, UnsentText, path};
    use crate::rows::RowPart;
    use crate::state::Rewriting;

    fn draft(ticket: &str, text: &str) -> UnsentText {
        UnsentText {
            project: "p".into(),
            ticket: ticket.into(),
            text: text.into(),
            is_note: false,
            reply_to: None,
            files: Vec::new(),
            rewriting: None,
        }
    }

    #[test]
    fn two_windows_keep_each_others_words() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::locate(Some(folder.path().to_owned())).unwrap();
        let begun = Memory { drafts: vec![draft("t1", "one")], ..Memory::default() };
        begun.store(&home).unwrap();
        let [(left, _), (right, _)] = [Keeper::open(&home), Keeper::open(&home)];
        let of_left = Memory { drafts: vec![draft("t1", "one"), draft("t2", "two")], ..Memory::default() };
        left.keep(of_left.clone()).unwrap();
        let of_right =
            Memory { drafts: vec![draft("t1", "one more")], new_title: "It".into(), ..Memory::default() };
        right.keep(of_right).unwrap();
        let kept = Memory::load(&home);
        assert_eq!(kept.drafts, [draft("t2", "two"), draft("t1", "one more")]);
        // What was sent on the left is gone; what the right one wrote is not.
        left.keep(Memory { drafts: vec![draft("t1", "one")], ..of_left }).unwrap();
        let kept = Memory::load(&home);
        assert_eq!((kept.drafts, kept.new_title), (vec![draft("t1", "one more")], "It".into()));
    }

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
            files: Vec::new(),
            rewriting: Some(Rewriting {
                comment: "c1".into(),
                is_note: false,
                text: Some("a half".into()),
                is_sending: false,
            }),
        };
        let mut looks = Looks { theme: ThemeChoice::Dark, zoom_percent: 120, ..Looks::default() };
        looks.left_out.show(RowPart::Labels, false);
        let memory = Memory {
            looks,
            drafts: vec![draft],
            new_title: "It".into(),
            new_body: "hums".into(),
            new_files: Vec::new(),
            new_diagnostics: vec![("version".into(), "4.2".into())],
            window_size: Some([900.0, 700.0]),
            window_place: Some([12.0, 40.0]),
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
