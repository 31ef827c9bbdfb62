//! The way of the server hub's letters into the queue. What they say is put into words by the protocol's crate.

use assist_proto::mail::{Letter, Mail, Rendered};

use super::{MailerHandle, OutgoingMail, Patience};
use crate::daemon::ServerInfo;

/// Puts letters into words and queues them.
pub(crate) struct MailOut {
    mailer: MailerHandle,
    /// Whose address the links in them lead to.
    server: Option<ServerInfo>,
}

impl MailOut {
    pub(crate) const fn new(mailer: MailerHandle, server: Option<ServerInfo>) -> Self {
        Self { mailer, server }
    }

    /// Whether mail can leave at all.
    pub(crate) fn has_route(&self) -> bool {
        self.mailer.has_route()
    }

    /// Queues a letter. One that cannot be is told to the operator alone: whoever asked must not learn from it
    /// whether the address takes mail.
    pub(crate) fn send(&self, mail: &Mail) {
        let address = self.server.as_ref().and_then(ServerInfo::address);
        let Rendered { subject, text, html, thread } = mail.render(address.as_ref());
        let patience = match mail.letter {
            Letter::Code { .. } => Patience::Code,
            Letter::NewDevice { .. } | Letter::Digest(_) => Patience::News,
        };
        let outgoing = OutgoingMail::new(&mail.to, None, &subject, text, html, mail.written_at, patience);
        match outgoing.map(|outgoing| self.mailer.send(outgoing.in_thread(thread))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, letter = ?mail.letter, "a mail was not queued"),
            Err(error) => tracing::warn!(%error, letter = ?mail.letter, "a mail was not written"),
        }
    }
}
