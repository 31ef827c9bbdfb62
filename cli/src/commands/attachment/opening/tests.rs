//! What is opened, and what is not.

use super::*;

#[test]
fn what_could_run_is_not_opened() {
    for label in
        ["setup.exe", "SETUP.EXE", "a.desktop", "a.sh. ", "page.html", "x.svg", "invoice\u{202e}fdp.bat"]
    {
        assert!(check(label).is_err(), "{label}");
    }
    for label in ["photo.png", "report.pdf", "notes", "archive.tar.gz", "exe"] {
        check(label).unwrap();
    }
    for bytes in [&b"\x7fELF\x02"[..], b"MZ\x90", b"#!/bin/sh", b"[Desktop Entry]\n"] {
        assert!(is_program(bytes));
    }
    assert!(!is_program(b"%PDF-1.7"));
}
