//! Search over what devices hold: new words, notes, what was taken back, and an index that is gone or damaged.

use std::fs;
use std::path::PathBuf;

use assist_proto::api::ErrorCode;
use assist_proto::api::comment::Add;
use assist_proto::api::project::Leave;
use assist_proto::api::search::{Part, Query, Results};
use assist_proto::api::sync::WaitUntil;
use assist_proto::api::ticket::{Bulk, List};
use assist_proto::api::{note, ticket};

use super::world::{Node, World};

async fn search(node: &Node, query: &str) -> Results {
    node.call(Query { query: query.into(), ..Query::default() }).await
}

async fn titles(node: &Node, query: &str) -> Vec<String> {
    let found = search(node, query).await;
    assert_eq!(found.results.len() as u64, found.total, "{query}");
    found.results.into_iter().map(|result| result.ticket.title).collect()
}

async fn comment(node: &Node, ticket: &str, body: &str) {
    node.call(Add { ticket: ticket.into(), body: body.into(), ..Add::default() }).await;
}

#[tokio::test]
async fn what_was_written_is_found_at_once_and_after_it_was_indexed() {
    let world = World::new().await;
    let filed = world.customer.file("The printer burns").await;
    let id = filed.ticket.id.clone();
    comment(&world.customer, &id, "It began with a xylophone sound").await;
    for _ in 0..2 {
        assert_eq!(titles(&world.customer, "xylophone").await, ["The printer burns"]);
        assert_eq!(titles(&world.customer, "xylophon").await, ["The printer burns"]);
        assert_eq!(titles(&world.customer, "\"a xylophone sound\" printer").await, ["The printer burns"]);
        assert_eq!(titles(&world.customer, "-xylophone").await, Vec::<String>::new());
        assert_eq!(titles(&world.customer, "zither").await, Vec::<String>::new());
        world.customer.settle().await;
    }
    let found = search(&world.customer, "xylophone").await;
    let snippet = &found.results[0].snippets[0];
    assert_eq!((snippet.part, snippet.text.as_str()), (Part::Comment, "It began with a xylophone sound"));
    assert!(found.is_complete && snippet.comment.is_some());
    let place = snippet.highlights[0];
    assert_eq!((place.start, place.end), (16, 25));
    // Lists ask the same texts.
    let list = List { query: Some("xylophone is:open sort:relevance".into()), ..List::default() };
    assert_eq!(world.customer.call(list).await.total, 1);
}

