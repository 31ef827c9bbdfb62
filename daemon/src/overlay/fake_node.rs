//! A node's API that says what a test wants.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Listens on loopback until it is dropped.
pub(crate) struct FakeNode {
    pub(crate) api: SocketAddr,
    answer: Arc<Mutex<Vec<u8>>>,
    task: JoinSet<()>,
}

/// A key with the address that follows from it.
pub(crate) const KEY: &str = "955bf6bea5e1150fd8e270c12e5b2fc08f08f7c5f3799d10550096cc137d671b";
pub(crate) const ADDRESS: &str = "514:74ce:dd13:296f:ada7:4d2e:9335:acac";
pub(crate) const OTHER_KEY: &str = "a47c1d6f2a15b2c670d3a88fbe0aeb301ced12f7bcb4c8e3aa877b20f8559c02";
pub(crate) const OTHER_ADDRESS: &str = "548:c783:d7ce:74a3:9ba1:a0cb:ae21:338d";

impl FakeNode {
    /// Answers with these bytes, whatever it is asked.
    pub(crate) async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let api = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(answer.into()));
        let mut task = JoinSet::new();
        task.spawn(serve(listener, Arc::clone(&answer)));
        Self { api, answer, task }
    }

    /// Answers otherwise from now on.
    pub(crate) fn say(&self, answer: impl Into<Vec<u8>>) {
        *self.answer.lock().unwrap() = answer.into();
    }

    /// Returns once nobody listens any more.
    pub(crate) async fn stop(mut self) {
        self.task.shutdown().await;
    }
}

async fn serve(listener: TcpListener, answer: Arc<Mutex<Vec<u8>>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = answer.lock().unwrap().clone();
        let (mut head, mut line) = (BufReader::new(&mut stream), String::new());
        while head.read_line(&mut line).await.is_ok_and(|size| size > "\r\n".len()) {
            line.clear();
        }
        // Whoever asks may have enough before the end.
        stream.write_all(&answer).await.ok();
    }
}

/// What a node with this key and address answers.
pub(crate) fn node_answer(key: &str, address: &str) -> String {
    let groups: Vec<&str> = address.split(':').take(4).collect();
    let body =
        format!(r#"{{"nodeSubnet":"{}::/64","nodeIp":"{address}","nodePubkey":"{key}"}}"#, groups.join(":"));
    format!(
        "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
