//! Both sides of a stream over pipes that break wherever they are told to.

use std::sync::Mutex;

use assist_crdt_model::{BlobHash, DocId, ProjectId, TicketId};
use assist_proto::store::Direction;
use tokio::io::duplex;

use super::*;

/// A hub that lets everything through, and remembers what it was asked.
#[derive(Default)]
struct Open {
    asked: Mutex<Vec<BlobAsk>>,
    refuses: Option<BlobRefused>,
}

impl Door for Open {
    async fn ask(&self, ask: BlobAsk) -> Option<BlobAnswer> {
        self.asked.lock().unwrap().push(ask);
        Some(self.refuses.map_or(BlobAnswer::Granted, BlobAnswer::Refused))
    }
}

struct Pair {
    _home: tempfile::TempDir,
    device: BlobFolder,
    server: BlobFolder,
    door: Open,
}

/// How many bytes the network carries before it breaks.
#[derive(Clone, Copy)]
struct Cut {
    up: u64,
    down: u64,
}

const WHOLE: Cut = Cut { up: u64::MAX, down: u64::MAX };

impl Pair {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let device = BlobFolder::open(&home.path().join("device")).unwrap();
        let server = BlobFolder::open(&home.path().join("server")).unwrap();
        Self { _home: home, device, server, door: Open::default() }
    }

    async fn run(&self, order: TransferOrder, cut: Cut) -> TransferOutcome {
        let (device_send, server_recv) = duplex(64 * 1024);
        let (server_send, device_recv) = duplex(64 * 1024);
        let (server_recv, device_recv) = (server_recv.take(cut.up), device_recv.take(cut.down));
        let progress = Progress::default();
        let device = async {
            match order.direction {
                Direction::Send => send(device_send, device_recv, &self.device, order, &progress).await,
                Direction::Fetch => fetch(device_send, device_recv, &self.device, order, &progress).await,
            }
        };
        let (outcome, ()) = tokio::join!(device, serve(server_send, server_recv, &self.server, &self.door));
        outcome
    }

    fn asked(&self) -> Vec<BlobAsk> {
        std::mem::take(&mut self.door.asked.lock().unwrap())
    }
}

fn noise(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut bytes);
    bytes
}

fn keep(folder: &BlobFolder, bytes: &[u8]) -> BlobHash {
    let mut intake = folder.take_in(u64::MAX).unwrap();
    intake.write(bytes).unwrap();
    intake.finish().unwrap().blob()
}

fn order(direction: Direction, blob: BlobHash, size: usize) -> TransferOrder {
    let place = BlobPlace { doc: DocId::Ticket(TicketId::from_bytes([1; 16])), blob };
    TransferOrder { project: ProjectId::from_bytes([2; 32]), direction, place, size_bytes: size as u64 }
}

fn whole(folder: &BlobFolder, blob: BlobHash) -> Vec<u8> {
    let reading = folder.read(blob).unwrap();
    (0..reading.pieces().count()).flat_map(|index| reading.piece(index).unwrap()).collect()
}

#[tokio::test]
async fn blobs_of_all_sizes_go_up_and_down() {
    for size in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES] {
        let pair = Pair::new();
        let bytes = noise(size);
        let blob = keep(&pair.device, &bytes);
        assert_eq!(pair.run(order(Direction::Send, blob, size), WHOLE).await, TransferOutcome::Done);
        assert_eq!(whole(&pair.server, blob), bytes);
        assert!(matches!(pair.asked()[..], [BlobAsk::Store { .. }, BlobAsk::Stored { .. }]));
        pair.device.remove(blob).unwrap();
        assert_eq!(pair.run(order(Direction::Fetch, blob, size), WHOLE).await, TransferOutcome::Done);
        assert_eq!(whole(&pair.device, blob), bytes);
        assert!(matches!(pair.asked()[..], [BlobAsk::Fetch { .. }]));
        assert_eq!(pair.run(order(Direction::Fetch, blob, size), WHOLE).await, TransferOutcome::Done);
        assert_eq!(pair.asked(), [], "what is here is not asked for");
    }
}

#[tokio::test]
async fn upload_that_breaks_at_any_piece_goes_on_from_there() {
    let count = 5;
    let bytes = noise(count * PIECE_BYTES - 11);
    for pieces in 0..count {
        for extra in [0, 1, 70_000] {
            let pair = Pair::new();
            let blob = keep(&pair.device, &bytes);
            let order = order(Direction::Send, blob, bytes.len());
            let request = StoreBlob {
                project: order.project,
                place: order.place,
                size_bytes: order.size_bytes,
                list: pair.device.read(blob).unwrap().pieces().list(),
            };
            let head = 4 + codec::encode(&BlobRequest::Store(request)).len();
            let cut = Cut { up: (head + pieces * PIECE_BYTES + extra) as u64, ..WHOLE };
            assert_eq!(pair.run(order, cut).await, TransferOutcome::Broken);
            assert_eq!(pair.server.held(order.place) as usize, pieces);
            assert_eq!(pair.server.size_of(blob).unwrap(), None, "nothing has its name before it is whole");
            pair.asked();
            assert_eq!(pair.run(order, WHOLE).await, TransferOutcome::Done);
            let BlobAsk::Store { missing_bytes, .. } = pair.asked()[0] else { panic!("it stores first") };
            assert_eq!(missing_bytes as usize, bytes.len() - pieces * PIECE_BYTES);
            assert_eq!(whole(&pair.server, blob), bytes);
        }
    }
}

