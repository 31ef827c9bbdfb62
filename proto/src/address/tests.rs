//! Addresses as people paste them: the forms that are taken, the one that is printed, the errors.

use proptest::prelude::*;

use super::*;

const PROJECT: ProjectId = ProjectId::from_bytes([7; 32]);

fn parse(hosts: &str) -> Result<Address, AddressError> {
    format!("assist://{PROJECT}@{hosts}").parse()
}

fn reason(hosts: &str) -> HostError {
    match parse(hosts) {
        Err(AddressError::Host { reason, .. }) => reason,
        other => panic!("expected a complaint about a host of {hosts:?}, got {other:?}"),
    }
}

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<Ipv4Addr>().prop_map(IpAddr::from),
        any::<Ipv6Addr>().prop_map(IpAddr::from),
        any::<[u8; 15]>().prop_map(overlay_ip),
    ]
}

fn overlay_ip(random: [u8; 15]) -> IpAddr {
    let mut octets = [4 + (random[0] & 1); 16];
    octets[1..].copy_from_slice(&random);
    Ipv6Addr::from(octets).into()
}

fn host() -> impl Strategy<Value = Host> {
    let port = prop_oneof![Just(DEFAULT_PORT), 1..=u16::MAX];
    (ip(), port).prop_filter_map("can be dialled", |(ip, port)| Host::new(ip, port).ok())
}

fn address() -> impl Strategy<Value = Address> {
    let hosts = proptest::collection::btree_set(host(), 1..=ADDRESS_HOSTS_MAX);
    let whole = (any::<[u8; 32]>(), hosts)
        .prop_map(|(id, hosts)| Address::new(ProjectId::from_bytes(id), Vec::from_iter(hosts)).unwrap());
    let bare = (any::<[u8; 15]>(), 1..=u16::MAX).prop_map(|(random, port)| Address {
        project: None,
        hosts: vec![Host::new(overlay_ip(random), port).unwrap()],
    });
    prop_oneof![3 => whole, 1 => bare]
}

proptest! {
    #[test]
    fn an_address_reads_back_from_its_text(address in address()) {
        let text = address.to_string();
        prop_assert!(text.chars().count() <= ADDRESS_CHARS_MAX);
        prop_assert_eq!(text.parse::<Address>(), Ok(address));
    }

    #[test]
    fn any_text_is_an_address_or_an_error(text in any::<String>()) {
        text.parse::<Address>().map_err(|error| error.to_string()).ok();
    }

    #[test]
    fn any_hosts_are_an_address_or_an_error(hosts in "[0-9a-f:.,\\[\\]@/%+-]{0,60}") {
        if let Ok(address) = parse(&hosts) {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }
        hosts.parse::<Address>().ok();
    }
}

#[test]
fn a_host_without_a_port_gets_the_usual_one() {
    let address = parse("203.0.113.7,[2001:db8::7]:443,2001:db8::8").unwrap();
    let dialled: Vec<String> = address.hosts().iter().map(|host| host.socket_addr().to_string()).collect();
    assert_eq!(dialled, ["203.0.113.7:9470", "[2001:db8::7]:443", "[2001:db8::8]:9470"]);
    assert_eq!(address.project(), Some(PROJECT));
}

#[test]
fn what_surrounds_a_pasted_address_does_not_matter() {
    let upper = format!("  ASSIST://{}@203.0.113.7/\n", PROJECT.to_string().to_uppercase());
    assert_eq!(upper.parse::<Address>(), parse("203.0.113.7"));
}

#[test]
fn an_overlay_address_alone_is_a_whole_address() {
    for text in ["5ab:1::42", "[5ab:1::42]", "[5ab:1::42]:9470"] {
        let address: Address = text.parse().unwrap();
        assert_eq!((address.project(), address.to_string().as_str()), (None, "5ab:1::42"));
        assert_eq!(address.with_project(PROJECT), parse("5ab:1::42").unwrap());
    }
}

#[test]
fn another_address_alone_is_refused() {
    for text in ["203.0.113.7", "2001:db8::1", "[2001:db8::1]:443", "support.example.com", "7777", "@", "a@b"]
    {
        let error = text.parse::<Address>().unwrap_err();
        assert_eq!(error, AddressError::NoScheme { text: text.into() });
    }
}

