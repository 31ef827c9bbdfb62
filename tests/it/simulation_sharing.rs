//! Who sees a ticket beside the team: shared by id or by address, taken back, given again, and never a byte too many.

use assist_crdt_model::{RejectCode, Role, Status, TicketId, UserId};
use assist_proto::hub::{Command, CommandError, Connection, Reply};
use assist_proto::limits;
use assist_proto::store::{DeviceStore as _, Seq, ServerStore as _};
use assist_proto::wire::ask::{
    AskCode, AskRefused, Request, Response, SetRole, TicketMember, TicketMemberState, TicketShare, Who,
};
use assist_proto::wire::{PeerMessage, codec};
use assist_tests::world::{ALICE, BOB, DAVE, Desk, ERIN, Seat};

fn ask(desk: &mut Desk, seat: Seat, request: Request) -> Result<Response, CommandError> {
    let project = desk.world.projects[seat.project].id;
    match desk.world.net.command(seat.device, Command::Ask { project, request })? {
        Reply::Given(response) => Ok(response),
        other => panic!("an ask is answered with an answer: {other:?}"),
    }
}

fn refusal(desk: &mut Desk, seat: Seat, request: Request) -> AskRefused {
    match ask(desk, seat, request.clone()) {
        Err(CommandError::AskRefused(refused)) => refused,
        other => panic!("{request:?} is answered with {other:?}"),
    }
}

/// Asks for what is done, and lets it come to those whom it concerns.
fn done(desk: &mut Desk, seat: Seat, request: Request) {
    assert_eq!(ask(desk, seat, request), Ok(Response::Done));
    desk.world.run_for(20_000);
}

fn share(ticket: TicketId, who: Who) -> Request {
    Request::ShareTicket(TicketShare { ticket, who })
}

fn unshare(ticket: TicketId, who: Who) -> Request {
    Request::UnshareTicket(TicketShare { ticket, who })
}

fn email(address: &str) -> Who {
    Who::Email(address.to_owned())
}

fn user(desk: &Desk, seat: Seat) -> UserId {
    desk.world.user_of(seat).unwrap()
}

fn who(desk: &Desk, seat: Seat) -> Who {
    Who::User(user(desk, seat))
}

fn members(desk: &mut Desk, seat: Seat, ticket: TicketId) -> Vec<TicketMember> {
    match ask(desk, seat, Request::TicketMembers(ticket)) {
        Ok(Response::TicketMembers(members)) => members,
        other => panic!("{other:?}"),
    }
}

fn has(desk: &Desk, seat: Seat, ticket: TicketId) -> bool {
    let store = &desk.world.net.peer(seat.device).store;
    let has_row = store.row(&desk.world.projects[0].id, ticket).unwrap().is_some();
    assert_eq!(
        has_row,
        desk.world.tickets_at(seat).contains(&ticket),
        "a row without a document, or the reverse"
    );
    has_row
}

fn tickets(desk: &mut Desk, seat: Seat, count: usize) -> Vec<TicketId> {
    let tickets =
        (0..count).map(|number| desk.world.file(seat, &format!("It hangs {number}"), "On start.")).collect();
    desk.world.settle();
    tickets
}

#[test]
fn shared_ticket_comes_whole_and_live_and_goes_when_it_is_taken_back() {
    let mut desk = Desk::open(1);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let ticket = tickets(&mut desk, alice, 1)[0];
    desk.world.comment(carol, ticket, "Which version?");
    desk.world.settle();
    assert!(!has(&desk, bob, ticket));

    let bobs = who(&desk, bob);
    done(&mut desk, alice, share(ticket, bobs.clone()));
    assert_eq!(desk.world.comments_at(bob, ticket), ["Which version?"], "with all that was before");
    desk.world.comment(bob, ticket, "I have it too.");
    desk.world.comment(alice, ticket, "The newest.");
    desk.world.settle();
    for seat in [alice, bob, carol] {
        assert_eq!(desk.world.comments_at(seat, ticket).len(), 3);
    }
    desk.world.check();

    done(&mut desk, alice, unshare(ticket, bobs.clone()));
    assert!(!has(&desk, bob, ticket));
    desk.world.comment(alice, ticket, "Bob is gone.");
    desk.world.settle();
    assert!(!has(&desk, bob, ticket));
    desk.world.check();

    done(&mut desk, carol, share(ticket, bobs.clone()));
    assert_eq!(desk.world.comments_at(bob, ticket).len(), 4, "what was missed is there");
    desk.world.check();

    done(&mut desk, carol, unshare(ticket, bobs.clone()));
    done(&mut desk, carol, share(ticket, bobs));
    assert_eq!(desk.world.comments_at(bob, ticket).len(), 4, "it comes again though nothing was missed");
    desk.world.check();
}

