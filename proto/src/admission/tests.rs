//! The log's bytes stay what they are, and nothing that is done to them goes unnoticed.

use assist_crdt_model::{DeviceId, ProjectId, Role};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::*;
use crate::limits;
use crate::samples::{self, NOW, device_id, device_key, node_key, project, user};

const CHANGE: ChangeHash = ChangeHash::from_bytes([0xc4; 32]);

fn device() -> DeviceId {
    device_id(&device_key())
}

fn by() -> Option<By> {
    Some(By { device: device(), member: Some((user(), Role::Agent)) })
}

/// One of each kind.
fn events() -> Vec<(Event, Option<By>)> {
    let stranger = Some(By { device: device(), member: None });
    let enrolled = |how| Event::Enrolled { device: device(), user: user(), role: Role::Customer, how };
    vec![
        (Event::Made { log: [1; 16] }, None),
        (Event::TakenUp { log: [1; 16], head: Seq(142) }, None),
        (Event::Recovered { log: [2; 16] }, None),
        (enrolled(Proof::Own), None),
        (enrolled(Proof::Code), by()),
        (enrolled(Proof::Mail), by()),
        (enrolled(Proof::Approval), by()),
        (enrolled(Proof::Certificate), by()),
        (Event::Admitted { change: CHANGE, seq: Seq(143) }, by()),
        (Event::Refused { change: Some(CHANGE), code: RejectCode::NoSuchDoc.number() }, by()),
        (Event::Refused { change: None, code: RejectCode::Malformed.number() }, stranger),
        (Event::RefusedMore { count: 4_711 }, None),
        (Event::BackedUp { head: Seq(143) }, None),
        (Event::Invited { role: Role::Admin }, by()),
        (Event::Invited { role: Role::Agent }, None),
        (Event::Uninvited { count: 2 }, by()),
        (Event::TurnedAway { device: device(), user: user() }, by()),
        (Event::ShutOut { device: device(), user: user() }, by()),
        (Event::RoleGiven { user: user(), role: Role::Agent }, by()),
        (Event::Removed { user: user() }, by()),
        (Event::Retired, None),
        (Event::Moved, None),
        (Event::Restored { log: [3; 16] }, None),
    ]
}

/// A log and its signed end.
fn log(events: impl IntoIterator<Item = (Event, Option<By>)>) -> (Vec<Vec<u8>>, Signed) {
    let mut head = Head::default();
    let entries = events.into_iter().map(|(event, by)| head.add(NOW, event, by)).collect();
    (entries, head.sign(&node_key(), project(), NOW))
}

fn check_with(check: Check, entries: &[Vec<u8>], signed: &Signed) -> Result<Checked, Fault> {
    let mut check = check;
    for entry in entries {
        if !check.take(entry) {
            break;
        }
    }
    check.finish(Some(signed), &project(), &device_id(&node_key()))
}

fn check(entries: &[Vec<u8>], signed: &Signed) -> Result<Checked, Fault> {
    check_with(Check::default(), entries, signed)
}

fn found(number: usize, kind: FaultKind) -> Result<Checked, Fault> {
    Err(Fault { number: number as u64, kind })
}

#[test]
fn entries_and_the_signed_end_have_the_bytes_that_they_always_had() {
    let (entries, signed) = log(events());
    let lines = || {
        codec::encode(&(
            entries.iter().map(|entry| serde_bytes::Bytes::new(entry)).collect::<Vec<_>>(),
            &signed,
        ))
    };
    let golden = samples::fixture("admission-log.hex", lines);
    assert_eq!(golden, lines());
    let decoded: Vec<(Event, Option<By>)> = entries
        .iter()
        .map(|bytes| Entry::decode(bytes).map(|entry| (entry.event, entry.by)).unwrap())
        .collect();
    assert_eq!(decoded, events());
}

#[test]
fn an_entry_is_small_whatever_it_tells() {
    let (entries, _) = log(events());
    let longest = entries.iter().map(Vec::len).max().unwrap();
    assert!(longest <= 200, "{longest} bytes");
    let admitted = &entries[8];
    assert!(admitted.len() <= 165, "{} bytes, before neighbours are deflated together", admitted.len());
}

#[test]
fn a_whole_log_is_whole() {
    let (entries, signed) = log(events());
    let checked = check(&entries, &signed).unwrap();
    assert_eq!(checked.head.number, entries.len() as u64);
    assert_eq!(checked.signed_at, NOW);
    assert_eq!(Head::of(&signed).unwrap(), checked.head);
}

