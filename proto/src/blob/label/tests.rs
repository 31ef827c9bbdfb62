//! Labels as people and attackers choose them.

use proptest::prelude::*;

use super::*;

#[test]
fn a_label_becomes_a_name_that_harms_nobody() {
    for (label, name) in [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("~", "file"),
        ("C:\\autoexec.bat", "C__autoexec.bat"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("lpt1 .log", "_lpt1 .log"),
        ("come.txt", "come.txt"),
        ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
        ("a\u{200b}b\0c\nd", "a_b_c_d"),
        ("trailing. . ", "trailing"),
        ("", "file"),
        ("Br\u{fc}cke \u{6a4b}.png", "Br\u{fc}cke \u{6a4b}.png"),
    ] {
        assert_eq!(file_name(label), name, "{label:?}");
    }
    let long = file_name(&format!("{}.log", "\u{fc}".repeat(200)));
    assert!(long.len() <= 200 && long.ends_with("\u{fc}.log"), "{long}");
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    assert_eq!(numbered("report.pdf", 2), "report (2).pdf");
    assert_eq!(numbered("report", 3), "report (3)");
}

#[test]
fn bytes_tell_more_than_names() {
    assert_eq!(media_type(b"\x89PNG\r\n\x1a\nrest", "cat.txt"), "image/png");
    assert_eq!(media_type(b"RIFF\0\0\0\0WEBPVP8 ", "x"), "image/webp");
    assert_eq!(media_type(b"%PDF-1.7", "x"), "application/pdf");
    assert_eq!(media_type(b"{}", "x.json"), "application/json");
    assert_eq!(media_type("caf\u{e9}".as_bytes(), "log"), "text/plain");
    assert_eq!(media_type(&"caf\u{e9}".as_bytes()[..4], "cut in a character"), "text/plain");
    assert_eq!(media_type(b"\0\x01", "x"), "application/octet-stream");
    assert_eq!(media_type(b"<svg/>", "x.svg"), "text/plain", "no picture that is shown");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_label_makes_a_name_that_is_a_path(label in "(\\PC|[./\\\\:\0-\u{1f}~ -]|\u{202e}|con|NUL|com1){0,60}") {
        let name = file_name(&label);
        prop_assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX + 1, "{:?}", name);
        let parts: Vec<_> = std::path::Path::new(&name).components().collect();
        let is_one_part = matches!(parts.as_slice(), [std::path::Component::Normal(part)] if *part == name.as_str());
        prop_assert!(is_one_part, "{:?}", name);
        prop_assert!(!name.contains(is_unsafe), "{:?}", name);
        prop_assert!(!name.starts_with(['.', '-', '~', ' ']) && !name.ends_with(['.', ' ']), "{:?}", name);
        prop_assert!(!is_reserved(&name), "{:?}", name);
    }
}
