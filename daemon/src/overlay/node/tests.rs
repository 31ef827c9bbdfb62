//! Answers as mycelium gives them, and answers that are none.

use super::*;

/// Keys, and the addresses that versions 0.7 make of them: computed apart from this code.
const PAIRS: [(&str, &str); 3] = [
    (
        "abd16194646defe7ad2318a0f0a69eb2e3fe939c3b0b51cf0bb88bb8028ecd1d",
        "597:d890:a254:dd45:2bc6:9a47:40d5:ed83",
    ),
    (
        "a47c1d6f2a15b2c670d3a88fbe0aeb301ced12f7bcb4c8e3aa877b20f8559c02",
        "548:c783:d7ce:74a3:9ba1:a0cb:ae21:338d",
    ),
    (
        "955bf6bea5e1150fd8e270c12e5b2fc08f08f7c5f3799d10550096cc137d671b",
        "514:74ce:dd13:296f:ada7:4d2e:9335:acac",
    ),
];

fn answer(subnet: &str, key: &str, rest: &str) -> Vec<u8> {
    format!(r#"{{"nodeSubnet":"{subnet}","nodePubkey":"{key}"{rest}}}"#).into_bytes()
}

fn subnet_of(address: &str) -> String {
    let groups: Vec<&str> = address.split(':').take(4).collect();
    format!("{}::/64", groups.join(":"))
}

#[test]
fn address_follows_from_the_key_as_mycelium_has_it() {
    for (key, address) in PAIRS {
        let info = NodeInfo::parse(&answer(&subnet_of(address), key, "")).unwrap();
        assert_eq!(info.address, address.parse::<Ipv6Addr>().unwrap());
        assert!(info.has(address.parse().unwrap()) && !info.has("400::1".parse().unwrap()));
    }
}

#[test]
fn newer_answers_say_more_and_are_held_to_it() {
    let (key, address) = PAIRS[0];
    let ip = |ip: &str| answer(&subnet_of(address), key, &format!(r#","nodeIp":"{ip}","nodeStartTime":17"#));
    NodeInfo::parse(&ip(address)).unwrap();
    // However its version makes addresses of keys: it is the node that says.
    assert_eq!(
        NodeInfo::parse(&ip("597:d890:a254:dd45::1")).unwrap().address.to_string(),
        "597:d890:a254:dd45::1"
    );
    assert_eq!(NodeInfo::parse(&ip("597:d890:a254:dd46::1")), Err(NodeInfoError::Mismatch));
    assert_eq!(NodeInfo::parse(&ip("none")), Err(NodeInfoError::Mismatch));
}

#[test]
fn what_is_no_node_s_answer_is_refused() {
    let (key, address) = PAIRS[0];
    let subnet = subnet_of(address);
    let cases: [(Vec<u8>, NodeInfoError); 9] = [
        (answer(&subnet_of(PAIRS[1].1), key, ""), NodeInfoError::Mismatch),
        (answer(&subnet, PAIRS[1].0, ""), NodeInfoError::Mismatch),
        (answer(&subnet.replace("/64", "/63"), key, ""), NodeInfoError::Subnet),
        (answer(&subnet.replace("/64", ""), key, ""), NodeInfoError::Subnet),
        (answer("2001:db8::/64", key, ""), NodeInfoError::Subnet),
        (answer("192.0.2.0/64", key, ""), NodeInfoError::Subnet),
        (answer(&subnet, &key[1..], ""), NodeInfoError::Key),
        (answer(&subnet, &key.replace('a', "+"), ""), NodeInfoError::Key),
        // Two bytes for one character: the length in bytes is that of a key.
        (answer(&subnet, &format!("\u{e9}{}", &key[2..]), ""), NodeInfoError::Key),
    ];
    for (body, expected) in cases {
        assert_eq!(NodeInfo::parse(&body), Err(expected), "{}", String::from_utf8_lossy(&body));
    }
    for body in ["", "null", "[]", "{}", r#"{"nodeSubnet":"54f::/64"}"#, r#"{"nodeSubnet":1,"nodePubkey":2}"#]
    {
        let refused = NodeInfo::parse(body.as_bytes());
        assert!(matches!(refused, Err(NodeInfoError::Json(_))), "{body}: {refused:?}");
    }
    let deep = "[".repeat(10_000);
    assert!(matches!(NodeInfo::parse(deep.as_bytes()), Err(NodeInfoError::Json(_))));
}
