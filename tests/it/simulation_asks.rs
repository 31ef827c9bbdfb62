//! What a member asks of the server: answered once, at once or not at all, by the roster of that moment.

use assist_proto::hub::{Command, CommandError, Reply};
use assist_proto::wire::ask::{AskCode, ListMembers, MemberWindow, Request, Response};
use assist_tests::world::{Desk, Seat};

fn members(desk: &mut Desk, seat: Seat) -> Result<Reply, CommandError> {
    let project = desk.world.projects[seat.project].id;
    let request = Request::Members(ListMembers { after: None, limit: 50 });
    desk.world.net.command(seat.device, Command::Ask { project, request })
}

#[test]
fn team_is_told_who_is_in_the_project_and_a_customer_is_not() {
    let mut desk = Desk::open(1);
    let carol = desk.carol;
    let Ok(Reply::Given(Response::Members(MemberWindow { members: told, has_more: false }))) =
        members(&mut desk, carol)
    else {
        panic!("an agent sees the roster");
    };
    assert_eq!(told.len(), 4, "the server and three people: {told:?}");
    assert!(told.iter().all(|member| member.devices == 1));
    let alice = desk.alice;
    let Err(CommandError::AskRefused(refused)) = members(&mut desk, alice) else {
        panic!("a customer does not see the roster");
    };
    assert_eq!(refused.code, AskCode::NotAllowed);
}

#[test]
fn ask_without_a_session_fails_at_once() {
    let mut desk = Desk::open(2);
    let carol = desk.carol;
    desk.set_online(carol, false);
    desk.ask(carol, Command::Pause(None));
    assert_eq!(members(&mut desk, carol), Err(CommandError::Offline));
}

#[test]
fn ask_whose_session_ends_is_answered_that_nobody_knows() {
    let mut desk = Desk::open(3);
    let carol = desk.carol;
    desk.set_online(carol, false);
    assert_eq!(members(&mut desk, carol), Err(CommandError::NoAnswer));
}
