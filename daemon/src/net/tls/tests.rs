//! What a key must look like.

use super::*;

fn spki(key: [u8; 32]) -> Vec<u8> {
    [&SPKI_PREFIX[..], &key].concat()
}

#[test]
fn our_own_key_is_read_back() {
    let key = DeviceKey::from_secret(&[1; 32]);
    assert_eq!(device_id_from_spki(&spki_from_key(key.signing_key())), Ok(key.device_id()));
}

#[test]
fn keys_of_low_order_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let order_two = {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xec;
        bytes[31] = 0x7f;
        bytes
    };
    for weak in [[0; 32], identity, order_two] {
        let refused = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        assert_eq!(device_id_from_spki(&spki(weak)), Err(refused));
    }
}

#[test]
fn anything_but_an_ed25519_key_is_refused() {
    let good = spki_from_key(DeviceKey::from_secret(&[1; 32]).signing_key());
    let longer = [&good[..], &[0]].concat();
    let mut other_algorithm = good.clone();
    other_algorithm[8] ^= 1;
    for bad in [&good[..43], &longer, &other_algorithm, &[]] {
        let refused = Error::InvalidCertificate(CertificateError::BadEncoding);
        assert_eq!(device_id_from_spki(bad), Err(refused));
    }
}

#[test]
fn nothing_of_a_session_is_kept_for_the_next() {
    let key = DeviceKey::from_secret(&[1; 32]);
    let server = server_config(&key).unwrap();
    assert_eq!(server.send_tls13_tickets, 0);
    assert_eq!(server.max_early_data_size, 0);
    assert!(!server.session_storage.can_cache());
    let client = client_config(&key).unwrap();
    assert!(!client.enable_early_data);
    assert!(!client.enable_sni);
}

/// Shows a key of low order, and a signature that an unwary verifier takes for any message: R is the identity
/// and s is zero.
#[derive(Debug)]
pub(in crate::net) struct WeakKey(Arc<CertifiedKey>);

pub(in crate::net) fn weak_key() -> Arc<WeakKey> {
    let mut identity = [0; 32];
    identity[0] = 1;
    Arc::new(WeakKey(Arc::new(CertifiedKey::new(
        vec![CertificateDer::from(spki(identity))],
        Arc::new(WeakSigner(SubjectPublicKeyInfoDer::from(spki(identity)))),
    ))))
}

impl rustls::client::ResolvesClientCert for WeakKey {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl rustls::server::ResolvesServerCert for WeakKey {
    fn resolve(&self, _client_hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }
}

#[derive(Debug, Clone)]
struct WeakSigner(SubjectPublicKeyInfoDer<'static>);

impl rustls::sign::SigningKey for WeakSigner {
    fn choose_scheme(&self, _offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        Some(Box::new(self.clone()))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.0.clone())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl rustls::sign::Signer for WeakSigner {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; 64];
        signature[0] = 1;
        Ok(signature)
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
