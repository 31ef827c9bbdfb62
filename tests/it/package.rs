//! The Debian packages: made by one command, with what people and operators expect in them.

use std::path::Path;
use std::process::Command;

use assist_tests::process::{folder_of_programs, run};

/// What a package has: its fields and the paths of its files.
fn look_into(package: &Path) -> (String, String) {
    let ask = |what: &str| {
        let finished = run(Command::new("dpkg-deb").arg(what).arg(package), b"");
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout
    };
    (ask("--field"), ask("--contents"))
}

#[test]
fn debian_packages_are_made_by_one_command() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        eprintln!("there is no dpkg-deb here: that packages can be made was not tried");
        return;
    }
    let output = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../daemon/package/deb");
    let mut command = Command::new(script);
    command.arg("--programs").arg(folder_of_programs()).args(["--compression", "none"]);
    let made = run(command.arg("--output").arg(output.path()), b"");
    assert_eq!(made.code, Some(0), "{made:?}");
    let packages: Vec<&Path> = made.stdout.lines().map(Path::new).collect();
    let [base, desktop] = packages[..] else { panic!("{made:?}") };

    let (fields, contents) = look_into(base);
    assert!(fields.contains(&format!("Version: {}\n", env!("CARGO_PKG_VERSION"))), "{fields}");
    assert!(fields.contains("Depends: libc6 (>= 2."), "{fields}");
    for path in [
        "-rwxr-xr-x root/root",
        "./usr/bin/assist\n",
        "./usr/bin/assistd\n",
        "./usr/share/man/man1/assist-ticket-new.1.gz\n",
        "./usr/share/bash-completion/completions/assist\n",
        "./usr/share/doc/hero-assistance/manual/runbook.md\n",
        "./usr/share/doc/hero-assistance/copyright\n",
    ] {
        assert!(contents.contains(path), "{path} is not in {contents}");
    }
    let (fields, contents) = look_into(desktop);
    assert!(fields.contains("hero-assistance (= "), "{fields}");
    for path in [
        "./usr/bin/assist-gui\n",
        "./usr/share/applications/hero-assistance.desktop\n",
        "./usr/share/icons/hicolor/256x256/apps/hero-assistance.png\n",
    ] {
        assert!(contents.contains(path), "{path} is not in {contents}");
    }
    let unpacked = output.path().join("unpacked");
    let finished = run(Command::new("dpkg-deb").arg("--extract").arg(desktop).arg(&unpacked), b"");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let entry =
        std::fs::read_to_string(unpacked.join("usr/share/applications/hero-assistance.desktop")).unwrap();
    assert!(
        entry.contains("Exec=/usr/bin/assist-gui %u\n") && entry.contains("x-scheme-handler/assist"),
        "{entry}"
    );
}
