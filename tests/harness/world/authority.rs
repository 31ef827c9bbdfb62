//! Who may what changes while things happen: tickets are shared and taken back, people change sides, devices and
//! people are shut out.

use assist_crdt_model::{Role, TicketId};
use assist_proto::hub::Command;
use assist_proto::store::{DeviceStore as _, ServerStore};
use assist_proto::wire::ask::{Request, SetRole, TicketShare, Who};

use super::{Seat, World};

impl World {
    /// Somebody who may asks for something of the kind. Whether it comes about is the server's to say.
    pub fn govern(&mut self) {
        let admins: Vec<Seat> =
            self.seats.iter().copied().filter(|seat| self.role_of(*seat) == Some(Role::Admin)).collect();
        let Some(admin) = self.net.dice.pick(&admins) else { return };
        let others: Vec<Seat> = self
            .seats
            .iter()
            .copied()
            .filter(|seat| seat.project == admin.project && seat.person != admin.person)
            .collect();
        let Some(other) = self.net.dice.pick(&others) else { return };
        match self.net.dice.between(0, 12) {
            0..=3 => self.share_some(admin.project, other, true),
            4 | 5 => self.share_some(admin.project, other, false),
            6..=9 => self.change_role(admin, other),
            10 | 11 => {
                let device = self.net.peer(other.device).device();
                self.ask_for(admin, Request::RevokeDevice(device));
            }
            _ => self.remove(admin, other),
        }
    }

    /// A ticket is shared with somebody by one of those who have it, or taken from them.
    fn share_some(&mut self, project: usize, with: Seat, is_given: bool) {
        let Some(user) = self.user_of(with) else { return };
        let seats: Vec<Seat> = self.seats.iter().copied().filter(|seat| seat.project == project).collect();
        let Some(by) = self.net.dice.pick(&seats) else { return };
        let tickets: Vec<TicketId> = self.tickets_at(if is_given { by } else { with });
        let Some(ticket) = self.net.dice.pick(&tickets) else { return };
        let share = TicketShare { ticket, who: Who::User(user) };
        let request = if is_given { Request::ShareTicket(share) } else { Request::UnshareTicket(share) };
        self.ask_for(by, request);
    }

    /// Makes a customer an agent, and anybody else a customer.
    pub fn change_role(&mut self, admin: Seat, of: Seat) {
        let Some(user) = self.user_of(of) else { return };
        let role = match self.role_of(of) {
            Some(Role::Customer) => Role::Agent,
            _ => Role::Customer,
        };
        self.ask_for(admin, Request::SetRole(SetRole { who: Who::User(user), role }));
    }

    /// Takes somebody out of the project.
    pub fn remove(&mut self, admin: Seat, other: Seat) {
        if let Some(user) = self.user_of(other) {
            self.ask_for(admin, Request::RemoveMember(Who::User(user)));
        }
    }

    /// Asks, and does not wait for the answer.
    pub fn ask_for(&mut self, seat: Seat, request: Request) {
        self.net
            .trace
            .note(self.net.now(), || format!("{} asks for {request:?}", self.net.peer(seat.device).name));
        let project = self.projects[seat.project].id;
        self.net.ask(seat.device, Command::Ask { project, request });
    }

    /// The role that the device of a seat knows of.
    pub fn role_of(&self, seat: Seat) -> Option<Role> {
        let memberships = self.net.peer(seat.device).store.memberships().ok()?;
        let project = self.projects[seat.project].id;
        memberships.into_iter().find(|membership| membership.project == project).map(|it| it.role)
    }

    /// Whether the server lets the device in no more.
    pub fn is_shut_out(&self, seat: Seat) -> bool {
        let server = &self.net.peer(self.projects[seat.project].server).store;
        let key = self.net.peer(seat.device).device();
        let Some(device) = ServerStore::device(server, &key).expect("memory is read") else { return false };
        let user = server.user(device.user).expect("memory is read");
        device.is_revoked || user.is_none_or(|user| !user.is_member())
    }
}
