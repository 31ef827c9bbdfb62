//! News between people who are connected all the time: nothing waits for somebody else, or for a reconnect.

use assist_tests::world::{DAVE, Desk};

#[test]
fn agents_comment_reaches_a_colleague_while_no_customer_is_there() {
    let mut desk = Desk::open(11);
    let colleague = desk.sit_down(DAVE, "desktop");
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.settle();
    desk.set_online(desk.alice, false);
    desk.set_online(desk.bob, false);
    desk.world.net.run_for(A_WHILE_MILLIS);

    desk.world.comment(desk.carol, ticket, "Which version?");
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert_eq!(desk.world.comments_at(colleague, ticket), ["Which version?"]);
}

#[test]
fn comment_and_answer_arrive_while_everybody_is_connected() {
    let mut desk = Desk::open(12);
    let ticket = desk.world.file(desk.alice, "It hangs", "On start.");
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert_eq!(desk.world.tickets_at(desk.carol), [ticket]);

    desk.world.comment(desk.carol, ticket, "Which version?");
    desk.world.net.run_for(A_WHILE_MILLIS);
    assert_eq!(desk.world.comments_at(desk.alice, ticket), ["Which version?"]);
    assert_eq!(desk.world.net.link_count(desk.server), 3, "nobody had to connect again");
}

/// Longer than news take, shorter than a device that hears nothing waits before it connects again.
const A_WHILE_MILLIS: u64 = 10_000;