#[test]
fn every_flipped_byte_is_found_in_its_entry() {
    let (entries, signed) = log(events());
    for index in 0..entries.len() {
        for byte in 0..entries[index].len() {
            let mut flipped = entries.clone();
            flipped[index][byte] ^= 1 << (byte % 8);
            let fault = check(&flipped, &signed).expect_err("a flip");
            assert_eq!(fault.number, index as u64 + 1, "byte {byte}: {fault}");
            assert!(matches!(fault.kind, FaultKind::Changed | FaultKind::Unreadable), "byte {byte}: {fault}");
        }
    }
}

#[test]
fn every_dropped_moved_doubled_or_cut_entry_is_found() {
    let (entries, signed) = log(events());
    let count = entries.len();
    for index in 0..count {
        let mut dropped = entries.clone();
        dropped.remove(index);
        let kind = if index + 1 == count { FaultKind::Cut } else { FaultKind::Missing };
        assert_eq!(check(&dropped, &signed), found(index + 1, kind));
        assert_eq!(check(&entries[..index], &signed), found(index + 1, FaultKind::Cut));
        for other in index + 1..count {
            let mut swapped = entries.clone();
            swapped.swap(index, other);
            assert_eq!(check(&swapped, &signed), found(index + 1, FaultKind::Moved));
        }
        for behind in index + 1..=count {
            let mut doubled = entries.clone();
            doubled.insert(behind, entries[index].clone());
            assert_eq!(check(&doubled, &signed), found(index + 1, FaultKind::Twice));
        }
    }
}

#[test]
fn what_was_written_again_is_found_by_its_neighbour_or_the_end() {
    let (entries, signed) = log(events());
    for index in 0..entries.len() {
        let mut other = Head { number: index as u64, hash: Entry::decode(&entries[index]).unwrap().before };
        let mut rewritten = entries.clone();
        rewritten[index] = other.add(NOW, Event::RefusedMore { count: 1 }, None);
        assert_eq!(check(&rewritten, &signed), found(index + 1, FaultKind::Changed));
    }
}

#[test]
fn what_nobody_signed_is_not_the_end() {
    let (entries, signed) = log(events());
    let mut head = Head::of(&signed).unwrap();
    let count = entries.len();
    let longer: Vec<Vec<u8>> = entries.iter().cloned().chain([head.add(NOW, Event::Moved, None)]).collect();
    assert_eq!(check(&longer, &signed), found(count + 1, FaultKind::Unsigned));
    let by_another = head.sign(&device_key(), project(), NOW);
    assert_eq!(check(&longer, &by_another), found(count + 1, FaultKind::NoHead));
    let of_another = head.sign(&node_key(), ProjectId::from_bytes([9; 32]), NOW);
    assert_eq!(check(&longer, &of_another), found(count + 1, FaultKind::NoHead));
    let whole = check(&longer, &head.sign(&node_key(), project(), NOW)).unwrap();
    assert_eq!(whole.head, head);
}

#[test]
fn a_log_that_its_server_wrote_anew_is_found_by_who_saw_the_old_one() {
    let (entries, signed) = log(events());
    let seen = Head::of(&signed).unwrap();
    let mut others = events();
    others[9] = (Event::Retired, None);
    others.push((Event::Moved, None));
    let (forged, forged_signed) = log(others);
    assert!(check(&forged, &forged_signed).is_ok(), "whoever has the key can write whatever he likes");
    let witnessed =
        |entries: &[Vec<u8>], signed| check_with(Check::default().with_witness(seen), entries, signed);
    assert_eq!(witnessed(&forged, &forged_signed), found(entries.len(), FaultKind::Rewritten));
    let (short, short_signed) = log(events().into_iter().take(5));
    assert_eq!(witnessed(&short, &short_signed), found(6, FaultKind::Cut));
    let (longer, longer_signed) = log(events().into_iter().chain([(Event::Moved, None)]));
    assert!(witnessed(&longer, &longer_signed).is_ok(), "it was seen, and grew");
}

#[test]
fn anything_done_to_a_long_log_is_found() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let all = events();
    let (entries, signed) = log((0..400).map(|number| all[number % all.len()]));
    for _ in 0..60 {
        let mut other = entries.clone();
        let (one, two) = (rng.next_u32() as usize % 400, rng.next_u32() as usize % 400);
        match rng.next_u32() % 5 {
            0 => drop(other.remove(one)),
            1 => {
                let byte = rng.next_u32() as usize % other[one].len();
                other[one][byte] ^= 1 << (rng.next_u32() % 8);
            }
            2 => {
                let entry = other.remove(one);
                other.insert(if one == two { (two + 1) % 400 } else { two.min(398) }, entry);
            }
            3 => other.insert(two, entries[one].clone()),
            _ => other.truncate(one),
        }
        assert!(other == entries || check(&other, &signed).is_err());
    }
}

