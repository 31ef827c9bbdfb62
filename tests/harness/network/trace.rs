//! What happened, told in lines, for the seed that failed.

use std::sync::{Arc, Mutex};

use assist_proto::wire::{PeerMessage, Received, ReceivedItem};

/// Lines of a run; outlives a panic of the run. Costs nothing when it is off.
#[derive(Debug, Clone, Default)]
pub struct Trace(Option<Arc<Mutex<Vec<String>>>>);

impl Trace {
    /// Keeps nothing.
    pub const OFF: Self = Self(None);

    /// Keeps every line.
    pub fn on() -> Self {
        Self(Some(Arc::default()))
    }

    /// Writes a line, if anybody wants to read it.
    pub fn note(&self, now: u64, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.0
            && let Ok(mut lines) = lines.lock()
        {
            lines.push(format!("{:>9} {}", now % 1_000_000_000, line()));
        }
    }

    /// All lines.
    pub fn text(&self) -> String {
        let lines = self.0.as_ref().and_then(|lines| Some(lines.lock().ok()?.join("\n")));
        lines.unwrap_or_default()
    }
}

/// A message in a few words.
pub(super) fn describe(message: &Received) -> String {
    match message {
        Received::Push { envelopes, .. } => {
            let hashes: Vec<String> = envelopes
                .iter()
                .map(|envelope| match envelope {
                    Ok(verified) => short(&verified.hash().to_string()),
                    Err(refused) => format!("bad:{}", refused.rejection.code),
                })
                .collect();
            format!("push {}", hashes.join(" "))
        }
        Received::GiveBack { items, .. } => {
            let hashes: Vec<String> =
                items.iter().map(|(place, _)| short(&place.change.to_string())).collect();
            format!("give back {}", hashes.join(" "))
        }
        Received::Records { items, .. } => {
            let items: Vec<String> = items
                .iter()
                .map(|item| match item {
                    ReceivedItem::Record { place, .. } => {
                        format!("{}:{}", place.seq.0, short(&place.change.to_string()))
                    }
                    ReceivedItem::Own(ack) => format!("{}:own:{}", ack.seq.0, short(&ack.change.to_string())),
                    ReceivedItem::Through(seq) => format!("..{}", seq.0),
                    ReceivedItem::Visibility { place, change } => format!("{}:{change:?}", place.seq.0),
                })
                .collect();
            format!("records {}", items.join(" "))
        }
        Received::Rows(rows) => format!("rows {}", rows.len()),
        Received::Docs { docs, before, is_last } => {
            format!("docs {} before {before:?} last {is_last}", docs.len())
        }
        Received::Message(PeerMessage::Verdicts(verdicts)) => {
            let acks = verdicts.acks.iter().map(|a| format!("{}:{}", a.seq.0, short(&a.change.to_string())));
            let rejected =
                verdicts.rejected.iter().map(|r| format!("no:{}:{}", short(&r.change.to_string()), r.detail));
            format!("verdicts {}", acks.chain(rejected).collect::<Vec<_>>().join(" "))
        }
        Received::Message(message) => {
            let mut text = format!("{message:?}");
            text.truncate(160);
            text
        }
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(6).collect()
}
