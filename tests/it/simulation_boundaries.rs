//! Authority changes at every boundary between two events: whatever was under way, nothing leaks and nothing is lost.

use assist_crdt_model::{Edit, Role, Status, TicketId};
use assist_proto::wire::ask::{Request, SetRole, TicketShare, Who};
use assist_tests::world::{ALICE, Desk, ERIN, Seat};

/// A desk with work on all ways: two devices of one customer, a ticket that is shared, one that is not, and unsent
/// text on every device.
struct Busy {
    desk: Desk,
    erin: Seat,
    phone: Seat,
    shared: TicketId,
    private: TicketId,
}

impl Busy {
    fn open() -> Self {
        let mut desk = Desk::open(21);
        let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
        let erin = desk.sit_down(ERIN, "laptop");
        let phone = desk.sit_down(ALICE, "phone");
        desk.world.settle();
        let shared = desk.world.file(alice, "It hums", "All day.");
        let private = desk.world.file(alice, "It hangs", "On start.");
        desk.world.settle();
        let bobs = Who::User(desk.world.user_of(bob).unwrap());
        desk.world.ask_for(alice, Request::ShareTicket(TicketShare { ticket: shared, who: bobs }));
        desk.world.settle();
        for seat in [alice, bob, carol, phone] {
            desk.set_online(seat, false);
        }
        for seat in [alice, bob, phone] {
            desk.world.comment(seat, shared, "Still humming.");
        }
        desk.world.file(alice, "And it smells", "Of ozone.");
        desk.world.comment(carol, private, "Which version?");
        desk.world.edit(carol, shared, Edit::SetStatus(Status::Pending));
        // What only the server can refuse.
        let alices = desk.world.user_of(alice);
        desk.world.edit(carol, private, Edit::SetAssignee(alices));
        desk.world.comment(carol, private, "Does it hum?");
        for seat in [alice, bob, carol, phone] {
            desk.set_online(seat, true);
        }
        Self { desk, erin, phone, shared, private }
    }

    fn who(&self, seat: Seat) -> Who {
        Who::User(self.desk.world.user_of(seat).unwrap())
    }
}

/// Lets a deed happen after so many events, for every number of events until all is quiet.
fn at_every_boundary(deed: impl Fn(&mut Busy)) {
    for boundary in 0.. {
        let mut busy = Busy::open();
        let was_quiet = !(0..boundary).all(|_| busy.desk.world.step());
        deed(&mut busy);
        busy.desk.world.heal();
        busy.desk.world.check();
        if was_quiet {
            assert!(boundary > 40, "there was something to interrupt: {boundary} events");
            return;
        }
    }
}

#[test]
fn device_is_shut_out_at_every_boundary() {
    at_every_boundary(|busy| {
        let key = busy.desk.world.net.peer(busy.phone.device).device();
        busy.desk.world.ask_for(busy.erin, Request::RevokeDevice(key));
    });
}

#[test]
fn member_is_removed_at_every_boundary() {
    at_every_boundary(|busy| busy.desk.world.remove(busy.erin, busy.desk.bob));
}

#[test]
fn customer_becomes_an_agent_at_every_boundary() {
    at_every_boundary(|busy| busy.desk.world.change_role(busy.erin, busy.desk.bob));
}

#[test]
fn agent_becomes_a_customer_at_every_boundary() {
    at_every_boundary(|busy| busy.desk.world.change_role(busy.erin, busy.desk.carol));
}

#[test]
fn agent_becomes_a_customer_and_an_agent_again_at_every_boundary() {
    at_every_boundary(|busy| {
        let carols = busy.who(busy.desk.carol);
        for role in [Role::Customer, Role::Agent] {
            let set = SetRole { who: carols.clone(), role };
            busy.desk.world.ask_for(busy.erin, Request::SetRole(set));
        }
    });
}

#[test]
fn ticket_is_shared_at_every_boundary() {
    at_every_boundary(|busy| {
        let share = TicketShare { ticket: busy.private, who: busy.who(busy.desk.bob) };
        busy.desk.world.ask_for(busy.erin, Request::ShareTicket(share));
    });
}

#[test]
fn ticket_is_taken_back_and_given_again_at_every_boundary() {
    at_every_boundary(|busy| {
        let share = TicketShare { ticket: busy.shared, who: busy.who(busy.desk.bob) };
        busy.desk.world.ask_for(busy.erin, Request::UnshareTicket(share.clone()));
        busy.desk.world.run_for(30);
        busy.desk.world.ask_for(busy.erin, Request::ShareTicket(share));
    });
}

#[test]
fn ticket_is_taken_back_at_every_boundary() {
    at_every_boundary(|busy| {
        let share = TicketShare { ticket: busy.shared, who: busy.who(busy.desk.bob) };
        busy.desk.world.ask_for(busy.erin, Request::UnshareTicket(share));
    });
}

#[test]
fn device_is_restored_from_an_old_copy_at_every_boundary() {
    at_every_boundary(|busy| {
        let device = busy.phone.device;
        let copy = busy.desk.world.net.peer(device).store.clone();
        busy.desk.world.run_for(200);
        busy.desk.world.restore(device, copy, false);
    });
}
