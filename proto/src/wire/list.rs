//! Lists that know their limit: they stop reading at it, before the memory for the rest is taken.
//!
//! A list of empty strings inflates from a page of a few hundred bytes to hundreds of megabytes of `String`s, so a
//! count after decoding comes too late.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};

/// At most `MAX` values. Only for reading: what we write is cut before.
pub(crate) struct List<T, const MAX: usize>(pub(crate) Vec<T>);

/// Reads a field that is a list. For `#[serde(deserialize_with = ..)]`.
pub(crate) fn at_most<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    List::<T, MAX>::deserialize(deserializer).map(|list| list.0)
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
    type Value = List<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        // Grows as items come: what the sender claims about the length is worth nothing.
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() == MAX {
                return Err(A::Error::custom(format_args!("a list has more than {MAX} items")));
            }
            list.push(item);
        }
        Ok(List(list))
    }
}
