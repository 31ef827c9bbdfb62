//! The question over a real socket, to things that are nodes and things that are not.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::super::fake_node::{ADDRESS, FakeNode, KEY, node_answer};
use super::*;

/// Longer than any answer here takes.
const PATIENCE: Duration = Duration::from_secs(10);

async fn asked(answer: impl Into<Vec<u8>>) -> Result<NodeInfo, AskError> {
    ask(FakeNode::saying(answer).await.api, PATIENCE).await
}

#[tokio::test]
async fn a_node_is_heard() {
    let info = asked(node_answer(KEY, ADDRESS)).await.unwrap();
    assert_eq!(info.address.to_string(), ADDRESS);
    // As an old server of HTTP has it: the body ends with the connection.
    let plain = node_answer(KEY, ADDRESS).replace("content-length", "x-length");
    asked(plain).await.unwrap();
}

#[tokio::test]
async fn what_is_no_node_is_told_apart_and_bounded() {
    let head = "HTTP/1.1 200 OK\r\n";
    assert_eq!(asked("").await, Err(AskError::Silent));
    assert_eq!(asked("SSH-2.0-OpenSSH_9.9\r\n").await, Err(AskError::NotHttp));
    assert_eq!(asked(head).await, Err(AskError::NotHttp));
    assert_eq!(asked("HTTP/1.1 404 Not Found\r\n\r\n").await, Err(AskError::Status(404)));
    assert_eq!(asked(format!("{head}content-length: 99\r\n\r\n{{")).await, Err(AskError::Silent));
    assert_eq!(asked(format!("{head}content-length: -1\r\n\r\n{{}}")).await, Err(AskError::NotHttp));
    assert!(matches!(asked(format!("{head}\r\nhello")).await, Err(AskError::Info(_))));
    assert_eq!(asked(vec![b'a'; 4 * ANSWER_BYTES_MAX]).await, Err(AskError::TooLong));
    let fields = "a: b\r\n".repeat(HEAD_FIELDS_MAX + 1);
    assert_eq!(asked(format!("{head}{fields}\r\n{{}}")).await, Err(AskError::NotHttp));
}

#[tokio::test]
async fn nobody_and_one_who_says_nothing_are_told_apart() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let api = listener.local_addr().unwrap();
    assert_eq!(ask(api, Duration::from_millis(50)).await, Err(AskError::Silent));
    drop(listener);
    assert!(matches!(ask(api, PATIENCE).await, Err(AskError::Nobody(_))));
}
