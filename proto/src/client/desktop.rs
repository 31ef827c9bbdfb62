//! The entries by which a desktop shows a program and opens `assist://` links with it, as freedesktop.org has them.
//! Writes files of the user's own, and asks the desktop to take note of them.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An entry of a desktop for one of our programs.
#[derive(Debug, Clone, Copy)]
pub struct DesktopEntry<'a> {
    /// The file's name, which is the program's for the desktop: ends with `.desktop`.
    pub file_name: &'a str,
    /// What it says on it.
    pub name: &'a str,
    /// What it is good for.
    pub comment: &'a str,
    /// What stands behind the program, with `%u` for a link.
    pub arguments: &'a str,
    /// Whether it is to be offered among the programs, with this PNG of 256 by 256 pixels; else it opens links only,
    /// in a terminal.
    pub icon: Option<&'a [u8]>,
}

/// What was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The entry.
    pub entry: PathBuf,
    /// Its icon.
    pub icon: Option<PathBuf>,
    /// Whether the desktop opens our links with it from now on.
    pub is_default: bool,
}

/// Why an entry could not be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DesktopError {
    /// Neither variable says where the user's files are.
    #[error("cannot tell where the desktop looks for applications: set XDG_DATA_HOME or HOME")]
    NoFolder,
    /// The system does not say where the program is.
    #[error("cannot tell where this program is")]
    Program(#[source] io::Error),
    /// Its path has no place in an entry.
    #[error("the path of this program cannot be written into a desktop entry")]
    Path,
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DesktopEntry<'_> {
    /// Writes the entry for the program that runs, and makes it the one for our links.
    ///
    /// # Errors
    /// When there is no place for it, or it cannot be written.
    pub fn install(&self) -> Result<Installed, DesktopError> {
        let data = data_folder(|name| env::var_os(name).map(PathBuf::from)).ok_or(DesktopError::NoFolder)?;
        let text = self.text(&env::current_exe().map_err(DesktopError::Program)?)?;
        let icon = self.icon.map(|bytes| {
            let path = data.join("icons/hicolor/256x256/apps").join(self.icon_name()).with_extension("png");
            write(&path, bytes).map(|()| path)
        });
        let icon = icon.transpose()?;
        let folder = data.join("applications");
        let entry = folder.join(self.file_name);
        write(&entry, text.as_bytes())?;
        let is_default = run("xdg-mime", &["default", self.file_name, SCHEME]);
        // Desktops read the folder themselves; this only makes them notice sooner.
        run("update-desktop-database", &[&folder.to_string_lossy()]);
        Ok(Installed { entry, icon, is_default })
    }

    fn text(&self, program: &Path) -> Result<String, DesktopError> {
        let program = program.to_str().filter(|path| !path.contains(char::is_control));
        let program = quoted(program.ok_or(DesktopError::Path)?);
        let kind = match self.icon {
            Some(_) => format!(
                "Icon={icon}\nStartupWMClass={icon}\nCategories=Office;Network;\n",
                icon = self.icon_name()
            ),
            None => "Terminal=true\nNoDisplay=true\n".to_owned(),
        };
        let Self { name, comment, arguments, .. } = self;
        Ok(format!(
            "[Desktop Entry]\nType=Application\nName={name}\nComment={comment}\nExec={program} {arguments}\n\
             {kind}MimeType={SCHEME};\n"
        ))
    }

    /// Also the name that windows tell, by which desktops find the icon.
    fn icon_name(&self) -> &str {
        self.file_name.trim_end_matches(".desktop")
    }
}

/// Where a user's own applications and icons stand.
fn data_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // By the specification a relative path there counts as none.
    let data = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
    data.or_else(|| variable("HOME").map(|home| home.join(".local/share")))
}

/// A path as the value of `Exec` has it: quoted, then escaped once more as any value is.
fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for c in path.chars() {
        match c {
            '"' | '`' | '$' => text.extend(['\\', '\\', c]),
            '\\' => text.push_str(r"\\\\"),
            '%' => text.push_str("%%"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), DesktopError> {
    let attempt = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        fs::write(&new, bytes)?;
        fs::rename(new, path)
    };
    attempt().map_err(|source| DesktopError::Write { path: path.to_owned(), source })
}

fn run(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

const SCHEME: &str = "x-scheme-handler/assist";

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{DesktopEntry, data_folder, quoted};

    const LINKS: DesktopEntry<'_> = DesktopEntry {
        file_name: "hero-links.desktop",
        name: "Hero",
        comment: "Opens links",
        arguments: "open --hold %u",
        icon: None,
    };

    #[test]
    fn entry_names_the_program_and_the_scheme() {
        let text = LINKS.text(Path::new("/opt/hero/assist")).unwrap();
        assert!(text.starts_with("[Desktop Entry]\n"), "{text}");
        assert!(text.contains("\nExec=\"/opt/hero/assist\" open --hold %u\nTerminal=true\n"), "{text}");
        assert!(text.ends_with("\nMimeType=x-scheme-handler/assist;\n"), "{text}");
        let path = Path::new("/opt/a\nExec=rm/assist");
        assert!(LINKS.text(path).is_err(), "a line of its own cannot be smuggled in");
    }

    #[test]
    fn one_with_an_icon_is_offered() {
        let entry = DesktopEntry { icon: Some(b"png"), ..LINKS };
        let text = entry.text(Path::new("/opt/hero/gui")).unwrap();
        assert!(text.contains("\nIcon=hero-links\nStartupWMClass=hero-links\n"), "{text}");
        assert!(!text.contains("Terminal") && !text.contains("NoDisplay"), "{text}");
    }

    #[test]
    fn path_is_read_as_it_is_written() {
        assert_eq!(quoted("/a b/50%"), "\"/a b/50%%\"");
        assert_eq!(quoted("/a\"$`"), "\"/a\\\\\"\\\\$\\\\`\"");
        assert_eq!(quoted("/a\\b"), "\"/a\\\\\\\\b\"");
    }

    #[test]
    fn folder_is_the_users_own() {
        let with = |data: Option<&str>, home: Option<&str>| {
            data_folder(|name| match name {
                "XDG_DATA_HOME" => data.map(PathBuf::from),
                "HOME" => home.map(PathBuf::from),
                other => panic!("{other}"),
            })
        };
        assert_eq!(with(Some("/x"), Some("/home/a")), Some(PathBuf::from("/x")));
        let at_home = Some(PathBuf::from("/home/a/.local/share"));
        assert_eq!(with(None, Some("/home/a")), at_home);
        assert_eq!(with(Some("relative"), Some("/home/a")), at_home);
        assert_eq!(with(None, None), None);
    }
}