#[test]
fn the_overlay_is_400_slash_7() {
    let cases = [
        ("400::", true),
        ("5ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true),
        ("3ff:ffff::1", false),
        ("600::", false),
        ("4::1", false),
        ("4.0.0.1", false),
    ];
    for (text, expected) in cases {
        assert_eq!(is_overlay(text.parse().unwrap()), expected, "{text}");
    }
}

#[test]
fn a_name_is_refused_because_names_are_not_looked_up() {
    for name in [
        "localhost",
        "support.example.com:443",
        "1.2.3.example",
        "\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}",
    ] {
        assert_eq!(reason(name), HostError::Name, "{name}");
    }
}

#[test]
fn an_address_that_nobody_listens_on_is_refused() {
    for text in ["0.0.0.0", "::", "[::]:9470", "::ffff:0.0.0.0"] {
        assert_eq!(reason(text), HostError::Unspecified, "{text}");
    }
    for text in ["224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:224.0.0.1"] {
        assert_eq!(reason(text), HostError::Multicast, "{text}");
    }
}

#[test]
fn a_port_is_a_number_from_1_to_65535() {
    for text in ["1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:", "1.2.3.4:+1", "[2001:db8::1]:0", "[2001:db8::1]:x"]
    {
        assert_eq!(reason(text), HostError::Port, "{text}");
    }
}

#[test]
fn a_port_needs_brackets_around_ipv6() {
    for text in ["2001:db8:1:2:3:4:5:6:443", "[2001:db8::1", "[2001:db8::1]443"] {
        assert_eq!(reason(text), HostError::Brackets, "{text}");
    }
    let bare = "400:1:2:3:4:5:6:7:9470".parse::<Address>().unwrap_err();
    assert!(matches!(bare, AddressError::Host { reason: HostError::Brackets, .. }), "{bare}");
}

#[test]
fn what_is_no_ip_address_is_refused() {
    for text in ["1.2.3", "1.2.3.4.5", "256.1.1.1", "2001:db8::1::2", "fe80::1%eth0", "[1.2.3.4]:443", ":443"]
    {
        assert_eq!(reason(text), HostError::Invalid, "{text}");
    }
}

#[test]
fn a_host_may_stand_there_once() {
    assert_eq!(reason("1.2.3.4,1.2.3.4:9470"), HostError::Twice);
    assert_eq!(reason("1.2.3.4,::ffff:1.2.3.4"), HostError::Twice);
    assert!(parse("1.2.3.4,1.2.3.4:9471").is_ok());
}

#[test]
fn hosts_are_counted() {
    let hosts = |count: u8| Vec::from_iter((0..count).map(|last| format!("10.0.0.{last}"))).join(",");
    assert_eq!(parse(&hosts(8)).unwrap().hosts().len(), 8);
    assert_eq!(parse(&hosts(9)), Err(AddressError::TooManyHosts { count: 9 }));
    assert_eq!(parse(""), Err(AddressError::NoHost));
    assert_eq!(parse("1.2.3.4,"), Err(AddressError::NoHost));
}

#[test]
fn an_error_says_what_is_wrong_and_what_was_expected() {
    let cases = [
        ("", "the address is empty"),
        ("https://example.com", "the address starts with \"https\""),
        ("assist://1.2.3.4", "the address names no project before an \"@\""),
        ("assist://@1.2.3.4", "the address names no project before an \"@\""),
        ("assist://mycelium@1.2.3.4", "what stands before the \"@\" is no project"),
        (
            "1.2.3.4",
            "\"1.2.3.4\" is neither an address with \"assist://\" nor an overlay address (400::/7) alone",
        ),
    ];
    for (text, wrong) in cases {
        let error = text.parse::<Address>().unwrap_err().to_string();
        assert_eq!(error, format!("{wrong}; {EXPECTED}"));
    }
    let error = parse("example.com").unwrap_err().to_string();
    assert!(
        error.starts_with("the host \"example.com\" is a name; only IP addresses are accepted"),
        "{error}"
    );
    let error = "x".repeat(601).parse::<Address>().unwrap_err();
    assert_eq!(error, AddressError::TooLong { chars: 601 });
}

#[test]
fn hosts_that_are_said_come_first_and_known_ones_stay_while_there_is_room() {
    let host = |number: u16| Host::new("192.0.2.7".parse().unwrap(), number).unwrap();
    let known = Address::new(PROJECT, vec![host(1), host(2)]).unwrap();
    let hosts = |said: &[Host]| known.with_hosts(said).hosts().to_vec();
    assert_eq!(hosts(&[]), [host(1), host(2)]);
    assert_eq!(hosts(&[host(3), host(2)]), [host(3), host(2), host(1)]);
    assert_eq!(hosts(&[host(3), host(3)]), [host(3), host(1), host(2)]);
    let many: Vec<Host> = (10..30).map(host).collect();
    assert_eq!(hosts(&many), many[..ADDRESS_HOSTS_MAX]);
    assert_eq!(known.with_hosts(&many).to_string().parse(), Ok(known.with_hosts(&many)));
}
