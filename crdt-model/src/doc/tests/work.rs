//! Agents' work on a ticket: closing with a reason, snoozing, linking, merging.

use super::*;
use crate::edit::Reason;
use crate::fixtures::{admin, admit, agent, colleague, comment, customer, ticket_doc};
use crate::ids::TicketId;
use crate::ticket::Field;

const NOW: UnixMillis = UnixMillis(5_000);
const LATER: UnixMillis = UnixMillis(9_000);

fn snoozed() -> Doc {
    let mut doc = ticket_doc().0;
    doc.apply(&agent(), NOW, &[Edit::SetSnoozedUntil(Some(LATER))]).unwrap();
    doc
}

fn other(number: u8) -> TicketId {
    TicketId::from_bytes([0x80 + number; 16])
}

#[test]
fn what_the_requester_writes_wakes_a_ticket_and_what_others_write_does_not() {
    let mut doc = snoozed();
    doc.apply(&agent(), NOW, &[comment(1, "We look into it.")]).unwrap();
    doc.apply(&colleague(), NOW, &[comment(2, "Me too.")]).unwrap();
    assert_eq!(doc.summary().unwrap().snoozed_until, Some(LATER));
    doc.apply(&customer(), NOW, &[comment(3, "It got worse.")]).unwrap();
    assert_eq!(doc.summary().unwrap().snoozed_until, None);
    assert_eq!(doc.ticket().unwrap().snoozed_until, None);
}

#[test]
fn a_ticket_that_was_read_stays_asleep_and_one_that_was_not_read_wakes() {
    let mut doc = ticket_doc().0;
    doc.apply(&customer(), NOW, &[comment(1, "Read.")]).unwrap();
    let mut at_the_agents = doc.clone();
    let snooze = at_the_agents.apply(&agent(), NOW, &[Edit::SetSnoozedUntil(Some(LATER))]).unwrap();
    assert_eq!(at_the_agents.summary().unwrap().snoozed_until, Some(LATER));
    // Written before the snooze came, whatever the clocks say.
    doc.apply(&customer(), UnixMillis(1), &[comment(2, "Unread.")]).unwrap();
    admit(&mut doc, &snooze.bytes, &agent()).unwrap();
    assert_eq!(doc.summary().unwrap().snoozed_until, None);
}

#[test]
fn a_woken_ticket_can_be_snoozed_to_the_same_time_again() {
    let mut doc = snoozed();
    doc.apply(&customer(), NOW, &[comment(1, "It got worse.")]).unwrap();
    let again = Edit::SetSnoozedUntil(Some(LATER));
    assert_eq!(doc.apply(&agent(), NOW, std::slice::from_ref(&again)), Err(EditError::NothingToDo));
    let mut elsewhere = doc.clone();
    let change = doc.apply(&agent(), NOW, &[Edit::SetSnoozedUntil(None), again]).unwrap();
    assert_eq!(doc.summary().unwrap().snoozed_until, Some(LATER));
    admit(&mut elsewhere, &change.bytes, &agent()).unwrap();
    assert_eq!(elsewhere.summary(), doc.summary());
}

#[test]
fn a_reason_shows_while_the_ticket_is_closed() {
    let mut doc = ticket_doc().0;
    let reason = Reason::parse(" Answered ").unwrap();
    let close = [Edit::SetStatus(Status::Closed), Edit::SetCloseReason(Some(reason.clone()))];
    doc.apply(&customer(), NOW, &close).unwrap();
    assert_eq!(doc.ticket().unwrap().close_reason, Some(reason));
    doc.apply(&customer(), NOW, &[Edit::SetStatus(Status::Open)]).unwrap();
    assert_eq!(doc.ticket().unwrap().close_reason, None);
}

#[test]
fn links_are_a_set_that_has_room_for_so_many() {
    let mut doc = ticket_doc().0;
    let links = |numbers: std::ops::RangeInclusive<u8>| -> Vec<Edit> {
        numbers.map(|number| Edit::AddLink(other(number))).collect()
    };
    let count_max = limits::LINKS_PER_TICKET_MAX;
    doc.apply(&agent(), NOW, &links(1..=50)).unwrap();
    assert_eq!(doc.ticket().unwrap().links, (1..=50).map(other).collect());
    // The fields that were never written have left their room.
    let too_many = EditError::TooMany { what: "links", count_max };
    assert_eq!(doc.clone().apply(&agent(), NOW, &links(51..=60)), Err(too_many));
    doc.apply(&admin(), NOW, &[Edit::RemoveLink(other(50)), Edit::RemoveLink(other(60))]).unwrap();
    assert_eq!(doc.ticket().unwrap().links, (1..50).map(other).collect());
    assert_eq!(doc.apply(&admin(), NOW, &[Edit::RemoveLink(other(50))]), Err(EditError::NothingToDo));
}

#[test]
fn nothing_is_linked_with_or_merged_into_itself() {
    let mut doc = ticket_doc().0;
    let own = doc.id().ticket().unwrap();
    for edit in [Edit::AddLink(own), Edit::SetMergedInto(Some(own))] {
        assert_eq!(doc.apply(&agent(), NOW, &[edit]), Err(EditError::WithItself));
    }
}

#[test]
fn merges_into_two_tickets_at_once_are_shown_both_and_undone_by_one_edit() {
    let (mut here, mut there) = (ticket_doc().0, ticket_doc().0);
    here.apply(&agent(), NOW, &[Edit::SetMergedInto(Some(other(1)))]).unwrap();
    let change = there.apply(&admin(), NOW, &[Edit::SetMergedInto(Some(other(2)))]).unwrap();
    admit(&mut here, &change.bytes, &admin()).unwrap();
    let ticket = here.ticket().unwrap();
    assert!(ticket.merged_into.is_some());
    assert_eq!(ticket.conflicts.len(), 1);
    assert_eq!((ticket.conflicts[0].field, ticket.conflicts[0].values.len()), (Field::MergedInto, 2));
    let mut texts: Vec<&str> = ticket.conflicts[0].values.iter().map(|value| value.text.as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts, [other(1).to_string(), other(2).to_string()]);
    here.apply(&agent(), NOW, &[Edit::SetMergedInto(None)]).unwrap();
    let ticket = here.ticket().unwrap();
    assert_eq!((ticket.merged_into, ticket.conflicts.len()), (None, 0));
}