#[test]
fn grant_reaches_a_device_that_was_away_and_all_devices_of_the_user() {
    let mut desk = Desk::open(2);
    let (alice, bob) = (desk.alice, desk.bob);
    let phone = desk.sit_down(BOB, "phone");
    desk.world.settle();
    let shared = tickets(&mut desk, alice, 3);
    desk.set_online(bob, false);
    let bobs = who(&desk, bob);
    for ticket in &shared {
        done(&mut desk, alice, share(*ticket, bobs.clone()));
    }
    done(&mut desk, alice, unshare(shared[1], bobs.clone()));
    let tablet = desk.sit_down(BOB, "tablet");
    desk.set_online(bob, true);
    desk.world.settle();
    for seat in [bob, phone, tablet] {
        assert_eq!(
            shared.iter().map(|ticket| has(&desk, seat, *ticket)).collect::<Vec<_>>(),
            [true, false, true]
        );
    }
    desk.world.check();
}

#[test]
fn unsent_text_in_a_ticket_that_goes_is_kept_as_a_draft_with_the_reason() {
    let mut desk = Desk::open(3);
    let (alice, bob) = (desk.alice, desk.bob);
    let ticket = tickets(&mut desk, alice, 1)[0];
    let bobs = who(&desk, bob);
    done(&mut desk, alice, share(ticket, bobs.clone()));
    desk.set_online(bob, false);
    desk.world.comment(bob, ticket, "Written on the train.");
    done(&mut desk, alice, unshare(ticket, bobs));
    desk.set_online(bob, true);
    desk.world.settle();
    assert!(!has(&desk, bob, ticket));
    let drafts = desk.drafts(bob);
    let [(_, draft)] = drafts.as_slice() else { panic!("one draft: {drafts:?}") };
    assert!(format!("{:?}", draft.edits).contains("Written on the train."));
    assert_eq!(draft.code, RejectCode::NoSuchDoc.number());
    desk.world.check();
}

#[test]
fn who_may_share_and_take_back_is_the_requester_and_the_team_and_anybody_leaves() {
    let mut desk = Desk::open(4);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let dave = desk.sit_down(DAVE, "laptop");
    desk.world.settle();
    let ticket = tickets(&mut desk, alice, 1)[0];
    let nobody = Who::User(UserId::from_bytes([9; 16]));
    let [alices, bobs, daves] = [alice, bob, dave].map(|seat| who(&desk, seat));

    // To whom the ticket is none, it is none: the same bytes as for one that does not exist.
    let absent = TicketId::from_bytes([9; 16]);
    for request in [share, unshare] {
        let forbidden = refusal(&mut desk, bob, request(ticket, alices.clone()));
        assert_eq!(forbidden, refusal(&mut desk, bob, request(absent, alices.clone())));
        assert_eq!(forbidden.code, AskCode::NotFound);
    }
    assert_eq!(
        refusal(&mut desk, bob, Request::TicketMembers(ticket)),
        refusal(&mut desk, bob, Request::TicketMembers(absent))
    );

    done(&mut desk, alice, share(ticket, bobs.clone()));
    done(&mut desk, alice, share(ticket, bobs.clone()));
    assert_eq!(refusal(&mut desk, bob, share(ticket, daves.clone())).code, AskCode::NotAllowed);
    assert_eq!(refusal(&mut desk, bob, unshare(ticket, daves.clone())).code, AskCode::NotAllowed);
    assert_eq!(refusal(&mut desk, carol, unshare(ticket, alices.clone())).code, AskCode::Conflict);
    assert_eq!(refusal(&mut desk, alice, unshare(ticket, alices)).code, AskCode::Conflict);
    assert_eq!(refusal(&mut desk, alice, share(ticket, nobody)).code, AskCode::NotFound);
    assert_eq!(refusal(&mut desk, alice, share(ticket, email("no address"))).code, AskCode::BadValue);
    assert_eq!(refusal(&mut desk, alice, unshare(ticket, daves)).code, AskCode::NotFound);
    done(&mut desk, bob, unshare(ticket, bobs));
    assert!(!has(&desk, bob, ticket));
    desk.world.check();
}