#[tokio::test]
async fn notes_are_found_by_the_team_alone() {
    let world = World::new().await;
    let filed = world.customer.file("Burns").await;
    world.customer.wait(&[&filed.change], WaitUntil::Delivered).await;
    let id = filed.ticket.id.clone();
    let noted = world
        .agent
        .call(note::Add { ticket: id.clone(), body: "a quicksilver secret".into(), ..note::Add::default() })
        .await;
    world.agent.wait(&[&noted.change], WaitUntil::Server).await;
    comment(&world.agent, &id, "we look at it").await;
    assert_eq!(titles(&world.agent, "quicksilver").await, ["Burns"]);
    let found = search(&world.agent, "quicksilver").await;
    assert_eq!(found.results[0].snippets[0].part, Part::Note);
    // What the customer waits for came after the note.
    let look = Query { query: "look".into(), ..Query::default() };
    world.customer.until(look, |found| found.total == 1).await;
    assert_eq!(titles(&world.customer, "look").await, ["Burns"]);
    assert_eq!(titles(&world.customer, "quicksilver").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_index_that_is_missing_damaged_or_of_another_version_is_made_anew() {
    let world = World::new().await;
    world.customer.file("The printer burns").await;
    let mut node = world.customer;
    node.settle().await;
    for harm in 0..4 {
        node = node
            .restart_after(|home| {
                let folder = home.join("search/index");
                let files: Vec<PathBuf> =
                    fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
                match harm {
                    0 => fs::remove_dir_all(home.join("search")).unwrap(),
                    1 => {
                        let terms = files.iter().find(|path| path.extension().is_some_and(|e| e == "term"));
                        let terms = terms.unwrap();
                        let mut bytes = fs::read(terms).unwrap();
                        let middle = bytes.len() / 2;
                        bytes[middle] ^= 0x40;
                        fs::write(terms, bytes).unwrap();
                    }
                    2 => {
                        let meta = folder.join("meta.json");
                        let text = fs::read_to_string(&meta).unwrap();
                        fs::write(&meta, text.replace("assist-search-1 ", "assist-search-0 ")).unwrap();
                    }
                    _ => fs::write(folder.join("meta.json"), b"{").unwrap(),
                }
            })
            .await;
        node.settle().await;
        assert_eq!(titles(&node, "printer").await, ["The printer burns"], "harm {harm}");
    }
}

#[tokio::test]
async fn a_project_that_was_left_leaves_nothing_in_the_index() {
    let world = World::new().await;
    let filed = world.customer.file("canaryword in the title").await;
    world.customer.wait(&[&filed.change], WaitUntil::Server).await;
    world.customer.settle().await;
    assert_eq!(titles(&world.customer, "canaryword").await.len(), 1);
    assert_eq!(world.customer.index_traces("canaryword"), 1);
    let project = filed.ticket.project.clone();
    world.customer.call(Leave { project, force: false }).await;
    assert_eq!(titles(&world.customer, "canaryword").await.len(), 0);
    world.customer.settle().await;
    assert_eq!(world.customer.index_traces("canaryword"), 0);
}

#[tokio::test]
async fn bad_queries_are_pointed_at_and_windows_are_bounded() {
    let world = World::new().await;
    let ask = |query: &str| Query { query: query.into(), ..Query::default() };
    let error = world.customer.fail(ask("is:open lable:crash")).await;
    assert_eq!((error.code, error.data.reason.as_str()), (ErrorCode::InvalidParams, "bad_query"));
    assert!(error.message.contains("at character 9"), "{}", error.message);
    assert!(world.customer.fail(ask("&")).await.message.contains("no word"));
    let error = world.customer.fail(Query { limit: Some(101), ..ask("x") }).await;
    assert_eq!(error.data.reason, "page_too_large");
    let error = world.customer.fail(Query { offset: Some(10_001), ..ask("x") }).await;
    assert_eq!(error.data.reason, "offset_too_large");
}

#[tokio::test]
async fn results_come_in_windows_and_rows_filter_before_they_are_counted() {
    let world = World::new().await;
    for title in ["crash one", "crash two", "crash three", "burn four"] {
        let filed = world.customer.file(title).await;
        world.customer.wait(&[&filed.change], WaitUntil::Delivered).await;
    }
    for _ in 0..2 {
        let whole = search(&world.customer, "crash").await;
        assert_eq!((whole.total, whole.results.len()), (3, 3));
        let window = Query { query: "crash".into(), limit: Some(1), offset: Some(1), ..Query::default() };
        let window = world.customer.call(window).await;
        assert_eq!((window.total, window.results.len()), (3, 1));
        assert_eq!(window.results[0], whole.results[1]);
        assert_eq!(search(&world.customer, "crash is:closed").await.total, 0);
        assert_eq!(
            titles(&world.customer, "crash -two sort:created-asc").await,
            ["crash one", "crash three"]
        );
        assert_eq!(search(&world.customer, "is:open").await.total, 4);
        world.customer.settle().await;
    }
}

#[tokio::test]
async fn what_is_changed_by_a_query_stands_there_to_the_letter() {
    let world = World::new().await;
    world.customer.file("a crash").await;
    world.customer.file("a clash").await;
    let bulk = |query: &str| Bulk {
        query: Some(query.into()),
        is_dry_run: true,
        set: ticket::FieldValues { status: Some(ticket::Status::Closed), ..Default::default() },
        ..Bulk::default()
    };
    assert_eq!(search(&world.customer, "crash").await.total, 2);
    assert_eq!(world.customer.call(bulk("crash")).await.tickets.len(), 1);
}