#[test]
fn what_a_later_version_writes_keeps_its_place_in_the_chain() {
    let later = Event::Other { kind: 99 };
    let (entries, signed) = log([(Event::Made { log: [1; 16] }, None), (later, by()), (Event::Moved, None)]);
    assert!(check(&entries, &signed).is_ok());
    let read = Entry::decode(&entries[1]).unwrap();
    assert_eq!((read.event, read.by), (later, by()));
    // A field that this version does not know is passed over, and hashed all the same.
    let mut wider = entries[0].clone();
    wider[0] += 1;
    wider.extend_from_slice(&[0x61, b'z', 0x07]);
    assert_eq!(Entry::decode(&wider).unwrap().event, Event::Made { log: [1; 16] });
    assert_ne!(hash_of(&wider), hash_of(&entries[0]));
}

/// Reads pages until there is no more, and returns the numbers in the order in which they came.
fn read_all(entries: &[Vec<u8>], from: Span, filter: &Filter, limit: usize) -> Vec<Vec<u64>> {
    let (mut span, mut pages) = (Some(from), Vec::new());
    while let Some(place) = span {
        let read = |first: u64, limit: usize| {
            let first = usize::try_from(first - 1).unwrap();
            Ok(entries[first..].iter().take(limit).cloned().collect())
        };
        let page = page(entries.len() as u64, place, filter, limit, read).unwrap();
        pages.push(page.entries.iter().map(|(_, entry)| entry.number).collect());
        span = page.next;
    }
    pages
}

#[test]
fn pages_hold_the_whole_log_in_either_direction() {
    let all = events();
    let (entries, _) = log((0..150).map(|number| all[number % all.len()]));
    for limit in [1, 7, 64, 200] {
        let forth = read_all(&entries, Span::After(0), &Filter::default(), limit).concat();
        assert_eq!(forth, (1..=150).collect::<Vec<u64>>());
        let back = read_all(&entries, Span::Before(u64::MAX), &Filter::default(), limit);
        assert_eq!(back.into_iter().rev().collect::<Vec<_>>().concat(), (1..=150).collect::<Vec<u64>>());
    }
    assert_eq!(read_all(&entries, Span::Before(1), &Filter::default(), 10), [vec![0_u64; 0]]);
    assert_eq!(read_all(&entries, Span::After(150), &Filter::default(), 10), [vec![0_u64; 0]]);
    assert_eq!(read_all(&[], Span::Before(u64::MAX), &Filter::default(), 10), [vec![0_u64; 0]]);
    assert_eq!(read_all(&entries, Span::After(u64::MAX), &Filter::default(), 10), [vec![0_u64; 0]]);
}

#[test]
fn a_filter_takes_what_is_looked_for() {
    let (entries, _) = log(events());
    let takes = |filter: Filter| read_all(&entries, Span::After(0), &filter, 200).concat();
    let numbers = |is_meant: fn(&(Event, Option<By>)) -> bool| {
        let meant = (1..).zip(events()).filter(|(_, event)| is_meant(event));
        meant.map(|(number, _)| number).collect::<Vec<u64>>()
    };
    let refused = Filter { is_refusal: true, ..Filter::default() };
    assert_eq!(takes(refused), numbers(|(event, _)| event.is_refusal()));
    let acts = Filter { is_act: true, ..Filter::default() };
    assert_eq!(takes(acts), numbers(|(event, _)| !event.is_verdict()));
    let both = Filter { is_refusal: true, ..acts };
    assert_eq!(takes(both), numbers(|(event, _)| !matches!(event, Event::Admitted { .. })));
    let theirs = Filter { user: Some(user()), ..Filter::default() };
    let is_theirs = |(event, by): &(Event, Option<By>)| {
        by.is_some_and(|by| by.member.is_some()) || event.user().is_some()
    };
    assert_eq!(takes(theirs), numbers(is_theirs));
    let nobodys = Filter { device: Some(DeviceId::from_bytes([7; 32])), ..Filter::default() };
    assert_eq!(takes(nobodys), Vec::<u64>::new());
}

#[test]
fn who_looks_for_what_is_not_there_is_told_where_to_go_on() {
    let many = limits::ADMISSIONS_SCAN_MAX + 100;
    let (entries, _) = log((0..many).map(|_| (Event::Moved, None)));
    let refused = Filter { is_refusal: true, ..Filter::default() };
    let pages = read_all(&entries, Span::Before(u64::MAX), &refused, 10);
    assert_eq!(pages.len(), 2, "so much is looked through at once");
    assert!(pages.concat().is_empty());
}
