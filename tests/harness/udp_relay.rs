//! A bad line between real processes: a UDP relay that delays, loses, doubles and reorders packets.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::dice::Dice;

/// What becomes of packets, each way.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The least that each is late.
    pub delay: Duration,
    /// How much more it may be: those that are later than ones behind them come out of order.
    pub jitter: Duration,
    /// Of a hundred, how many are lost.
    pub lost_percent: u64,
    /// Of a hundred, how many come twice.
    pub doubled_percent: u64,
}

/// Relays until it is dropped.
pub struct UdpRelay {
    address: SocketAddr,
    /// Ends all its tasks with it.
    _runtime: Runtime,
}

impl UdpRelay {
    /// Puts a line in front of a server. The seed decides what becomes of the packets.
    pub fn before(target: SocketAddr, line: Line, seed: u64) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
        let front = runtime.block_on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))).expect("a socket");
        let address = front.local_addr().expect("its address");
        let relay = relay(Arc::new(front), target, line, Dice::new(seed));
        // Owned by the runtime, which ends before the test does.
        drop(runtime.handle().spawn(relay));
        Self { address, _runtime: runtime }
    }

    /// Where it takes packets for the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Gives each sender a socket of its own towards the server, so that answers find back.
async fn relay(front: Arc<UdpSocket>, target: SocketAddr, line: Line, mut dice: Dice) {
    let mut back_by_client: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut ways_back = JoinSet::new();
    let mut under_way = JoinSet::new();
    let mut packet = [0; PACKET_BYTES];
    loop {
        // A client that has gone makes an error of what was sent to it: no matter.
        let Ok((size, client)) = front.recv_from(&mut packet).await else { continue };
        let back = match back_by_client.get(&client) {
            Some(back) => Arc::clone(back),
            None => {
                let back = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
                back.connect(target).await.expect("a target");
                let back = Arc::new(back);
                back_by_client.insert(client, Arc::clone(&back));
                let seed = u64::from_le_bytes(dice.bytes());
                ways_back.spawn(way_back(
                    Arc::clone(&back),
                    Arc::clone(&front),
                    client,
                    line,
                    Dice::new(seed),
                ));
                back
            }
        };
        line.carry(&mut dice, &mut under_way, &packet[..size], move |bytes| {
            let back = Arc::clone(&back);
            async move { drop(back.send(&bytes).await) }
        });
    }
}

async fn way_back(
    back: Arc<UdpSocket>,
    front: Arc<UdpSocket>,
    client: SocketAddr,
    line: Line,
    mut dice: Dice,
) {
    let mut under_way = JoinSet::new();
    let mut packet = [0; PACKET_BYTES];
    loop {
        let Ok(size) = back.recv(&mut packet).await else { continue };
        line.carry(&mut dice, &mut under_way, &packet[..size], |bytes| {
            let front = Arc::clone(&front);
            async move { drop(front.send_to(&bytes, client).await) }
        });
    }
}

impl Line {
    /// Has a packet arrive late, twice or never.
    fn carry<F: Future<Output = ()> + Send + 'static>(
        &self,
        dice: &mut Dice,
        under_way: &mut JoinSet<()>,
        packet: &[u8],
        send: impl Fn(Vec<u8>) -> F,
    ) {
        while under_way.try_join_next().is_some() {}
        let mut is_hit = |percent: u64| dice.between(1, 100) <= percent;
        if is_hit(self.lost_percent) {
            return;
        }
        let copies = if is_hit(self.doubled_percent) { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = u64::try_from(self.jitter.as_micros()).unwrap_or(u64::MAX - 1);
            let delay = self.delay + Duration::from_micros(dice.between(0, jitter));
            let arrive = send(packet.to_vec());
            under_way.spawn(async move {
                sleep(delay).await;
                arrive.await;
            });
        }
    }
}

/// The largest that UDP has.
const PACKET_BYTES: usize = 65_535;
