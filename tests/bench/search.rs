//! Search among many tickets: one word, two words, the beginning of one; what was just written; the first query after
//! a start; lists with conditions; the size of the index.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use assist_proto::api::{comment, search, ticket};
use assist_proto::client::Client;

use crate::Bench;
use crate::measure::{Spread, timed};
use crate::node::{PATIENCE, scratch};
use crate::prepared::{Prepared, Vocabulary};
use crate::program::Process;
use crate::report::{Goal, Row, Unit};
use crate::work::{TICKET_TEXT_CHARS, Writer};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let tickets = bench.scale.of(100_000);
    let prepared = Prepared::with_words(bench, tickets, Vocabulary::Wide)?;
    let folder = scratch()?;
    let home = folder.path().join("a");
    prepared.copy_agent(&home)?;
    let process = Process::device(&home)?;
    let (build, ()) = timed(|| until_complete(&process))?;
    process.stop()?;
    let mut writer = Writer::wide(23);
    let mut firsts = Vec::new();
    for _ in 0..STARTS {
        let process = Process::device(&home)?;
        let mut client = process.client()?;
        firsts.push(ask(&mut client, &writer.rare_word(), true)?);
        process.stop()?;
    }
    let process = Process::device(&home)?;
    let mut client = process.client()?;
    let rounds = usize::try_from(bench.scale.of(2_000))?;
    let mut words = times(rounds, || ask(&mut client, &writer.rare_word(), false))?;
    words.extend(times(rounds / 10, || ask(&mut client, &writer.common_word(), false))?);
    let pairs =
        times(rounds, || ask(&mut client, &format!("{} {}", writer.rare_word(), writer.rare_word()), false))?;
    let prefixes = times(rounds, || ask(&mut client, &format!("{}*", &writer.rare_word()[..4]), false))?;
    let lists = times(rounds / 10, || list(&mut client, &mut writer))?;
    let news = times(NEWS, || news(&mut client, &mut writer))?;
    let text_bytes = tickets * TICKET_TEXT_CHARS as u64;
    let ratio = folder_bytes(&home.join("search"))? as f64 / text_bytes as f64;
    process.stop()?;
    let spread = |what: &str, times: Vec<Duration>| Row::spread(NAME, what, &Spread::of(times));
    Ok(vec![
        spread(&format!("{tickets} tickets: one word (goal: p99 at most 5 ms)"), words),
        spread("two words (goal: p99 at most 5 ms)", pairs),
        spread("the beginning of a word (goal: p99 at most 5 ms)", prefixes),
        spread("a list with conditions (goal: p99 at most 10 ms)", lists),
        spread("a new comment is found, from its answer on", news).goal(Goal::AtMost(100.0)),
        spread("first query after a start", firsts).goal(Goal::AtMost(20.0)),
        Row::one(NAME, "index, for each byte of text", Unit::Ratio, ratio).goal(Goal::AtMost(0.3)),
        Row::time(NAME, "the index is made from nothing", build),
    ])
}

fn times(count: usize, mut run: impl FnMut() -> anyhow::Result<Duration>) -> anyhow::Result<Vec<Duration>> {
    (0..count.max(1)).map(|_| run()).collect()
}

fn query(text: &str) -> search::Query {
    search::Query { query: text.to_owned(), limit: Some(ROWS), ..search::Query::default() }
}

fn ask(client: &mut Client, text: &str, is_first: bool) -> anyhow::Result<Duration> {
    let (time, found) = timed(|| Ok(client.call(&query(text))?))?;
    ensure!(found.is_complete || is_first, "the index is not complete");
    Ok(time)
}

fn list(client: &mut Client, writer: &mut Writer) -> anyhow::Result<Duration> {
    let text = match writer.dice().between(0, 4) {
        0 => "is:open assignee:none sort:created".to_owned(),
        1 => "is:active label:crash -is:snoozed".to_owned(),
        2 => format!("{} is:open", writer.rare_word()),
        3 => format!("-{} is:open sort:priority", writer.rare_word()),
        _ => "requester:me,Amir comments:>2 updated:<2000d".to_owned(),
    };
    let list = ticket::List { query: Some(text), limit: Some(50), ..ticket::List::default() };
    Ok(timed(|| Ok(client.call(&list)?))?.0)
}

/// From the answer of a comment until it is found.
fn news(client: &mut Client, writer: &mut Writer) -> anyhow::Result<Duration> {
    let list = ticket::List { limit: Some(1), ..ticket::List::default() };
    let row = client.call(&list)?.tickets.into_iter().next();
    let ticket = row.map(|row| row.id).unwrap_or_default();
    let word = format!("news{}", writer.dice().between(0, u64::MAX - 1));
    let body = format!("this is {word} of now");
    client.call(&comment::Add { ticket, body, ..comment::Add::default() })?;
    let began = Instant::now();
    while client.call(&query(&word))?.total == 0 {
        ensure!(began.elapsed() < PATIENCE, "a comment was never found");
    }
    Ok(began.elapsed())
}

pub(crate) fn until_complete(process: &Process) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut client = process.client()?;
    while !client.call(&query("complete"))?.is_complete {
        ensure!(began.elapsed() < PATIENCE, "the index was never complete");
    }
    Ok(())
}

fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { folder_bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

const NAME: &str = "search";
/// Results that are shown, each with its snippets.
const ROWS: u32 = 10;
const STARTS: usize = 10;
const NEWS: usize = 20;