#[test]
fn address_that_is_nobodys_waits_for_who_joins_with_it() {
    let mut desk = Desk::open(5);
    let (alice, carol) = (desk.alice, desk.carol);
    let shared = tickets(&mut desk, alice, 2);
    for ticket in &shared {
        done(&mut desk, alice, share(*ticket, email("Dave@Example.org")));
    }
    let invited = |members: Vec<TicketMember>| {
        members.into_iter().filter(|member| member.state == TicketMemberState::Invited).collect::<Vec<_>>()
    };
    for seat in [alice, carol] {
        let waiting = invited(members(&mut desk, seat, shared[0]));
        assert_eq!(waiting[0].email.as_deref(), Some("dave@example.org"));
    }
    done(&mut desk, alice, unshare(shared[1], email("dave@example.org")));
    desk.world.people[DAVE].role = Role::Customer;
    let dave = desk.sit_down(DAVE, "laptop");
    desk.world.settle();
    assert!(has(&desk, dave, shared[0]));
    assert!(!has(&desk, dave, shared[1]));
    desk.world.check();
    assert_eq!(invited(members(&mut desk, carol, shared[0])), []);
    // A customer is told no more than before.
    assert_eq!(invited(members(&mut desk, alice, shared[0])).len(), 1);
}

#[test]
fn customer_does_not_learn_whether_an_address_is_known() {
    let mut desk = Desk::open(6);
    let (alice, bob) = (desk.alice, desk.bob);
    let two = tickets(&mut desk, alice, 2);
    let (known, unknown) = (email("bob@example.org"), email("amir@example.org"));
    let answers = |desk: &mut Desk, ticket, who: &Who| {
        let requests = [
            unshare(ticket, who.clone()),
            share(ticket, who.clone()),
            share(ticket, who.clone()),
            Request::TicketMembers(ticket),
            unshare(ticket, who.clone()),
        ];
        requests.map(|request| format!("{:?}", ask(desk, alice, request))).join("\n")
    };
    let of_known = answers(&mut desk, two[0], &known).replace("bob@", "amir@");
    assert_eq!(of_known, answers(&mut desk, two[1], &unknown));
    // Nor by taking back what was given in another way.
    let bobs = who(&desk, bob);
    done(&mut desk, alice, share(two[0], bobs));
    let as_known = refusal(&mut desk, alice, unshare(two[0], known));
    assert_eq!(as_known, refusal(&mut desk, alice, unshare(two[0], unknown)));
    assert!(has(&desk, bob, two[0]));
}

#[test]
fn ticket_has_as_many_members_as_one_answer_lists() {
    let mut desk = Desk::open(7);
    let alice = desk.alice;
    let ticket = tickets(&mut desk, alice, 1)[0];
    for number in 1..limits::TICKET_MEMBERS_MAX {
        assert!(ask(&mut desk, alice, share(ticket, email(&format!("{number}@example.com")))).is_ok());
    }
    assert_eq!(refusal(&mut desk, alice, share(ticket, email("more@example.com"))).code, AskCode::Limit);
    assert_eq!(members(&mut desk, alice, ticket).len(), limits::TICKET_MEMBERS_MAX);
}

#[test]
fn who_joins_the_team_gets_everything_and_who_leaves_it_keeps_what_is_theirs() {
    let mut desk = Desk::open(8);
    let erin = desk.sit_down(ERIN, "laptop");
    desk.world.settle();
    let (alice, bob) = (desk.alice, desk.bob);
    let alices = tickets(&mut desk, alice, 4);
    let bobs = tickets(&mut desk, bob, 1)[0];
    let set = |who, role| Request::SetRole(SetRole { who, role });
    let to_bob = who(&desk, bob);

    done(&mut desk, erin, set(to_bob.clone(), Role::Agent));
    desk.world.settle();
    assert!(alices.iter().all(|ticket| has(&desk, bob, *ticket)));
    desk.world.comment(bob, alices[0], "As an agent.");
    desk.world.settle();
    assert_eq!(desk.world.comments_at(alice, alices[0]), ["As an agent."]);

    desk.set_online(bob, false);
    desk.world.comment(bob, alices[1], "Too late.");
    desk.world.comment(bob, bobs, "In my own.");
    done(&mut desk, erin, set(to_bob, Role::Customer));
    desk.set_online(bob, true);
    desk.world.settle();
    assert_eq!(desk.world.tickets_at(bob), [bobs]);
    assert_eq!(desk.world.comments_at(alice, alices[0]), ["As an agent."], "admitted history stays");
    assert_eq!(desk.world.comments_at(alice, alices[1]), Vec::<String>::new());
    assert_eq!(desk.world.comments_at(bob, bobs).len() + own_drafts(&desk, bob, "In my own."), 1);
    assert_eq!(own_drafts(&desk, bob, "Too late."), 1);
    // Addresses are for the team.
    let store = &desk.world.net.peer(bob.device).store;
    let known = store.members(&desk.world.projects[0].id).unwrap();
    let own = user(&desk, bob);
    assert!(known.iter().all(|member| member.user == own || member.email.is_none()), "{known:?}");
}

