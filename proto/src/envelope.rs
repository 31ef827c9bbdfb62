//! Signed changes: any peer can prove who wrote what, in which document of which project.

use assist_crdt_model::{
    ChangeHash, DeviceId, DocId, NewChange, ProjectId, RejectCode, Rejection, ScannedChange,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::wire::id;

/// A change with its author's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The document.
    #[serde(rename = "d", with = "id")]
    pub doc: DocId,
    /// The author's device.
    #[serde(rename = "k", with = "id")]
    pub device: DeviceId,
    /// The device's incarnation, from which the change's actor is derived.
    #[serde(rename = "i")]
    pub incarnation: u32,
    /// The document's epoch: rises when a document is rewritten by an erasure.
    #[serde(rename = "e", default, skip_serializing_if = "is_zero")]
    pub epoch: u32,
    /// The plain change chunk.
    #[serde(rename = "c", with = "serde_bytes")]
    pub change: Vec<u8>,
    /// Ed25519 over [`signing_input`].
    #[serde(rename = "s", with = "id")]
    pub signature: [u8; 64],
}

/// An envelope whose signature holds and whose change was scanned. Whether the author may do this is not said yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEnvelope {
    envelope: Envelope,
    change: ScannedChange,
}

impl Envelope {
    /// Signs a change.
    pub fn sign(
        key: &SigningKey,
        project: &ProjectId,
        doc: DocId,
        incarnation: u32,
        change: NewChange,
    ) -> Self {
        let epoch = 0;
        let input = signing_input(project, doc, epoch, incarnation, &change.hash);
        Self {
            doc,
            device: DeviceId::from_bytes(key.verifying_key().to_bytes()),
            incarnation,
            epoch,
            change: change.bytes,
            signature: key.sign(&input).to_bytes(),
        }
    }

    /// Scans the change and checks the signature. Costs about 40 us and needs no document: it runs wherever
    /// there is a free core.
    ///
    /// # Errors
    /// The scan's, or [`RejectCode::BadSignature`].
    pub fn verify(self, project: &ProjectId) -> Result<VerifiedEnvelope, Box<RefusedEnvelope>> {
        let change = match ScannedChange::scan(&self.change) {
            Ok(change) => change,
            Err(rejection) => {
                return Err(Box::new(RefusedEnvelope { envelope: self, hash: None, rejection }));
            }
        };
        let input = signing_input(project, self.doc, self.epoch, self.incarnation, &change.hash());
        let holds = VerifyingKey::from_bytes(self.device.as_bytes())
            .and_then(|key| key.verify_strict(&input, &Signature::from_bytes(&self.signature)));
        if holds.is_err() {
            let rejection = Rejection {
                code: RejectCode::BadSignature,
                detail: "the signature is not by the device that the envelope names".into(),
            };
            return Err(Box::new(RefusedEnvelope { envelope: self, hash: Some(change.hash()), rejection }));
        }
        Ok(VerifiedEnvelope { envelope: self, change })
    }
}

/// An envelope that failed before any document was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEnvelope {
    /// What came.
    pub envelope: Envelope,
    /// The change's hash, where the bytes gave one.
    pub hash: Option<ChangeHash>,
    /// Why it was refused.
    pub rejection: Rejection,
}

impl VerifiedEnvelope {
    /// What came.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Its change.
    pub fn change(&self) -> &ScannedChange {
        &self.change
    }

    /// Hash of its change.
    pub fn hash(&self) -> ChangeHash {
        self.change.hash()
    }

    /// Gives the envelope back.
    pub fn into_envelope(self) -> Envelope {
        self.envelope
    }
}

/// What an envelope's signature covers: a context, then everything that fixes the meaning of the change.
pub fn signing_input(
    project: &ProjectId,
    doc: DocId,
    epoch: u32,
    incarnation: u32,
    change: &ChangeHash,
) -> Vec<u8> {
    let mut input = Vec::with_capacity(CONTEXT.len() + 32 + DocId::SIZE + 8 + 32);
    input.extend_from_slice(CONTEXT);
    input.extend_from_slice(project.as_bytes());
    input.extend_from_slice(&doc.to_bytes());
    input.extend_from_slice(&epoch.to_be_bytes());
    input.extend_from_slice(&incarnation.to_be_bytes());
    input.extend_from_slice(change.as_bytes());
    input
}

const CONTEXT: &[u8] = b"assist/envelope/v1\0";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
