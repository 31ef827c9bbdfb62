//! Who vouches for whom: the project's root signs its server nodes, a node signs devices.
//!
//! A certificate is a claim. What holds *now* is the server's roster.

use assist_crdt_model::{DeviceId, ProjectId, Role, UnixMillis, UserId};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::address::Host;
use crate::limits::ADDRESS_HOSTS_MAX;
use crate::wire::{codec, id, list};

/// A signed statement as it travels: the signature covers the bytes as received, never a re-encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// CBOR of the statement.
    #[serde(rename = "p", with = "serde_bytes")]
    pub payload: Vec<u8>,
    /// Ed25519 over the statement's context and the payload.
    #[serde(rename = "s", with = "id")]
    pub signature: [u8; 64],
}

/// A statement that can be signed.
pub trait Statement: Serialize + DeserializeOwned {
    /// Keeps signatures of one kind from being taken for another.
    const CONTEXT: &'static [u8];
    /// For messages.
    const WHAT: &'static str;
}

/// By the root: this key is a server node of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCertificate {
    /// The project, which is the root's public key.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// The node's public key, as it shows in the transport.
    #[serde(rename = "n", with = "id")]
    pub node: DeviceId,
    /// Rises with each certificate of the project.
    #[serde(rename = "s")]
    pub serial: u32,
    /// When it was signed.
    #[serde(rename = "t", with = "millis")]
    pub issued_at: UnixMillis,
}

/// By a node: this device belongs to this user, who has this role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCertificate {
    /// The project.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// The person.
    #[serde(rename = "u", with = "id")]
    pub user: UserId,
    /// What they may do, from this certificate on.
    #[serde(rename = "r", with = "role")]
    pub role: Role,
    /// The device's public key.
    #[serde(rename = "k", with = "id")]
    pub device: DeviceId,
    /// Rises with each certificate of the device; a record names the one in force when it was admitted.
    #[serde(rename = "s")]
    pub serial: u32,
    /// When it was signed.
    #[serde(rename = "t", with = "millis")]
    pub issued_at: UnixMillis,
    /// After this the device asks for a new one.
    #[serde(rename = "x", with = "millis")]
    pub not_after: UnixMillis,
}

/// By a node: where the project's servers are reached now. Told in every session; what came last holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerHosts {
    /// The project.
    #[serde(rename = "p", with = "id")]
    pub project: ProjectId,
    /// The node that says so.
    #[serde(rename = "n", with = "id")]
    pub node: DeviceId,
    /// When it was signed.
    #[serde(rename = "t", with = "millis")]
    pub issued_at: UnixMillis,
    /// As in an address, at most [`ADDRESS_HOSTS_MAX`].
    #[serde(rename = "h", deserialize_with = "list::at_most::<ADDRESS_HOSTS_MAX, _, _>")]
    pub hosts: Vec<String>,
}

impl Statement for NodeCertificate {
    const CONTEXT: &'static [u8] = b"assist/node-certificate/v1\0";
    const WHAT: &'static str = "node certificate";
}

impl Statement for DeviceCertificate {
    const CONTEXT: &'static [u8] = b"assist/device-certificate/v1\0";
    const WHAT: &'static str = "device certificate";
}

impl Statement for ServerHosts {
    const CONTEXT: &'static [u8] = b"assist/server-hosts/v1\0";
    const WHAT: &'static str = "list of hosts";
}

