//! What subscribers get, at whatever pace they read.

use super::*;

#[tokio::test]
async fn subscriber_who_lags_behind_the_ring_is_reset_and_goes_on() {
    let feed = EventFeed::with_capacity("b", 4);
    let mut slow = feed.subscribe(None);
    for number in 1..=10 {
        feed.publish(changed(number));
    }
    assert_eq!(ids(&slow.next().await.unwrap()), ["b-0"]);
    assert_eq!(text(&slow.next().await.unwrap()), reset("b-10"));
    feed.publish(changed(11));
    assert_eq!(ids(&slow.next().await.unwrap()), ["b-11"]);
}

#[tokio::test]
async fn resuming_at_the_edge_of_the_ring_misses_nothing() {
    let feed = EventFeed::with_capacity("b", 4);
    for number in 1..=10 {
        feed.publish(changed(number));
    }
    let mut kept = feed.subscribe(Some("b-6"));
    assert_eq!(ids(&kept.next().await.unwrap()), ["b-6"]);
    assert_eq!(ids(&kept.next().await.unwrap()), ["b-7", "b-8", "b-9", "b-10"]);
    let mut forgotten = feed.subscribe(Some("b-5"));
    assert_eq!(text(&forgotten.next().await.unwrap()), reset("b-10"));
}

#[tokio::test]
async fn number_from_the_future_is_unknown() {
    let feed = EventFeed::new("b");
    feed.publish(changed(1));
    for id in ["b-2", "b-18446744073709551615", "b--1", "b-", "-1", ""] {
        let mut subscription = feed.subscribe(Some(id));
        assert_eq!(text(&subscription.next().await.unwrap()), reset("b-1"), "{id}");
    }
}

#[tokio::test]
async fn backlog_goes_out_in_bounded_writes() {
    let feed = EventFeed::new("b");
    let mut subscription = feed.subscribe(None);
    for number in 0..4_000 {
        feed.publish(changed(number));
    }
    subscription.next().await.unwrap();
    let mut received = Vec::new();
    while received.len() < 4_000 {
        let bytes = subscription.next().await.unwrap();
        assert!(bytes.len() < WRITE_BYTES + 1_000);
        received.extend(ids(&bytes));
    }
    assert_eq!(received.len(), 4_000);
    assert_eq!(received.last().unwrap(), "b-4000");
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_signs_of_life() {
    let feed = EventFeed::new("b");
    let mut subscription = feed.subscribe(None);
    subscription.next().await.unwrap();
    assert_eq!(&subscription.next().await.unwrap()[..], SIGN_OF_LIFE);
    assert_eq!(&subscription.next().await.unwrap()[..], SIGN_OF_LIFE);
}

#[tokio::test]
async fn closing_ends_every_subscription() {
    let feed = EventFeed::new("b");
    let mut subscription = feed.subscribe(None);
    feed.close();
    subscription.next().await.unwrap();
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn event_is_one_block_whatever_its_texts_hold() {
    let feed = EventFeed::new("b");
    let mut subscription = feed.subscribe(None);
    feed.publish(News::SyncChanged { project: "a\n\nid: forged\r\n".into() });
    subscription.next().await.unwrap();
    let block = text(&subscription.next().await.unwrap());
    assert_eq!(block.matches("\n\n").count(), 1);
    assert_eq!(block.lines().filter(|line| line.starts_with("id:")).count(), 1);
}

fn changed(number: u64) -> News {
    News::SyncChanged { project: number.to_string() }
}

fn reset(id: &str) -> String {
    format!("id: {id}\nevent: reset\ndata: {{\"id\":\"{id}\",\"event\":\"reset\"}}\n\n")
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn ids(bytes: &Bytes) -> Vec<String> {
    text(bytes).lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
}
