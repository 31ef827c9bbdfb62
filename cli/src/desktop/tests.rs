//! The entry that desktops read.

use std::path::{Path, PathBuf};

use super::{applications_folder, entry, quoted};

#[test]
fn entry_names_the_program_and_the_scheme() {
    let text = entry(Path::new("/opt/hero/assist")).unwrap();
    assert!(text.starts_with("[Desktop Entry]\n"), "{text}");
    assert!(text.contains("\nExec=\"/opt/hero/assist\" open --hold %u\n"), "{text}");
    assert!(text.contains("\nMimeType=x-scheme-handler/assist;\n"), "{text}");
    assert!(entry(Path::new("/opt/a\nExec=rm/assist")).is_err(), "a line of its own cannot be smuggled in");
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
        applications_folder(|name| match name {
            "XDG_DATA_HOME" => data.map(PathBuf::from),
            "HOME" => home.map(PathBuf::from),
            other => panic!("{other}"),
        })
    };
    assert_eq!(with(Some("/x"), Some("/home/a")), Some(PathBuf::from("/x/applications")));
    let at_home = Some(PathBuf::from("/home/a/.local/share/applications"));
    assert_eq!(with(None, Some("/home/a")), at_home);
    assert_eq!(with(Some("relative"), Some("/home/a")), at_home);
    assert_eq!(with(None, None), None);
}