/// Why a statement is not believed.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The signer's key is not a key.
    #[error("the {0} is signed by a key that is none")]
    BadKey(&'static str),
    /// The signature does not hold.
    #[error("the signature of the {0} does not hold")]
    BadSignature(&'static str),
    /// The payload does not decode.
    #[error("the {what} does not decode")]
    Decode {
        /// Which statement.
        what: &'static str,
        /// Why.
        #[source]
        source: codec::DecodeError,
    },
    /// It speaks of another project.
    #[error("the {0} is of another project")]
    OtherProject(&'static str),
}

impl Signed {
    /// Signs a statement.
    pub fn sign<T: Statement>(key: &SigningKey, statement: &T) -> Self {
        let payload = codec::encode(statement);
        let signature = key.sign(&signing_input::<T>(&payload)).to_bytes();
        Self { payload, signature }
    }

    /// Reads the statement if `signer` signed it.
    ///
    /// # Errors
    /// When the signature does not hold or the payload is no such statement.
    pub fn verify<T: Statement>(&self, signer: &[u8; 32]) -> Result<T, CertificateError> {
        let key = VerifyingKey::from_bytes(signer).map_err(|_| CertificateError::BadKey(T::WHAT))?;
        key.verify_strict(&signing_input::<T>(&self.payload), &Signature::from_bytes(&self.signature))
            .map_err(|_| CertificateError::BadSignature(T::WHAT))?;
        codec::decode(T::WHAT, &self.payload)
            .map_err(|source| CertificateError::Decode { what: T::WHAT, source })
    }
}

impl ServerHosts {
    /// Reads the hosts of a project as one of its nodes says: signed by that node, and about it. What is no host is left
    /// out, for it may be one to a later version.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn verify(
        signed: &Signed,
        project: &ProjectId,
        node: &DeviceId,
    ) -> Result<Vec<Host>, CertificateError> {
        let said: Self = signed.verify(node.as_bytes())?;
        if said.project != *project || said.node != *node {
            return Err(CertificateError::OtherProject(Self::WHAT));
        }
        Ok(said.hosts.iter().filter_map(|host| host.parse().ok()).collect())
    }
}

impl NodeCertificate {
    /// Reads a node certificate of the project: signed by its root, and about it.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn verify(signed: &Signed, project: &ProjectId) -> Result<Self, CertificateError> {
        let certificate: Self = signed.verify(project.as_bytes())?;
        if certificate.project != *project {
            return Err(CertificateError::OtherProject(Self::WHAT));
        }
        Ok(certificate)
    }
}

impl DeviceCertificate {
    /// Reads a device certificate of the project signed by one of its nodes.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn verify(signed: &Signed, project: &ProjectId, node: &DeviceId) -> Result<Self, CertificateError> {
        let certificate: Self = signed.verify(node.as_bytes())?;
        if certificate.project != *project {
            return Err(CertificateError::OtherProject(Self::WHAT));
        }
        Ok(certificate)
    }
}

fn signing_input<T: Statement>(payload: &[u8]) -> Vec<u8> {
    [T::CONTEXT, payload].concat()
}

/// Times as integers.
pub mod millis {
    use assist_crdt_model::UnixMillis;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    /// Writes milliseconds.
    ///
    /// # Errors
    /// The serialiser's.
    pub fn serialize<S: Serializer>(time: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
        time.0.serialize(serializer)
    }

    /// Reads milliseconds.
    ///
    /// # Errors
    /// For anything but an unsigned integer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixMillis, D::Error> {
        u64::deserialize(deserializer).map(UnixMillis)
    }

    /// Times that may be unknown.
    pub mod opt {
        use assist_crdt_model::UnixMillis;
        use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

        /// Writes milliseconds, or nothing.
        ///
        /// # Errors
        /// The serialiser's.
        pub fn serialize<S: Serializer>(time: &Option<UnixMillis>, serializer: S) -> Result<S::Ok, S::Error> {
            time.map(|time| time.0).serialize(serializer)
        }

        /// Reads milliseconds, or nothing.
        ///
        /// # Errors
        /// For anything else.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<UnixMillis>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(UnixMillis))
        }
    }
}

/// Roles by their stable names.
pub mod role {
    use assist_crdt_model::Role;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    /// Writes the name.
    ///
    /// # Errors
    /// The serialiser's.
    pub fn serialize<S: Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
        role.as_str().serialize(serializer)
    }

    /// Reads the name.
    ///
    /// # Errors
    /// For an unknown one.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