#[tokio::test]
async fn download_that_breaks_at_any_piece_goes_on_from_there() {
    let count = 5;
    let bytes = noise(count * PIECE_BYTES - 11);
    for pieces in 0..count {
        let pair = Pair::new();
        let blob = keep(&pair.server, &bytes);
        let order = order(Direction::Fetch, blob, bytes.len());
        let list = pair.server.read(blob).unwrap().pieces().list();
        let head =
            4 + codec::encode(&BlobReply::Pieces(PieceList { size_bytes: order.size_bytes, list })).len();
        let cut = Cut { down: (head + pieces * PIECE_BYTES + 500) as u64, ..WHOLE };
        assert_eq!(pair.run(order, cut).await, TransferOutcome::Broken);
        assert_eq!(pair.device.held(order.place) as usize, pieces);
        let rest = Cut { down: (head + bytes.len() - pieces * PIECE_BYTES) as u64, ..WHOLE };
        assert_eq!(pair.run(order, rest).await, TransferOutcome::Done, "no byte comes twice");
        assert_eq!(whole(&pair.device, blob), bytes);
    }
}

#[tokio::test]
async fn refusals_reach_the_device() {
    for code in [BlobCode::Absent, BlobCode::TooLarge, BlobCode::Quota] {
        let mut pair = Pair::new();
        let refused = BlobRefused { code, wait_millis: Some(7) };
        pair.door.refuses = Some(refused);
        let bytes = noise(3 * PIECE_BYTES);
        let blob = keep(&pair.device, &bytes);
        let sent = pair.run(order(Direction::Send, blob, bytes.len()), WHOLE).await;
        assert_eq!(sent, TransferOutcome::Refused(refused));
        pair.device.remove(blob).unwrap();
        keep(&pair.server, &bytes);
        let fetched = pair.run(order(Direction::Fetch, blob, bytes.len()), WHOLE).await;
        assert_eq!(fetched, TransferOutcome::Refused(refused));
        assert_eq!(pair.device.size_of(blob).unwrap(), None);
    }
}

#[tokio::test]
async fn absent_and_forbidden_are_the_same_bytes() {
    let bytes = noise(100);
    let mut heard = Vec::new();
    for is_there in [true, false] {
        let mut pair = Pair::new();
        let blob = keep(&pair.device, &bytes);
        if is_there {
            keep(&pair.server, &bytes);
            pair.door.refuses = Some(BlobRefused::new(BlobCode::Absent));
        }
        let place = order(Direction::Fetch, blob, 100).place;
        let request = FetchBlob { project: ProjectId::from_bytes([2; 32]), place, from: 0 };
        let (mut device_send, server_recv) = duplex(64 * 1024);
        let (server_send, mut device_recv) = duplex(64 * 1024);
        write_frame(&mut device_send, &BlobRequest::Fetch(request)).await.unwrap();
        serve(server_send, server_recv, &pair.server, &pair.door).await;
        let mut said = Vec::new();
        device_recv.read_to_end(&mut said).await.unwrap();
        heard.push(said);
    }
    assert_eq!(heard[0], heard[1]);
}

#[tokio::test]
async fn bytes_that_are_not_the_blob_are_never_kept() {
    let pair = Pair::new();
    let bytes = noise(3 * PIECE_BYTES);
    let blob = keep(&pair.device, &bytes);
    let reading = pair.device.read(blob).unwrap();
    let (project, place) = (ProjectId::from_bytes([2; 32]), order(Direction::Send, blob, 0).place);
    let (size_bytes, list) = (bytes.len() as u64, reading.pieces().list());
    let (mut device_send, server_recv) = duplex(4 * 1024 * 1024);
    let (server_send, mut device_recv) = duplex(64 * 1024);
    write_frame(&mut device_send, &BlobRequest::Store(StoreBlob { project, place, size_bytes, list }))
        .await
        .unwrap();
    let mut wrong = bytes.clone();
    wrong[PIECE_BYTES + 5] ^= 1;
    device_send.write_all(&wrong).await.unwrap();
    serve(server_send, server_recv, &pair.server, &pair.door).await;
    assert!(matches!(read_frame(&mut device_recv).await, Ok(BlobReply::Send(SendFrom { from: 0 }))));
    let refused: BlobReply = read_frame(&mut device_recv).await.unwrap();
    assert_eq!(refused, BlobReply::Refused(BlobRefused::new(BlobCode::Protocol)));
    assert_eq!(pair.server.held(place), 1, "what was right before it stays");
    assert_eq!(pair.server.size_of(blob).unwrap(), None);
}

#[tokio::test]
async fn damaged_bytes_of_this_device_are_not_sent() {
    let pair = Pair::new();
    let bytes = noise(100);
    let other = keep(&pair.device, b"other");
    let gone =
        pair.run(order(Direction::Send, BlobHash::from_bytes(*blake3::hash(&bytes).as_bytes()), 100), WHOLE);
    assert_eq!(gone.await, TransferOutcome::Gone);
    assert_eq!(pair.asked(), []);
    assert_eq!(pair.run(order(Direction::Send, other, 5), WHOLE).await, TransferOutcome::Done);
}

#[tokio::test]
async fn rubbish_on_a_stream_is_refused_within_its_bound() {
    for rubbish in [&b"\xff\xff\xff\xff"[..], b"\0\0\0\x02\xff\xff", b"\0"] {
        let pair = Pair::new();
        let (mut device_send, server_recv) = duplex(1024);
        let (server_send, mut device_recv) = duplex(1024);
        device_send.write_all(rubbish).await.unwrap();
        drop(device_send);
        serve(server_send, server_recv, &pair.server, &pair.door).await;
        let said: BlobReply = read_frame(&mut device_recv).await.unwrap();
        assert_eq!(said, BlobReply::Refused(BlobRefused::new(BlobCode::Protocol)));
        assert_eq!(pair.asked(), []);
    }
}
