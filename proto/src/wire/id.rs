//! How ids travel: as CBOR byte strings of exact size. For `#[serde(with = ..)]`.

use assist_crdt_model::{BlobHash, ChangeHash, CommentId, DeviceId, DocId, ProjectId, TicketId, UserId};
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
use serde_bytes::{ByteBuf, Bytes};

/// An id with a byte form.
pub trait ByteId: Sized {
    /// The byte form.
    fn to_vec(&self) -> Vec<u8>;
    /// Reads the byte form.
    fn read(slice: &[u8]) -> Option<Self>;
}

macro_rules! byte_ids {
    ($($id:ty),+) => {$(
        impl ByteId for $id {
            fn to_vec(&self) -> Vec<u8> {
                self.as_bytes().to_vec()
            }
            fn read(slice: &[u8]) -> Option<Self> {
                Self::from_slice(slice)
            }
        }
    )+};
}
byte_ids!(BlobHash, ChangeHash, CommentId, DeviceId, ProjectId, TicketId, UserId);

impl ByteId for DocId {
    fn to_vec(&self) -> Vec<u8> {
        self.to_bytes().to_vec()
    }
    fn read(slice: &[u8]) -> Option<Self> {
        Self::from_slice(slice)
    }
}

impl<const N: usize> ByteId for [u8; N] {
    fn to_vec(&self) -> Vec<u8> {
        self.as_slice().to_vec()
    }
    fn read(slice: &[u8]) -> Option<Self> {
        slice.try_into().ok()
    }
}

/// Writes an id.
///
/// # Errors
/// The serialiser's.
pub fn serialize<T: ByteId, S: Serializer>(id: &T, serializer: S) -> Result<S::Ok, S::Error> {
    Bytes::new(&id.to_vec()).serialize(serializer)
}

/// Reads an id.
///
/// # Errors
/// For a byte string of another size.
pub fn deserialize<'de, T: ByteId, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let bytes = ByteBuf::deserialize(deserializer)?;
    T::read(&bytes).ok_or_else(|| D::Error::invalid_length(bytes.len(), &"the size of the id"))
}

/// The same for an id that may be absent.
pub mod opt {
    use super::{ByteBuf, ByteId, Bytes, Deserializer, Serializer};
    use serde::de::Error as _;
    use serde::{Deserialize as _, Serialize as _};

    /// Writes an id or null.
    ///
    /// # Errors
    /// The serialiser's.
    pub fn serialize<T: ByteId, S: Serializer>(id: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        id.as_ref().map(ByteId::to_vec).as_deref().map(Bytes::new).serialize(serializer)
    }

    /// Reads an id or null.
    ///
    /// # Errors
    /// For a byte string of another size.
    pub fn deserialize<'de, T: ByteId, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        let Some(bytes) = Option::<ByteBuf>::deserialize(deserializer)? else { return Ok(None) };
        let id =
            T::read(&bytes).ok_or_else(|| D::Error::invalid_length(bytes.len(), &"the size of the id"))?;
        Ok(Some(id))
    }
}

/// The same for a list of ids.
pub mod list {
    use super::{ByteId, Deserializer, Serializer};
    use crate::wire::list;
    use serde::{Deserialize, Serialize};

    /// Writes ids.
    ///
    /// # Errors
    /// The serialiser's.
    pub fn serialize<T: ByteId, S: Serializer>(ids: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(Item))
    }

    /// Reads ids, no more than `MAX`.
    ///
    /// # Errors
    /// For a byte string of another size, and for a longer list.
    pub fn at_most<'de, const MAX: usize, T: ByteId, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let items: Vec<Item<T>> = list::at_most::<MAX, _, _>(deserializer)?;
        Ok(items.into_iter().map(|item| item.0).collect())
    }

    struct Item<T>(T);

    impl<T: ByteId> Serialize for Item<&T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::serialize(self.0, serializer)
        }
    }

    impl<'de, T: ByteId> Deserialize<'de> for Item<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            super::deserialize(deserializer).map(Self)
        }
    }
}
