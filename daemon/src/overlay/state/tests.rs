//! Every look from every state, and the words for each.

use super::super::node::NodeInfoError;
use super::*;

const API: SocketAddr = super::super::API_DEFAULT;

/// A node with an address of its own for each `n`.
fn info(n: u8) -> NodeInfo {
    let address = Ipv6Addr::new(0x54f, n.into(), 0, 0, 0, 0, 0, 1);
    NodeInfo { key: [n; 32], address }
}

fn node(n: u8) -> Node {
    Node { address: info(n).address, info: info(n) }
}

fn look(answer: Result<NodeInfo, AskError>, addresses: &[Ipv6Addr]) -> Look {
    Look { answer, addresses: addresses.iter().copied().collect(), program: Program::Missing, managed: None }
}

fn nobody() -> Result<NodeInfo, AskError> {
    Err(AskError::Nobody("connection refused".into()))
}

fn rubbish() -> Result<NodeInfo, AskError> {
    Err(AskError::Info(NodeInfoError::Subnet))
}

fn absent() -> OverlayState {
    OverlayState::Absent { api: API, program: Program::Missing }
}

#[test]
fn a_node_is_found_when_its_address_is_on_an_interface() {
    let address = info(1).address;
    for before in
        [OverlayState::Unknown, absent(), OverlayState::Silent(node(1)), OverlayState::Found(node(2))]
    {
        assert_eq!(before.after(&look(Ok(info(1)), &[address]), API), OverlayState::Found(node(1)));
        assert_eq!(before.after(&look(Ok(info(1)), &[]), API), OverlayState::NoInterface(info(1)));
        let foreign = look(Ok(info(1)), &[info(2).address]);
        assert_eq!(before.after(&foreign, API), OverlayState::NoInterface(info(1)));
    }
}

#[test]
fn another_address_of_the_node_s_subnet_serves_where_its_own_is_not_there() {
    let own = info(1).address;
    let other = Ipv6Addr::from_bits(own.to_bits() + 7);
    let found =
        |addresses: &[Ipv6Addr]| OverlayState::Unknown.after(&look(Ok(info(1)), addresses), API).address();
    assert_eq!(found(&[other]), Some(other));
    assert_eq!(found(&[other, own]), Some(own));
}

#[test]
fn a_found_node_that_does_not_answer_is_still_there_as_long_as_its_address_is() {
    let found = OverlayState::Found(node(1));
    let there = [info(1).address];
    for answer in [nobody(), Err(AskError::Silent)] {
        let silent = found.after(&look(answer.clone(), &there), API);
        assert_eq!(silent, OverlayState::Silent(node(1)));
        assert_eq!(silent.after(&look(answer.clone(), &there), API), OverlayState::Silent(node(1)));
        assert_eq!(silent.address(), Some(info(1).address));
    }
    assert_eq!(found.after(&look(nobody(), &[]), API), absent());
    let other = [info(2).address];
    let unconfirmed = OverlayState::Unconfirmed { address: other[0], api: API };
    assert_eq!(found.after(&look(nobody(), &other), API), unconfirmed);
}

#[test]
fn a_restarted_node_with_a_new_key_is_a_new_address() {
    let found = OverlayState::Found(node(1));
    let gone = found.after(&look(nobody(), &[]), API);
    assert_eq!((gone.address(), gone.clone()), (None, absent()));
    assert_eq!(gone.after(&look(Ok(info(2)), &[info(2).address]), API), OverlayState::Found(node(2)));
}

#[test]
fn an_overlay_address_that_nobody_confirms_is_not_taken() {
    let there = [info(1).address];
    for before in [OverlayState::Unknown, absent(), OverlayState::NoInterface(info(1))] {
        let after = before.after(&look(nobody(), &there), API);
        assert_eq!(after, OverlayState::Unconfirmed { address: there[0], api: API });
        assert_eq!(after.address(), None);
    }
}

#[test]
fn what_is_no_node_is_wrong_whatever_was_before() {
    let there = [info(1).address];
    for before in
        [OverlayState::Unknown, absent(), OverlayState::Found(node(1)), OverlayState::Silent(node(1))]
    {
        for (answer, addresses) in
            [(rubbish(), &there[..]), (rubbish(), &[]), (Err(AskError::TooLong), &there)]
        {
            let after = before.after(&look(answer.clone(), addresses), API);
            assert!(matches!(after, OverlayState::Wrong { .. }), "{before:?}: {after:?}");
            assert_eq!(after.address(), None);
        }
    }
    // One that never answered may be anything.
    let after = OverlayState::Unknown.after(&look(Err(AskError::Silent), &there), API);
    assert!(matches!(after, OverlayState::Wrong { problem: AskError::Silent, .. }));
}

