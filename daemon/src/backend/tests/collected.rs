//! Several tickets at once, each with all that is kept of it: the same as the single calls say.

use assist_proto::api::sync::WaitUntil;
use assist_proto::api::ticket::{Collect, CollectedTicket, Export, History};
use assist_proto::api::{ErrorCode, attachment, comment, limits, note};
use assist_proto::bundle::Bundle;

use super::world::{Node, World, check};

fn collect(tickets: &[&str]) -> Collect {
    Collect { project: None, tickets: tickets.iter().map(|&ticket| ticket.to_owned()).collect() }
}

async fn collected(node: &Node, tickets: &[&str]) -> Vec<CollectedTicket> {
    node.call(collect(tickets)).await.tickets
}

/// The same from single calls, with the bundles of another moment.
async fn piecemeal(node: &Node, ticket: &str, has_notes: bool) -> CollectedTicket {
    let export = |notes| Export { project: None, ticket: ticket.into(), notes };
    let list = note::List { ticket: ticket.into(), ..note::List::default() };
    let history = History { ticket: ticket.into(), ..History::default() };
    let attachments = attachment::List { ticket: ticket.into(), ..attachment::List::default() };
    CollectedTicket {
        ticket: node.get(ticket).await,
        notes: if has_notes { node.call(list).await.notes } else { Vec::new() },
        history: node.call(history).await.changes,
        attachments: node.call(attachments).await.attachments,
        bundle: Some(node.call(export(false)).await.bundle),
        notes_bundle: if has_notes { Some(node.call(export(true)).await.bundle) } else { None },
    }
}

/// What a bundle proves, and whose names are in it.
fn proof(text: Option<&String>) -> Option<Bundle> {
    let mut bundle = Bundle::read(text?.as_bytes()).unwrap();
    assert!(bundle.evidence.check().is_whole());
    bundle.said.made_at = assist_crdt_model::UnixMillis(0);
    Some(bundle)
}

fn assert_same(left: &CollectedTicket, right: &CollectedTicket) {
    assert_eq!(proof(left.bundle.as_ref()), proof(right.bundle.as_ref()));
    assert_eq!(proof(left.notes_bundle.as_ref()), proof(right.notes_bundle.as_ref()));
    let without = |it: &CollectedTicket| CollectedTicket { bundle: None, notes_bundle: None, ..it.clone() };
    assert_eq!(without(left), without(right));
}

#[tokio::test]
async fn a_collected_ticket_is_what_the_single_calls_say() {
    let world = World::new().await;
    let (hums, burns) = (world.file("It hums").await, world.file("It burns").await);
    let said = comment::Add { ticket: burns.clone(), body: "Since when?".into(), ..comment::Add::default() };
    let said = world.agent.call(said).await;
    let noted = note::Add { ticket: burns.clone(), body: "The relay.".into(), ..note::Add::default() };
    let noted = world.agent.call(noted).await;
    // So that nothing moves on between the calls.
    world.agent.wait(&[&said.change], WaitUntil::Delivered).await;
    world.agent.wait(&[&noted.change], WaitUntil::Server).await;

    let both = collected(&world.agent, &[&burns, "#1"]).await;
    assert_eq!(both.len(), 2);
    assert_same(&both[0], &piecemeal(&world.agent, &burns, true).await);
    assert_same(&both[1], &piecemeal(&world.agent, &hums, false).await);
    let named = proof(both[0].bundle.as_ref()).unwrap().said.people.len();
    assert_eq!(named, 2, "Carla and Arno");
    assert_eq!((both[0].ticket.note_count, both[0].history.len()), (1, 2));
}

#[tokio::test]
async fn customers_collect_no_notes() {
    let world = World::new().await;
    let id = world.file("It hangs").await;
    let noted = note::Add { ticket: id.clone(), body: "Between us.".into(), ..note::Add::default() };
    let noted = world.agent.call(noted).await;
    world.agent.wait(&[&noted.change], WaitUntil::Server).await;
    let seen = collected(&world.customer, &[&id]).await;
    assert_same(&seen[0], &piecemeal(&world.customer, &id, false).await);
    assert_eq!((seen[0].notes.len(), seen[0].ticket.note_count), (0, 0));
}

#[tokio::test]
async fn a_large_ticket_ends_a_reply_and_is_collected_alone() {
    let world = World::new().await;
    let (small, large) = (world.file("Small").await, world.file("Large").await);
    let body = "x".repeat(64 * 1024);
    for _ in 0..=limits::COLLECT_CHANGE_BYTES_MAX / body.len() {
        let said = comment::Add { ticket: large.clone(), body: body.clone(), ..comment::Add::default() };
        world.customer.call(said).await;
    }
    let ids = |collected: Vec<CollectedTicket>| {
        collected.into_iter().map(|collected| collected.ticket.row.id).collect::<Vec<_>>()
    };
    let ask = async |tickets: &[&str]| ids(collected(&world.customer, tickets).await);
    assert_eq!(ask(&[&small, &large]).await, [small.as_str()]);
    assert_eq!(ask(&[&large, &small]).await, [large.as_str()]);
    assert_eq!(ask(&[&small, &small]).await, [small.as_str(), &small]);
}

#[tokio::test]
async fn what_cannot_be_collected_is_named() {
    let world = World::new().await;
    let id = world.file("It hangs").await;
    let none = world.agent.fail(collect(&[])).await;
    check(&none, ErrorCode::InvalidParams, "no_tickets", Some("tickets"));
    let many = world.agent.fail(collect(&vec![id.as_str(); limits::COLLECT_TICKETS_MAX + 1])).await;
    check(&many, ErrorCode::Limit, "too_many_tickets", Some("tickets"));
    let unknown = world.agent.fail(collect(&[&id, "#99"])).await;
    check(&unknown, ErrorCode::NotFound, "no_such_ticket", Some("tickets[1]"));
}
