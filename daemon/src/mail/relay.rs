//! Mails to an SMTP relay, each over a connection of its own. What the relay says decides about another attempt.
//!
//! **Invariant:** TLS is either required or, to this very machine alone, not spoken of: nothing is opportunistic.

use std::sync::Arc;

use lettre::message::Message;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::limits::MAIL_ATTEMPT_MAX;
use super::worker::{Post, PostError};
use crate::config::{RelayConfig, Security};
use crate::driver::Chain;

/// A relay that takes mails.
pub(super) struct RelayPost {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    name: String,
}

/// Why a relay cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum RelayError {
    /// Not certificates, or none that can be trusted.
    #[error("mail.relay.ca_file holds no certificates in PEM form")]
    Certificates(#[source] lettre::transport::smtp::Error),
    /// TLS cannot be set up.
    #[error("TLS to the relay {host:?} cannot be set up")]
    Tls {
        /// The relay.
        host: String,
        /// Why not.
        #[source]
        source: lettre::transport::smtp::Error,
    },
}

impl RelayPost {
    /// Prepares for the relay; connects to nothing yet.
    pub(super) fn new(relay: &RelayConfig) -> Result<Self, RelayError> {
        let tls = match relay.security {
            Security::Plain => Tls::None,
            Security::StartTls => Tls::Required(tls_parameters(relay)?),
            Security::Tls => Tls::Wrapper(tls_parameters(relay)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&relay.host)
            .port(relay.port)
            .tls(tls)
            .timeout(Some(MAIL_ATTEMPT_MAX))
            .hello_name(hello_name());
        if let Some(login) = &relay.login {
            builder = builder
                .credentials(Credentials::new(login.username.clone(), login.password.expose().to_owned()));
        }
        Ok(Self { transport: builder.build(), name: format!("{}:{}", relay.host, relay.port) })
    }
}

impl Post for RelayPost {
    async fn post(&self, message: Arc<Message>) -> Result<(), PostError> {
        let sent = self.transport.send_raw(message.envelope(), &message.formatted()).await;
        sent.map(drop).map_err(|error| {
            let words = format!("{}: {}", self.name, Chain(&error));
            if error.is_permanent() || error.is_client() {
                PostError::Never(words)
            } else {
                PostError::Later(words)
            }
        })
    }
}

fn tls_parameters(relay: &RelayConfig) -> Result<TlsParameters, RelayError> {
    let mut builder = TlsParameters::builder(relay.host.clone());
    if let Some(pem) = &relay.ca_pem {
        let certificates = Certificate::from_pem(pem).map_err(RelayError::Certificates)?;
        // Whoever names the authority of a private relay wants no other to vouch for it.
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificates);
    }
    builder.build().map_err(|source| RelayError::Tls { host: relay.host.clone(), source })
}

/// Who we are to the relay: the machine's full name; one that is none is worse than an address.
fn hello_name() -> ClientId {
    let uname = rustix::system::uname();
    match uname.nodename().to_str() {
        Ok(name) if name.contains('.') => ClientId::Domain(name.to_owned()),
        _ => ClientId::default(),
    }
}
