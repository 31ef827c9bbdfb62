//! `sync.wait`: answers once own changes have come as far as asked.
//!
//! Every turn of the driver is a reason to look again. Changes reach the server in the order in which they were
//! made, so the newest is looked at first and mostly alone: a turn costs the same however many are waited for.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use assist_crdt_model::{ChangeHash, DocId};
use assist_proto::api::sync::{DeliveryState, Reached, Wait, WaitUntil};
use assist_proto::api::{ApiError, limits};
use assist_proto::store::{Membership, Seq};

use crate::api_server::Handle;
use crate::backend::errors::{Answer, Failure, invalid, of_id};
use crate::backend::rows::Deliveries;
use crate::backend::{LocalBackend, reference};
use crate::store::{DeviceReads as _, Reader, change_hash};

impl Handle<Wait> for LocalBackend {
    async fn handle(&self, params: Wait) -> Result<Reached, ApiError> {
        Ok(self.wait(params).await?)
    }
}

impl LocalBackend {
    async fn wait(&self, params: Wait) -> Answer<Reached> {
        let patience = patience(params.timeout_millis)?;
        let changes = changes(&params.changes)?;
        let mut driven = self.driver.status();
        let mut waiting = Waiting::new(&self.reader()?, &params, &changes)?;
        let mut out_of_time = pin!(tokio::time::sleep(patience));
        loop {
            // Seen before the look: a turn in between makes for another look.
            driven.borrow_and_update();
            if let Some(reached) = waiting.look(&self.reader()?)? {
                return Ok(reached);
            }
            tokio::select! {
                turned = driven.changed() => turned.map_err(|_| Failure::stopping())?,
                () = &mut out_of_time => return Err(waiting.out_of_time(&self.reader()?, patience)?),
            }
        }
    }
}

/// Changes that have not come as far as asked.
struct Waiting {
    until: DeliveryState,
    /// The newest last.
    pending: Vec<Pending>,
    /// The least far of those that have.
    reached: DeliveryState,
}

struct Pending {
    change: ChangeHash,
    own: Membership,
    doc: DocId,
    /// Once it is on the server.
    seq: Option<Seq>,
}

impl Waiting {
    fn new(reader: &Reader, params: &Wait, changes: &[ChangeHash]) -> Answer<Self> {
        let projects = reference::projects(reader, params.project.as_deref())?;
        let (mut pending, mut unknown) = (Vec::with_capacity(changes.len()), Vec::new());
        for change in changes {
            match find(reader, &projects, change)? {
                Some(found) => pending.push(found),
                None => unknown.push(change.to_string()),
            }
        }
        if !unknown.is_empty() {
            let message = "this device made no such change: give the hashes that its calls answered";
            return Err(ApiError::not_found("unknown_change", message)
                .with_field("changes")
                .with_changes(unknown)
                .into());
        }
        let until = match params.until {
            WaitUntil::Server => DeliveryState::OnServer,
            WaitUntil::Delivered | WaitUntil::Read
                if pending.iter().any(|it| matches!(it.doc, DocId::Notes(_))) =>
            {
                let message = "notes have no other side to be delivered to: wait until \"server\"";
                return Err(invalid("no_other_side", "until", message));
            }
            WaitUntil::Delivered => DeliveryState::Delivered,
            WaitUntil::Read => DeliveryState::Read,
        };
        Ok(Self { until, pending, reached: DeliveryState::Read })
    }

    /// Takes what has come far enough off the list; answers when nothing is left.
    fn look(&mut self, reader: &Reader) -> Answer<Option<Reached>> {
        self.check_refused(reader)?;
        while let Some(newest) = self.pending.last_mut() {
            let state = newest.state(reader)?;
            if state < self.until {
                return Ok(None);
            }
            self.reached = self.reached.min(state);
            self.pending.pop();
        }
        Ok(Some(Reached { state: self.reached }))
    }

