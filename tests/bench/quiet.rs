//! A device comes back that holds many tickets, and nothing is new: one round trip, a few bytes, no document opened.
//!
//! The time is of real daemons over QUIC. Bytes, round trips and documents are counted on the two machines alone,
//! with the same stores, where nothing but their messages is under way; nothing that they write is kept.

use anyhow::{Context as _, ensure};
use assist_crdt_model::{DeviceId, UnixMillis};
use assist_daemon::device_key::DeviceKey;
use assist_proto::hub::{
    Action, CallId, Command, DeviceHub, DeviceInput, DialId, LinkId, ServerHub, ServerInput,
};
use assist_proto::wire;
use assist_tests::counting::{CountingDevice, CountingServer};
use bytes::Bytes;

use crate::Bench;
use crate::floor::Echo;
use crate::measure::{Spread, timed, unix_millis};
use crate::node::{Node, scratch};
use crate::people::Registry;
use crate::prepared::{Prepared, readdress};
use crate::report::{Goal, Row, Unit, millis};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let tickets = bench.scale.of(100_000);
    let prepared = Prepared::with(bench, tickets)?;
    let folder = scratch()?;
    let (at_server, at_agent) = (folder.path().join("s"), folder.path().join("a"));
    prepared.copy_server(&at_server)?;
    prepared.copy_agent(&at_agent)?;
    let server = Node::server(&bench.runtime, &at_server)?;
    let agent = Node::device(&bench.runtime, &at_agent)?;
    readdress(&agent, &server.address()?)?;
    agent.stop()?;
    let agent = Node::device(&bench.runtime, &at_agent)?;
    let counted = Exchange::run(&server, &agent)?;

    let echo = Echo::start(&bench.runtime)?;
    let (mut times, mut connects) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        connects.extend(echo.connects(1)?);
        times.push(
            timed(|| {
                agent.resume()?;
                agent.until("in step", |view| Ok(view.is_in_step()))
            })?
            .0,
        );
        agent.pause()?;
    }
    agent.stop()?;
    server.stop()?;
    let count = |what: &str, value: u64| Row::one(NAME, what, Unit::Count, value as f64);
    let bytes = |what: &str, value: usize| Row::one(NAME, what, Unit::Bytes, value as f64);
    Ok(vec![
        Row::spread(NAME, format!("{tickets} tickets, nothing new: resume -> in step"), &Spread::of(times))
            .over(millis(Spread::of(connects).p50)),
        count("  round trips", counted.round_trips).goal(Goal::AtMost(1.0)),
        bytes("  payload up", counted.up_bytes).goal(Goal::AtMost(512.0)),
        bytes("  payload down", counted.down_bytes).goal(Goal::AtMost(512.0)),
        count("  documents opened", counted.opened).goal(Goal::AtMost(0.0)),
    ])
}

/// What went between two machines.
#[derive(Default)]
struct Exchange {
    round_trips: u64,
    up_bytes: usize,
    down_bytes: usize,
    opened: u64,
}

impl Exchange {
    /// Lets the device resume and talks until both are silent.
    fn run(server: &Node<'_>, agent: &Node<'_>) -> anyhow::Result<Self> {
        let now = UnixMillis(unix_millis());
        let registry = Registry::open(server.home(), server.store())?;
        let key = DeviceKey::load(&agent.home().join("device.key"))?;
        let (mut at_device, mut at_server) = (agent.store().begin_turn()?, server.store().begin_turn()?);
        let mut device_store = CountingDevice::new(&mut at_device);
        let mut server_store = CountingServer::new(&mut at_server);
        let mut device = DeviceHub::open(now, key.signing_key().clone(), [1; 32], true, &mut device_store)?;
        let mut server = ServerHub::open(registry.node.clone(), [2; 32], &server_store)?
            .context("the server has a project")?;
        let resume = DeviceInput::Command { call: CallId(1), command: Command::Resume(None) };
        device.handle(now, resume, &mut device_store)?;
        let dial = device.take_actions().iter().find_map(dial_in).context("the device dials")?;
        let node = DeviceId::from_bytes(registry.node.verifying_key().to_bytes());
        device.handle(now, DeviceInput::Opened { dial, link: LINK, peer: node }, &mut device_store)?;
        server.handle(now, ServerInput::Opened { link: LINK, peer: key.device_id() }, &mut server_store)?;
        let mut exchange = Self::default();
        loop {
            device.finish_turn(&mut device_store)?;
            let up = frames(device.take_actions());
            if up.is_empty() {
                break;
            }
            exchange.round_trips += 1;
            exchange.up_bytes += size_of_all(&up);
            for frame in up {
                let message = Box::new(wire::receive(&frame)?);
                server.handle(now, ServerInput::Received { link: LINK, message }, &mut server_store)?;
            }
            server.finish_turn(&mut server_store)?;
            let down = frames(server.take_actions());
            exchange.down_bytes += size_of_all(&down);
            for frame in down {
                let message = Box::new(wire::receive(&frame)?);
                device.handle(now, DeviceInput::Received { link: LINK, message }, &mut device_store)?;
            }
        }
        ensure!(exchange.down_bytes > 0, "the server did not answer");
        exchange.opened = device_store.opened.get() + server_store.opened.get();
        Ok(exchange)
    }
}

fn dial_in(action: &Action) -> Option<DialId> {
    match action {
        Action::Dial { dial, .. } => Some(*dial),
        _ => None,
    }
}

fn frames(actions: Vec<Action>) -> Vec<Bytes> {
    actions
        .into_iter()
        .filter_map(|action| match action {
            Action::Send { frame, .. } => Some(frame),
            _ => None,
        })
        .collect()
}

fn size_of_all(frames: &[Bytes]) -> usize {
    frames.iter().map(Bytes::len).sum()
}

const NAME: &str = "reconnect";
const LINK: LinkId = LinkId(1);
const ROUNDS: usize = 30;
