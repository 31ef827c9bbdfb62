//! What users keep for themselves, as it is stored: by a server for each user, by a device for each project.
//!
//! A key tells the ticket, or stands for a view's name without telling it; the value is CBOR of the whole thing. A
//! server has the number of a user's last change under the user alone.

use assist_crdt_model::UserId;
use assist_proto::store::{Kept, KeptAll, KeptKey, StoreResult};

use super::tables::{Scope, Span, Table, key};
use super::turn::Turn;
use super::view::{View, damaged, exact};

/// What stands for something kept in a key.
type Token = [u8; 17];

/// All that a server keeps for a user, with the number of the last change.
pub(super) fn of_user(view: &impl View, user: UserId) -> StoreResult<(u64, KeptAll)> {
    let table = Table::Kept;
    let Some(version) = view.get(table, &key!(user))? else { return Ok((0, KeptAll::default())) };
    let version = u64::from_be_bytes(exact(table, &version)?);
    let mut first = key!(user);
    first.push(0);
    let all: Vec<Kept> = view.collect_cbor(table, &Span::prefix_from(&key!(user), first))?;
    Ok((version, all.into_iter().collect()))
}

/// All of a table that a device has of a project, in the order of their keys.
pub(super) fn of_scope(view: &impl View, table: Table, scope: Scope) -> StoreResult<Vec<Kept>> {
    view.collect_cbor(table, &Span::prefix(key!(scope)))
}

impl Turn {
    /// Writes what a server keeps for a user.
    pub(super) fn put_kept_of_user(&mut self, user: UserId, version: u64, kept: &Kept) -> StoreResult<()> {
        self.put(Table::Kept, key!(user), version.to_be_bytes().to_vec());
        let key = key!(user, token(self, &kept.key())?);
        if kept.is_removal() {
            self.remove(Table::Kept, key);
        } else {
            self.put_cbor(Table::Kept, key, kept);
        }
        Ok(())
    }

    /// Writes what a device has of a project, in one of its two tables.
    pub(super) fn put_kept_of_scope(&mut self, table: Table, scope: Scope, kept: &Kept) -> StoreResult<()> {
        let key = key!(scope, token(self, &kept.key())?);
        self.put_cbor(table, key, kept);
        Ok(())
    }

    /// Drops it.
    pub(super) fn remove_kept_of_scope(
        &mut self,
        table: Table,
        scope: Scope,
        kept: &KeptKey,
    ) -> StoreResult<()> {
        let key = key!(scope, token(self, kept)?);
        self.remove(table, key);
        Ok(())
    }
}

/// 1 and a ticket, 2 and the keyed hash of a name, or 3 for mails: a key holds nothing that a person wrote.
fn token(view: &impl View, key: &KeptKey) -> StoreResult<Token> {
    let token = match key {
        KeptKey::Follow(ticket) => [&[1], &ticket.as_bytes()[..]].concat(),
        KeptKey::View(name) => [&[2], &view.seal().email_token(&format!("view\0{name}"))[..]].concat(),
        KeptKey::Mails => [&[3], &[0; 16][..]].concat(),
    };
    token.try_into().map_err(|_| damaged(Table::Kept))
}