    /// What was refused never comes any further.
    fn check_refused(&self, reader: &Reader) -> Answer<()> {
        let refused: HashSet<ChangeHash> =
            reader.drafts()?.into_iter().map(|(_, draft)| draft.change).collect();
        let hit: Vec<String> = self
            .pending
            .iter()
            .filter(|pending| refused.contains(&pending.change))
            .map(|pending| pending.change.to_string())
            .collect();
        if hit.is_empty() {
            return Ok(());
        }
        let message = "the server refused it: the text is kept as a draft with the reason, see draft.list";
        Err(ApiError::conflict("refused", message).with_changes(hit).into())
    }

    fn out_of_time(&mut self, reader: &Reader, patience: Duration) -> Answer<Failure> {
        let mut missing = Vec::new();
        for pending in &mut self.pending {
            if pending.state(reader)? < self.until {
                missing.push(pending.change.to_string());
            }
        }
        let message = format!(
            "after {} s, {} of the changes have not come that far; they are safe here and go on by themselves",
            patience.as_secs_f32(),
            missing.len()
        );
        Ok(ApiError::timed_out("wait_timeout", message).with_changes(missing).into())
    }
}

impl Pending {
    fn state(&mut self, reader: &Reader) -> Answer<DeliveryState> {
        if self.seq.is_none() {
            let waiting = reader.outbox_of_doc(&self.own.project, self.doc)?;
            if waiting.iter().any(|(_, entry)| entry.change == self.change) {
                return Ok(DeliveryState::SavedHere);
            }
            self.seq = Some(self.find_seq(reader)?);
        }
        let deliveries = match self.doc {
            DocId::Ticket(ticket) => Deliveries::load(reader, self.own.project, ticket)?,
            DocId::Notes(_) | DocId::Project => Deliveries::default(),
        };
        Ok(deliveries.state(self.seq.unwrap_or_default(), &self.own))
    }

    fn find_seq(&self, reader: &Reader) -> Answer<Seq> {
        for record in reader.doc_records(&self.own.project, self.doc)? {
            if change_hash(&record.envelope.change)? == self.change {
                return Ok(record.seq);
            }
        }
        let message = "it is no longer part of the ticket: it was refused and its draft is gone, or it was written \
            again after one that was refused; see ticket.history";
        Err(ApiError::conflict("superseded", message).with_changes(vec![self.change.to_string()]).into())
    }
}

fn find(reader: &Reader, projects: &[Membership], change: &ChangeHash) -> Answer<Option<Pending>> {
    for own in projects {
        if let Some(doc) = reader.own_change(&own.project, change)? {
            return Ok(Some(Pending { change: *change, own: own.clone(), doc, seq: None }));
        }
    }
    Ok(None)
}

fn changes(texts: &[String]) -> Answer<Vec<ChangeHash>> {
    if texts.len() > limits::WAIT_CHANGES_MAX {
        let message =
            format!("{} changes are named, at most {} at once", texts.len(), limits::WAIT_CHANGES_MAX);
        return Err(ApiError::limit("too_many_changes", message).with_field("changes").into());
    }
    let parse = |(index, text): (usize, &String)| text.parse().map_err(of_id(&format!("changes[{index}]")));
    texts.iter().enumerate().map(parse).collect()
}

fn patience(asked_millis: Option<u64>) -> Answer<Duration> {
    let patience = asked_millis.map_or(limits::WAIT_DEFAULT, Duration::from_millis);
    if patience > limits::WAIT_MAX {
        let message = format!("at most {} ms", limits::WAIT_MAX.as_millis());
        return Err(invalid("wait_too_long", "timeout_millis", message));
    }
    // The dispatcher gives up at the very end, and could not say what is missing.
    Ok(patience.min(limits::WAIT_MAX - LAST_WORD))
}

/// What it takes to say what is missing.
const LAST_WORD: Duration = Duration::from_secs(1);
