//! TLS 1.3 with raw public keys on both sides (RFC 7250): who is there, and nothing else.
//!
//! A handshake proves that the peer holds the ed25519 key that it shows. Whether that key is welcome is decided
//! above, after every handshake.
//!
//! **Invariant:** no handshake is ever shortened. A resumed session would skip the proof of the client's key and
//! early data would be served under an old identity, so there are no tickets, no stored sessions, no 0-RTT.

use std::sync::Arc;

use assist_crdt_model::DeviceId;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, SignatureAlgorithm,
    SignatureScheme,
};

use crate::device_key::DeviceKey;

/// The application protocol that both sides must name.
pub const ALPN: &[u8] = b"assist/1";

/// Makes the accepting side's configuration.
pub(super) fn server_config(key: &DeviceKey) -> Result<rustls::ServerConfig, Error> {
    let provider = Arc::new(provider());
    let verifier = Arc::new(AnyEd25519Key { provider: Arc::clone(&provider) });
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(own_key(key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// Makes the dialling side's configuration.
pub(super) fn client_config(key: &DeviceKey) -> Result<rustls::ClientConfig, Error> {
    let provider = Arc::new(provider());
    let verifier = Arc::new(AnyEd25519Key { provider: Arc::clone(&provider) });
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(own_key(key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.enable_sni = false;
    Ok(config)
}

/// Reads the key out of the one form of `SubjectPublicKeyInfo` that an ed25519 key has, and refuses weak ones:
/// a key of low order has signatures that hold for any message, so it proves nothing.
pub(super) fn device_id_from_spki(spki: &[u8]) -> Result<DeviceId, Error> {
    let bytes: [u8; 32] = spki
        .strip_prefix(&SPKI_PREFIX)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
    match VerifyingKey::from_bytes(&bytes) {
        Ok(key) if !key.is_weak() => Ok(DeviceId::from_bytes(bytes)),
        _ => Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
    }
}

/// Accepts whoever proves to hold the ed25519 key that they show.
#[derive(Debug)]
struct AnyEd25519Key {
    provider: Arc<CryptoProvider>,
}

impl AnyEd25519Key {
    fn check_key(spki: &CertificateDer<'_>, more: &[CertificateDer<'_>]) -> Result<(), Error> {
        match more {
            [] => device_id_from_spki(spki).map(drop),
            _ => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
        }
    }

    fn check_signature(
        &self,
        message: &[u8],
        spki: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(
            message,
            &SubjectPublicKeyInfoDer::from(spki.as_ref()),
            signature,
            algorithms,
        )
    }
}

impl ServerCertVerifier for AnyEd25519Key {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Self::check_key(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for AnyEd25519Key {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Self::check_key(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// Our own key as rustls wants it. It signs with the one copy of the secret that [`DeviceKey`] holds and wipes.
#[derive(Debug, Clone)]
struct OwnKey {
    key: DeviceKey,
    spki: SubjectPublicKeyInfoDer<'static>,
}

impl rustls::sign::SigningKey for OwnKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        offered.contains(&SignatureScheme::ED25519).then(|| Box::new(self.clone()) as _)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.spki.clone())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl rustls::sign::Signer for OwnKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.key.signing_key().sign(message).to_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

fn own_key(key: &DeviceKey) -> Arc<CertifiedKey> {
    let spki = spki_from_key(key.signing_key());
    let own = OwnKey { key: key.clone(), spki: SubjectPublicKeyInfoDer::from(spki.clone()) };
    Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], Arc::new(own)))
}

fn spki_from_key(key: &SigningKey) -> Vec<u8> {
    [&SPKI_PREFIX[..], key.verifying_key().as_bytes()].concat()
}

/// Both ends are ours, so one of each is enough; ChaCha20 is for machines without AES instructions, and AES-128 is
/// what QUIC itself wants for its first packets.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
            ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![ring::kx_group::X25519],
        ..ring::default_provider()
    }
}

/// SEQUENCE { SEQUENCE { OID 1.3.101.112 } BIT STRING { 32 bytes follow } }
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[cfg(test)]
pub(in crate::net) mod tests;
