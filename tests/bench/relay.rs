//! The floor of bulk transfer: frames from one peer through a server to another, stored durably at both, nothing
//! checked and nothing understood.

use std::path::Path;
use std::time::{Duration, Instant};

use quinn::{RecvStream, SendStream};
use redb::{Database, Durability, TableDefinition};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::floor::{bare_client, bare_server};

/// Sends so many bytes in so many frames; returns how long it took until the far end had stored the last.
pub(crate) fn relay(runtime: &Runtime, folder: &Path, bytes: u64, frames: u64) -> anyhow::Result<Duration> {
    let job = Job { frame_bytes: usize::try_from(bytes / frames)?, frames };
    let (at_server, at_end) =
        (Database::create(folder.join("relay-1"))?, Database::create(folder.join("relay-2"))?);
    runtime.block_on(runtime.spawn(async move {
        let server = bare_server(0)?;
        let address = server.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(job.serve(server, at_server));
        let (sender, receiver) = (bare_client(3)?, bare_client(4)?);
        // The receiver first: the server hands to whoever came before.
        let to_receiver = receiver.connect(address, "assist")?.await?;
        let (mut hello, from_server) = to_receiver.open_bi().await?;
        hello.write_all(&[1]).await?;
        let to_server = sender.connect(address, "assist")?.await?;
        let (mut send, _) = to_server.open_bi().await?;
        let began = Instant::now();
        tasks.spawn(async move {
            for _ in 0..job.frames {
                send.write_all(&vec![7; job.frame_bytes]).await?;
            }
            send.finish()?;
            Ok(())
        });
        job.store(from_server, None, &at_end).await?;
        Ok(began.elapsed())
    }))?
}

#[derive(Clone, Copy)]
struct Job {
    frame_bytes: usize,
    frames: u64,
}

impl Job {
    async fn serve(self, endpoint: quinn::Endpoint, database: Database) -> anyhow::Result<()> {
        let mut peers = Vec::new();
        while peers.len() < 2 {
            let Some(incoming) = endpoint.accept().await else { return Ok(()) };
            let connection = incoming.await?;
            let stream = connection.accept_bi().await?;
            peers.push((connection, stream));
        }
        let Some((_sender, (_, from_sender))) = peers.pop() else { return Ok(()) };
        let Some((receiver, (to_receiver, _))) = peers.pop() else { return Ok(()) };
        self.store(from_sender, Some(to_receiver), &database).await?;
        receiver.closed().await;
        Ok(())
    }

    /// Commits each frame, then passes it on.
    async fn store(
        self,
        mut from: RecvStream,
        mut to: Option<SendStream>,
        database: &Database,
    ) -> anyhow::Result<()> {
        let mut frame = vec![0; self.frame_bytes];
        for number in 0..self.frames {
            from.read_exact(&mut frame).await?;
            let mut transaction = database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            let mut table = transaction.open_table(ROWS)?;
            for (index, row) in frame.chunks(ROW_BYTES).enumerate() {
                table.insert(number << 32 | index as u64, row)?;
            }
            drop(table);
            transaction.commit()?;
            if let Some(to) = &mut to {
                to.write_all(&frame).await?;
            }
        }
        Ok(())
    }
}

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
/// A signed change with its places is about so large.
const ROW_BYTES: usize = 600;