fn own_drafts(desk: &Desk, seat: Seat, text: &str) -> usize {
    desk.drafts(seat).iter().filter(|(_, draft)| format!("{:?}", draft.edits).contains(text)).count()
}

#[test]
fn removed_user_is_turned_away_within_the_turn_and_keeps_their_unsent_text() {
    let mut desk = Desk::open(9);
    let erin = desk.sit_down(ERIN, "laptop");
    desk.world.settle();
    let (alice, bob) = (desk.alice, desk.bob);
    let ticket = tickets(&mut desk, bob, 1)[0];
    let alices = tickets(&mut desk, alice, 1)[0];
    let bobs = who(&desk, bob);
    done(&mut desk, alice, share(alices, bobs.clone()));
    desk.set_online(bob, false);
    desk.world.comment(bob, ticket, "Never sent.");
    desk.set_online(bob, true);
    desk.world.run_for(200);
    desk.set_online(bob, false);
    assert_eq!(ask(&mut desk, erin, Request::RemoveMember(bobs)), Ok(Response::Done));
    let head = desk.world.net.peer(desk.server).store.head().unwrap();
    desk.world.comment(bob, ticket, "Written before he knew.");
    desk.set_online(bob, true);
    desk.world.run_for(60_000);
    assert!(matches!(desk.status(bob).connection, Connection::Refused { .. }));
    assert_eq!(desk.world.net.peer(desk.server).store.head().unwrap(), head, "nothing of his is admitted");
    assert!(desk.world.comments_at(bob, ticket).contains(&"Written before he knew.".to_owned()));
    assert_eq!(desk.drafts(bob), [], "it stands in the ticket, unsent");
    // What was shared with him can be shared with who comes back under his address.
    assert_eq!(members(&mut desk, alice, alices).len(), 1);
    let again = desk.sit_down(BOB, "phone");
    done(&mut desk, alice, share(alices, email("bob@example.org")));
    assert!(has(&desk, again, alices));
}

#[test]
fn live_session_of_a_revoked_device_ends_in_the_turn_of_the_ask() {
    let mut desk = Desk::open(10);
    let alice = desk.alice;
    let phone = desk.sit_down(ALICE, "phone");
    desk.world.settle();
    let key = assist_crdt_model::DeviceId::from_bytes(desk.key(phone).verifying_key().to_bytes());
    desk.world.net.sent.clear();
    let asked_at = desk.world.net.now();
    let project = desk.world.projects[0].id;
    desk.world.net.ask(alice.device, Command::Ask { project, request: Request::RevokeDevice(key) });
    let is_turned_away = |desk: &Desk| matches!(desk.status(phone).connection, Connection::Refused { .. });
    while !is_turned_away(&desk) {
        assert!(desk.world.net.step(), "the phone is told");
        assert!(desk.world.net.now() < asked_at + 1_000, "within a second");
    }
    let told = desk.world.net.sent.iter().filter(|sent| sent.to == phone.device);
    let told: Vec<PeerMessage> = told.filter_map(|sent| codec::decode("message", &sent.frame).ok()).collect();
    assert!(matches!(told.as_slice(), [PeerMessage::Refused(_)]), "{told:?}");
}

#[test]
fn grant_that_breaks_off_anywhere_is_made_good() {
    for frames in 1..9 {
        let mut desk = Desk::open(11);
        let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
        let shared = tickets(&mut desk, alice, 2);
        let bobs = who(&desk, bob);
        desk.world.net.cut_off_after(bob.device, frames);
        for ticket in &shared {
            assert!(ask(&mut desk, alice, share(*ticket, bobs.clone())).is_ok());
            desk.world.comment(carol, *ticket, "Seen.");
        }
        assert!(ask(&mut desk, alice, unshare(shared[0], bobs)).is_ok());
        desk.world.edit(carol, shared[1], assist_crdt_model::Edit::SetStatus(Status::Resolved));
        desk.world.net.cut_off_after(bob.device, usize::MAX);
        desk.world.heal();
        assert_eq!(desk.world.comments_at(bob, shared[1]), ["Seen."], "cut after {frames} frames");
        assert!(!has(&desk, bob, shared[0]));
        desk.world.check();
        let cursor =
            desk.world.net.peer(bob.device).store.sync_state(&desk.world.projects[0].id).unwrap().cursor;
        assert!(cursor > Seq::ZERO);
    }
}
