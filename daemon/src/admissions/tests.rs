//! Logs that somebody changed past the server, in a real store.

use assist_crdt_model::{ChangeHash, DeviceId, ProjectName, Role, UnixMillis, UserId};
use assist_proto::admission::{By, FaultKind};
use assist_proto::hub::note_act;
use assist_proto::store::{Record, ServerStore};

use super::*;
use crate::backup::open_store;
use crate::daemon::init_server;
use crate::device_key::DeviceKey;
use crate::home;
use crate::store::Turn;

/// A server whose log has over a hundred entries.
fn server() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    init_server(&folder.path().join("home"), &ProjectName::parse("anvil").unwrap()).unwrap();
    let home = folder.path().join("home");
    let key = DeviceKey::load(&home.join(home::NODE_KEY)).unwrap();
    let store = open_store(&home).unwrap();
    for number in 0..100 {
        let mut turn = store.begin_turn().unwrap();
        let event = Event::BackedUp { head: Seq(number) };
        note_act(UnixMillis(1_790_000_000_000 + number), key.signing_key(), event, &mut turn).unwrap();
        turn.commit().unwrap();
    }
    store.close();
    folder
}

/// What a check says once something was done to the store of a server.
fn after(tamper: impl FnOnce(&mut Turn)) -> LogChecked {
    let folder = server();
    let home = folder.path().join("home");
    let store = open_store(&home).unwrap();
    let mut turn = store.begin_turn().unwrap();
    tamper(&mut turn);
    turn.commit().unwrap();
    let checked = check(&home, &store.read().unwrap(), None).unwrap();
    store.close();
    checked
}

fn fault(number: u64, kind: FaultKind) -> Result<Checked, LogFault> {
    Err(LogFault::Chain(Fault { number, kind }))
}

#[test]
fn a_whole_log_is_whole_and_says_where_it_ends() {
    let checked = after(|_| ());
    assert_eq!(checked.entries, 103);
    let head = checked.outcome.unwrap().head;
    assert_eq!(head.number, 103);
    assert_eq!(head_from_text(&head_text(head)), Some(head));
    for text in
        ["", "103", "103:", "x:00", "103:0", "-1:0000000000000000000000000000000000000000000000000000"]
    {
        assert_eq!(head_from_text(text), None, "{text}");
    }
}

#[test]
fn a_log_that_was_tampered_with_is_found() {
    let checked = after(|turn| turn.remove_admission_block(3));
    assert_eq!(checked.outcome, fault(97, FaultKind::Cut), "the last block is gone");
    let checked = after(|turn| turn.remove_admission_block(1));
    assert_eq!(checked.outcome, fault(33, FaultKind::Unreadable), "one in the middle is gone");
    let checked = after(|turn| {
        let mut entries = ServerStore::admissions(turn, 1, 32).unwrap();
        entries.swap(4, 9);
        turn.rewrite_admission_block(0, &entries);
    });
    assert_eq!(checked.outcome, fault(5, FaultKind::Moved));
    let checked = after(|turn| {
        let mut entries = ServerStore::admissions(turn, 33, 32).unwrap();
        let last = entries[7].len() - 1;
        entries[7][last] ^= 1;
        turn.rewrite_admission_block(1, &entries);
    });
    assert_eq!(checked.outcome, fault(40, FaultKind::Changed));
    let checked = after(|turn| {
        let mut signed = ServerStore::admission_head(turn).unwrap().unwrap();
        signed.signature[5] ^= 1;
        turn.rewrite_admission_head(&signed);
    });
    assert_eq!(checked.outcome, fault(103, FaultKind::NoHead));
}

#[test]
fn what_was_let_in_is_compared_with_what_is_there() {
    let folder = server();
    let home = folder.path().join("home");
    let key = DeviceKey::load(&home.join(home::NODE_KEY)).unwrap();
    let store = open_store(&home).unwrap();
    let mut turn = store.begin_turn().unwrap();
    let record = {
        let place = ServerStore::log_after(&turn, Audience::Team, Seq::ZERO, 1).unwrap()[0];
        ServerStore::record(&turn, &place).unwrap()
    };
    let seq = ServerStore::head(&turn).unwrap().next();
    turn.append(&Record { seq, ..record }, &[]).unwrap();
    turn.commit().unwrap();
    let checked = check(&home, &store.read().unwrap(), None).unwrap();
    assert!(matches!(checked.outcome, Err(LogFault::NotLetIn(1) | LogFault::NotThere { .. })), "{checked:?}");
    let mut turn = store.begin_turn().unwrap();
    let invented = Event::Admitted { change: ChangeHash::from_bytes([7; 32]), seq: Seq(9) };
    note_act(UnixMillis(1_790_000_001_000), key.signing_key(), invented, &mut turn).unwrap();
    turn.commit().unwrap();
    let checked = check(&home, &store.read().unwrap(), None).unwrap();
    assert!(matches!(checked.outcome, Err(LogFault::NotThere { .. })), "{checked:?}");
    store.close();
}

#[test]
fn an_entry_costs_a_hundred_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    init_server(&home, &ProjectName::parse("anvil").unwrap()).unwrap();
    let store = open_store(&home).unwrap();
    let mut turn = store.begin_turn().unwrap();
    let mut head = Head::of(&ServerStore::admission_head(&turn).unwrap().unwrap()).unwrap();
    let before = (turn.admission_bytes(), head.number);
    // Hashes are random, and five people take turns.
    for number in 0..320_u64 {
        let random = |what: &str| *blake3::hash(format!("{what} {number}").as_bytes()).as_bytes();
        let person = |what: &str| *blake3::hash(format!("{what} {}", number % 5).as_bytes()).as_bytes();
        let user = UserId::from_slice(&person("user")[..16]).unwrap();
        let by = By { device: DeviceId::from_bytes(person("device")), member: Some((user, Role::Customer)) };
        let change = ChangeHash::from_bytes(random("change"));
        let at = UnixMillis(1_790_000_000_000 + number * 7_919);
        let first = head.number + 1;
        let entry = head.add(at, Event::Admitted { change, seq: Seq(number) }, Some(by));
        let signed = ServerStore::admission_head(&turn).unwrap().unwrap();
        turn.append_admissions(first, &[entry], &signed).unwrap();
    }
    let each = (turn.admission_bytes() - before.0) as u64 / (head.number - before.1);
    assert!(each <= 100, "{each} bytes");
    drop(turn);
    store.close();
}
