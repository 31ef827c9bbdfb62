//! All forms, and all that are none with what to do about it.

use super::*;

#[test]
fn all_forms_are_read_and_written_the_same() {
    for text in
        ["auto:9470", "auto:1", "[::]:9470", "0.0.0.0:9470", "192.0.2.7:1", "[54f::1]:65535", "127.0.0.1:0"]
    {
        assert_eq!(text.parse::<Bind>().unwrap().to_string(), text);
    }
    assert_eq!(" AUTO:9470\n".parse(), Ok(Bind::Auto { port: 9470 }));
    assert_eq!("[fe80::1%3]:9470".parse::<Bind>().unwrap().to_string(), "[fe80::1%3]:9470");
}

#[test]
fn bad_input_is_refused_with_what_to_do() {
    let cases = [
        ("", "nothing says where to listen; as \"auto:9470\""),
        ("  ", "nothing says where to listen"),
        ("auto", "needs a port from 1 to 65535 behind a colon, as in \"auto:9470\""),
        ("auto:", "needs a port"),
        ("auto:0", "needs a port"),
        ("auto:65536", "needs a port"),
        ("auto:-1", "needs a port"),
        ("auto:x", "needs a port"),
        ("auto:9470:1", "needs a port"),
        ("auto 9470", "is no address with a port"),
        ("automatic:9470", "is a name"),
        ("9470", "is a port without an address; as \"auto:9470\""),
        (":9470", "is a port without an address"),
        ("127.0.0.1", "127.0.0.1 needs a port, as in \"127.0.0.1:9470\""),
        ("[54f::1]", "54f::1 needs a port, as in \"[54f::1]:9470\""),
        ("54f::1", "54f::1 needs a port, as in \"[54f::1]:9470\""),
        ("::", ":: needs a port, as in \"[::]:9470\""),
        ("::1:9470", "in brackets"),
        (":::9470", "in brackets"),
        ("54f:b680:ba6e:7ced:355f:346f:d97b:eecb:9470", "in brackets"),
        ("localhost:9470", "is a name, and only IP addresses"),
        ("hero.example.org", "is a name"),
        ("127.0.0.1:65536", "is no address with a port"),
        ("127.0.0.1:", "is no address with a port"),
        ("127.0.0.256:9470", "is no address with a port"),
        ("http://127.0.0.1:9470", "is no address with a port"),
        ("224.0.0.1:9470", "an address of many machines"),
        ("255.255.255.255:9470", "an address of many machines"),
        ("[ff02::1]:9470", "an address of many machines"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<Bind>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
    assert!("x".repeat(100_000).parse::<Bind>().unwrap_err().to_string().len() < 400);
}