#[test]
fn whoever_leaves_the_overlay_alone_is_not_told_of_it() {
    let there = [info(1).address];
    assert_eq!(OverlayState::Off.after(&look(Ok(info(1)), &there), API), OverlayState::Off);
}

#[test]
fn each_state_says_how_it_is_and_at_most_one_command_that_helps() {
    let address = info(1).address;
    let absent = |program| OverlayState::Absent { api: API, program };
    let wrong = OverlayState::Wrong { api: API, problem: AskError::Status(404) };
    let start = "sudo mycelium --peers tcp://188.40.132.242:9651";
    let cases = [
        (OverlayState::Off, "left alone", None),
        (OverlayState::Unknown, "looking", None),
        (OverlayState::Found(node(1)), "this machine is 54f:1::1", None),
        (
            OverlayState::Silent(node(1)),
            "54f:1::1 is still on this machine",
            Some("sudo systemctl restart mycelium"),
        ),
        (
            OverlayState::NoInterface(info(1)),
            "no interface of this machine has its address 54f:1::1",
            Some(start),
        ),
        (
            OverlayState::Unconfirmed { address, api: API },
            "127.0.0.1:8989 to confirm",
            Some("--api-addr 127.0.0.1:8989"),
        ),
        (wrong, "answers with HTTP status 404", Some("sudo ss -ltnp sport = :8989")),
        (
            absent(Program::Service),
            "no mycelium node runs here",
            Some("sudo systemctl enable --now mycelium"),
        ),
        (absent(Program::Alone), "nobody answers at 127.0.0.1:8989", Some(start)),
        (
            absent(Program::Missing),
            "no mycelium node runs here",
            Some("github.com/threefoldtech/mycelium/releases"),
        ),
    ];
    for (state, detail, help) in cases {
        assert!(state.detail().contains(detail), "{state:?}: {}", state.detail());
        match (state.help(), help) {
            (Some(said), Some(expected)) => assert!(said.contains(expected), "{state:?}: {said}"),
            (said, expected) => assert_eq!(said.is_some(), expected.is_some(), "{state:?}: {said:?}"),
        }
    }
}

#[test]
fn what_hinders_a_dial_says_what_helps() {
    let absent = OverlayState::Absent { api: API, program: Program::Service };
    assert_eq!(
        absent.hindrance(),
        "no mycelium node runs here: nobody answers at 127.0.0.1:8989: `sudo systemctl enable --now mycelium`"
    );
    assert_eq!(OverlayState::Unknown.hindrance(), "looking for a mycelium node");
    assert_eq!(OverlayState::Found(node(1)).hindrance(), "the mycelium node's address has just gone");
    assert_eq!(hindrance_of("192.0.2.7", &absent), None);
    assert_eq!(hindrance_of("2001:db8::1", &absent), None);
    assert_eq!(hindrance_of("54f::1", &OverlayState::Off), None);
}

fn hindrance_of(address: &str, state: &OverlayState) -> Option<String> {
    super::super::hindrance(address.parse().unwrap(), state)
}

#[test]
fn a_node_of_this_daemon_s_own_starts_fails_and_is_found() {
    let failure = Failure::NoTun;
    let managed = |state: &ProgramState, answer, addresses: &[Ipv6Addr]| {
        let look = Look { managed: Some(state.clone()), ..look(answer, addresses) };
        OverlayState::Unknown.after(&look, API)
    };
    let failed = ProgramState::Failed(failure.clone());
    assert_eq!(managed(&ProgramState::Running, nobody(), &[]), OverlayState::Starting);
    assert_eq!(managed(&failed, nobody(), &[]), OverlayState::NotRunning(failure.clone()));
    let there = [info(1).address];
    assert_eq!(managed(&ProgramState::Running, Ok(info(1)), &there), OverlayState::Found(node(1)));
    // One that somebody else runs is as good.
    assert_eq!(managed(&failed, Ok(info(1)), &there), OverlayState::Found(node(1)));
    let state = OverlayState::NotRunning(failure.clone());
    assert_eq!((state.detail(), state.help()), (failure.to_string(), failure.help()));
    assert!(state.hindrance().ends_with(": `sudo modprobe tun`"), "{}", state.hindrance());
    assert_eq!(OverlayState::Starting.address(), None);
}
