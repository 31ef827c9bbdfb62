//! The program itself, as far as it needs no screen.

use std::path::Path;
use std::process::Command;

fn assist_gui(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assist-gui"));
    // Nothing of the caller's desktop is asked, or changed.
    command.env_clear().env("XDG_DATA_HOME", data).env("PATH", data);
    command
}

#[test]
fn desktop_entry_and_its_icon_are_installed_and_printed() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let done = assist_gui(data.path()).arg("--install-desktop").output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(done.status.success(), "{said}");
        let lines: Vec<&str> = said.lines().collect();
        let entry = std::fs::read_to_string(lines[0]).unwrap();
        assert_eq!(Path::new(lines[0]), data.path().join("applications/hero-assistance.desktop"));
        assert!(entry.contains("\nMimeType=x-scheme-handler/assist;\n"), "{entry}");
        assert!(entry.contains(" %u\n") && entry.contains("\nIcon=hero-assistance\n"), "{entry}");
        let icon = std::fs::read(lines[1]).unwrap();
        assert!(icon.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(lines[2].contains("xdg-mime could not be asked"), "{said}");
    }
}

#[test]
fn where_nothing_can_be_installed_it_says_why() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("applications"), "in the way").unwrap();
    let done = assist_gui(data.path()).arg("--install-desktop").output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success() && said.contains("cannot write"), "{said}");
    let done = assist_gui(data.path()).env_remove("XDG_DATA_HOME").arg("--install-desktop").output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success() && said.contains("set XDG_DATA_HOME or HOME"), "{said}");
}
