//! The REST API of a mycelium node that says what a test wants, on a thread of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Listens until it is dropped.
pub struct FakeNode {
    api: SocketAddr,
    /// `None` once it is to end.
    answer: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeNode {
    /// Listens there and answers so, whatever it is asked.
    pub fn at(api: &str, answer: String) -> Self {
        let listener = TcpListener::bind(api).expect("a place to listen");
        let api = listener.local_addr().expect("its place");
        let answer = Arc::new(Mutex::new(Some(answer)));
        let said = Arc::clone(&answer);
        let serve = move || {
            for stream in listener.incoming() {
                let Some(answer) = said.lock().expect("no thread panics with it").clone() else { return };
                let Ok(mut stream) = stream else { continue };
                // Whoever asks may have gone.
                let (mut head, mut line) = (BufReader::new(&stream), String::new());
                while head.read_line(&mut line).is_ok_and(|size| size > "\r\n".len()) {
                    line.clear();
                }
                stream.write_all(answer.as_bytes()).ok();
            }
        };
        Self { api, answer, thread: Some(std::thread::spawn(serve)) }
    }

    /// Where it listens.
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Answers otherwise from now on.
    pub fn say(&self, answer: String) {
        *self.answer.lock().expect("no thread panics with it") = Some(answer);
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        *self.answer.lock().expect("no thread panics with it") = None;
        // Wakes it.
        TcpStream::connect(self.api).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// What a node with this key and address answers.
pub fn node_answer(key: &str, address: &str) -> String {
    let groups: Vec<&str> = address.split(':').take(4).collect();
    let body = format!(
        r#"{{"nodeSubnet":"{}::/64","nodeIp":"{address}","nodePubkey":"{key}","nodeStartTime":1}}"#,
        groups.join(":")
    );
    format!(
        "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A node's key with its address.
pub const NODE: (&str, &str) = (
    "955bf6bea5e1150fd8e270c12e5b2fc08f08f7c5f3799d10550096cc137d671b",
    "514:74ce:dd13:296f:ada7:4d2e:9335:acac",
);
/// The same after it got a new key.
pub const NEW_NODE: (&str, &str) = (
    "a47c1d6f2a15b2c670d3a88fbe0aeb301ced12f7bcb4c8e3aa877b20f8559c02",
    "548:c783:d7ce:74a3:9ba1:a0cb:ae21:338d",
);
