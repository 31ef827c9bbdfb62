//! Who stops reading is dropped; who reads slowly is not.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;

const STALL_MAX: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn write_fails_when_the_reader_has_stopped() {
    let (near, _far) = duplex(16);
    let mut guard = StallGuard::new(near, STALL_MAX);
    let error = guard.write_all(&[0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn slow_reader_gets_everything() {
    let (near, mut far) = duplex(16);
    let mut guard = StallGuard::new(near, STALL_MAX);
    let write = async {
        guard.write_all(&[7; 64]).await.unwrap();
        drop(guard);
    };
    let read = async {
        let mut received = Vec::new();
        let mut part = [0; 8];
        loop {
            sleep(STALL_MAX - Duration::from_secs(1)).await;
            match far.read(&mut part).await.unwrap() {
                0 => break received,
                size => received.extend_from_slice(&part[..size]),
            }
        }
    };
    let ((), received) = tokio::join!(write, read);
    assert_eq!(received, [7; 64]);
}

#[tokio::test(start_paused = true)]
async fn silence_between_writes_is_no_stall() {
    let (near, mut far) = duplex(16);
    let mut guard = StallGuard::new(near, STALL_MAX);
    guard.write_all(&[1; 16]).await.unwrap();
    sleep(STALL_MAX * 3).await;
    far.read_exact(&mut [0; 16]).await.unwrap();
    guard.write_all(&[2; 16]).await.unwrap();
}
