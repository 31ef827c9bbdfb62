//! Machines that lose power, again and again, while people write.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;

use assist_proto::api::{comment, server, ticket, user};
use assist_proto::client::Client;
use assist_tests::process::{DaemonProcess, PATIENCE, assistd, run};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// `KILLS=5000` kills more often than usual.
#[test]
fn nothing_acknowledged_is_lost_or_doubled_whoever_is_killed_at_whatever_moment() {
    let kills = std::env::var("KILLS").map_or(200, |kills| kills.parse().unwrap());
    let server = DaemonProcess::server("hero");
    let (customer, agent) = (DaemonProcess::device(), DaemonProcess::device());
    customer.join(&server, user::Role::Customer, "Carla");
    agent.join(&server, user::Role::Agent, "Amir");
    // The more is written the more tickets there are: nobody writes a thousand comments under one.
    let ticket_count = TICKETS_MIN.max(kills / 100);
    let tickets: Vec<String> = (0..ticket_count).map(|number| file(&customer, number)).collect();
    customer.until_sent();
    agent.until("all tickets", |client| (rows(client).len() == ticket_count).then_some(()));

    let mut daemons = [server, customer, agent];
    let desk = Desk::default();
    let clients = [1, 2].map(|device: usize| (device, daemons[device].socket()));
    thread::scope(|scope| {
        let writers = clients.map(|(device, socket)| {
            let (desk, tickets) = (&desk, &tickets);
            scope.spawn(move || {
                write(desk, device, tickets, &mut || Client::connect(socket.clone()).ok());
            })
        });
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..kills {
            let victim = rng.next_u32() as usize % daemons.len();
            // Until so many words more were acknowledged: the others are somewhere in the middle of theirs.
            desk.until_written(rng.next_u32() as usize % 5);
            desk.set_up(victim, false);
            daemons[victim].kill();
            daemons[victim].start();
            desk.set_up(victim, true);
        }
        desk.is_over.store(true, Ordering::Relaxed);
        desk.changed.notify_all();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });

    let [mut server, customer, agent] = daemons;
    let mut acknowledged = desk.acknowledged.into_inner().unwrap();
    acknowledged.sort();
    // Each has to have what the other wrote, too: however much of that waits.
    for device in [&customer, &agent] {
        device.until_sent();
    }
    for device in [&customer, &agent] {
        device.until("everything that was acknowledged, once", |client| {
            let mut found: Vec<String> = tickets.iter().flat_map(|ticket| comments(client, ticket)).collect();
            found.sort();
            let count = found.len();
            found.dedup();
            assert_eq!(found.len(), count, "something is there twice");
            acknowledged.iter().all(|text| found.binary_search(text).is_ok()).then_some(())
        });
    }
    let everything = |client: &mut Client| -> Vec<Vec<String>> {
        tickets.iter().map(|ticket| comments(client, ticket)).collect()
    };
    let on_customer = everything(&mut customer.client());
    agent.until("the same as the customer", |client| (everything(client) == on_customer).then_some(()));
    // It compares the admission log with the log of changes.
    let verified = server.call(&server::Verify {});
    assert_eq!(verified.problems, []);
    assert!(verified.admission_count >= acknowledged.len() as u64, "what was acknowledged was let in");
    server.stop();
    let verified = run(assistd(server.home()).args(["server", "verify"]), b"");
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

/// What the writers and the one who kills know of each other.
#[derive(Default)]
struct Desk {
    /// Texts that a daemon said are saved.
    acknowledged: Mutex<Vec<String>>,
    changed: Condvar,
    is_down: [AtomicBool; 3],
    is_over: AtomicBool,
    tried: AtomicUsize,
}

impl Desk {
    fn until_written(&self, more: usize) {
        let acknowledged = self.acknowledged.lock().unwrap();
        let wanted = acknowledged.len() + more;
        let waited =
            self.changed.wait_timeout_while(acknowledged, PATIENCE, |all| all.len() < wanted).unwrap();
        assert!(!waited.1.timed_out(), "nobody writes");
    }

    fn set_up(&self, daemon: usize, is_up: bool) {
        self.is_down[daemon].store(!is_up, Ordering::Relaxed);
        drop(self.acknowledged.lock().unwrap());
        self.changed.notify_all();
    }

    fn until_up(&self, device: usize) {
        let acknowledged = self.acknowledged.lock().unwrap();
        let is_down = |_: &mut Vec<String>| self.is_down[device].load(Ordering::Relaxed);
        drop(self.changed.wait_timeout_while(acknowledged, PATIENCE, is_down).unwrap());
    }
}

/// Writes one comment after another. What fails is not tried again: nobody said that it is saved.
fn write(desk: &Desk, device: usize, tickets: &[String], connect: &mut dyn FnMut() -> Option<Client>) {
    let mut client = None;
    while !desk.is_over.load(Ordering::Relaxed) {
        desk.until_up(device);
        let Some(mut connected) = client.take().or_else(&mut *connect) else { continue };
        let number = desk.tried.fetch_add(1, Ordering::Relaxed);
        let body = format!("device {device}, word {number:06}");
        let add = comment::Add {
            ticket: tickets[number % tickets.len()].clone(),
            body: body.clone(),
            hold_millis: Some(0),
            ..comment::Add::default()
        };
        if connected.call(&add).is_ok() {
            desk.acknowledged.lock().unwrap().push(body);
            desk.changed.notify_all();
            client = Some(connected);
        }
    }
}

fn file(device: &DaemonProcess, number: usize) -> String {
    let title = format!("It hums, {number}");
    let create = ticket::Create { title, body: "All day.".into(), ..ticket::Create::default() };
    device.call(&create).ticket.id
}

fn rows(client: &mut Client) -> Vec<ticket::TicketRow> {
    client.call(&ticket::List::default()).unwrap().tickets
}

fn comments(client: &mut Client, ticket: &str) -> Vec<String> {
    let get = ticket::Get { ticket: ticket.to_owned(), ..ticket::Get::default() };
    client.call(&get).unwrap().comments.into_iter().map(|comment| comment.body).collect()
}

const TICKETS_MIN: usize = 12;
