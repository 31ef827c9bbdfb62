//! Becoming a member: a one-time code against a place on the roster. And the first moment of a project.

use std::collections::BTreeMap;

use assist_crdt_model::{
    Actor, Author, DeviceId, Doc, DocId, Edit, ProjectId, ProjectName, Role, UnixMillis, UserId,
};
use ed25519_dalek::SigningKey;

use super::admissions::{append, note_act};
use super::{ServerHub, server_user};
use crate::admission::{By, Event, Proof};
use crate::certificate::{NodeCertificate, Signed};
use crate::envelope::Envelope;
use crate::hub::action::LinkId;
use crate::hub::dice::Dice;
use crate::limits;
use crate::store::{Device, Invite, Record, ServerProject, ServerStore, StoreResult, User};
use crate::wire::{Enroll, Enrolled, PROTOCOL_VERSION, PeerMessage, RefusedCode};

/// Wrong codes lately, of each device and of all.
#[derive(Default)]
pub(super) struct CodeTries {
    by_device: BTreeMap<DeviceId, u32>,
    all: u32,
    since: UnixMillis,
}

impl CodeTries {
    pub(super) fn is_blocked(&mut self, now: UnixMillis, device: &DeviceId) -> bool {
        if now.0 >= self.since.0 + limits::CODE_BLOCK_MILLIS {
            *self = Self { since: now, ..Self::default() };
        }
        let tries = self.by_device.get(device).copied().unwrap_or(0);
        tries >= limits::CODE_TRIES_MAX || self.all >= limits::CODE_TRIES_ALL_MAX
    }

    pub(super) fn count(&mut self, device: DeviceId) {
        *self.by_device.entry(device).or_default() += 1;
        self.all += 1;
    }
}

impl ServerHub {
    /// Turns a newcomer away who speaks another version or wants another project.
    pub(super) fn is_served(&mut self, link: LinkId, version: u16, project: Option<ProjectId>) -> bool {
        let refused = if version != PROTOCOL_VERSION {
            (RefusedCode::Version, "this server speaks protocol version 1: update the older side")
        } else if project.is_some_and(|project| project != self.project.project) {
            (RefusedCode::Project, "this server does not serve that project: check the address")
        } else {
            return true;
        };
        self.refuse(link, refused.0, refused.1);
        false
    }

    pub(super) fn enroll(
        &mut self,
        now: UnixMillis,
        link: LinkId,
        enroll: &Enroll,
        store: &mut dyn ServerStore,
    ) -> StoreResult<()> {
        if !self.is_served(link, enroll.version, enroll.project) {
            return Ok(());
        }
        let peer = self.links[&link].peer;
        if self.code_tries.is_blocked(now, &peer) {
            self.refuse(link, RefusedCode::TooMany, "too many wrong codes: wait ten minutes");
            return Ok(());
        }
        // The answer may have been lost after the code was used: the same device may simply ask again.
        if let Some(device) = store.device(&peer)?.filter(|device| !device.is_revoked)
            && let Some(user) = store.user(device.user)?
        {
            self.welcome_member(link, &device, &user);
            return Ok(());
        }
        let code_hash = code_hash(&self.project.project, &enroll.code);
        let Some(invite) = store.invite(&code_hash)?.filter(|invite| now < invite.expires_at) else {
            self.code_tries.count(peer);
            self.refuse(link, RefusedCode::Code, "the code is wrong, used or expired: ask for a new one");
            return Ok(());
        };
        match self.member_of_invite(now, &invite, enroll, store)? {
            Ok(user) => {
                store.remove_invite(&code_hash)?;
                self.put_user(&user, store)?;
                if invite.email.is_some() {
                    self.grant_waiting(&user, store)?;
                }
                let device = self.put_device(now, peer, &user, &enroll.device_name, store)?;
                self.note_enrolled(&device, &user, Proof::Code, By::member(peer, user.user, user.role));
                self.welcome_member(link, &device, &user);
            }
            Err(reason) => self.refuse(link, RefusedCode::Identity, reason),
        }
        Ok(())
    }

    fn member_of_invite(
        &mut self,
        now: UnixMillis,
        invite: &Invite,
        enroll: &Enroll,
        store: &dyn ServerStore,
    ) -> StoreResult<Result<User, &'static str>> {
        let email = match (&invite.email, &enroll.email) {
            (Some(bound), _) => Some(bound.clone()),
            (None, Some(given)) => match fold_email(given) {
                Some(email) => Some(email),
                None => return Ok(Err("that is not an email address")),
            },
            (None, None) => None,
        };
        if let Some(email) = &email
            && let Some(user) = store.user_by_email(email)?
        {
            // Only a code that was made for the address proves that the newcomer is its owner.
            return Ok(if invite.email.is_some() { Ok(user) } else { Err("that email address is taken") });
        }
        let name = invite.name.clone().unwrap_or_else(|| enroll.name.trim().to_owned());
        if !is_name(&name) {
            return Ok(Err("a name has 1 to 80 characters and no control characters: give one with --name"));
        }
        let user = UserId::from_bytes(self.dice.bytes());
        Ok(Ok(User { user, name, email, role: invite.role, joined_at: now, removed_at_millis: None }))
    }

    pub(super) fn put_device(
        &self,
        now: UnixMillis,
        peer: DeviceId,
        user: &User,
        name: &str,
        store: &mut dyn ServerStore,
    ) -> StoreResult<Device> {
        let serial = store.device(&peer)?.map_or(1, |device| device.serial + 1);
        let name = if is_name(name) { name.to_owned() } else { "device".to_owned() };
        let device = Device {
            device: peer,
            user: user.user,
            name,
            serial,
            certificate: self.certify(now, peer, user, serial),
            issued_at: now,
            is_revoked: false,
            last_seen_at: Some(now),
            restored_serial: None,
        };
        store.put_device(&device)?;
        Ok(device)
    }

    pub(super) fn note_enrolled(&mut self, device: &Device, user: &User, how: Proof, by: By) {
        let enrolled = Event::Enrolled { device: device.device, user: user.user, role: user.role, how };
        self.note(enrolled, Some(by));
    }

    pub(super) fn welcome_member(&mut self, link: LinkId, device: &Device, user: &User) {
        let enrolled = Enrolled {
            project: self.project.project,
            project_name: self.project.name.clone(),
            node: self.project.node.clone(),
            certificate: device.certificate.clone(),
            member: super::roster::member_for(user, crate::store::Audience::new(user.user, user.role), true),
        };
        self.send(link, &PeerMessage::Enrolled(enrolled));
    }
}

/// Makes a project: the root vouches for the node, the node becomes its first member, and the project document is
/// the first record of the log. Returns what was stored.
///
/// # Errors
/// The store's.
pub fn initialise_server(
    now: UnixMillis,
    root: &SigningKey,
    node_key: &SigningKey,
    name: &ProjectName,
    seed: [u8; 32],
    store: &mut dyn ServerStore,
) -> StoreResult<ServerProject> {
    let project_id = ProjectId::from_bytes(root.verifying_key().to_bytes());
    let node = DeviceId::from_bytes(node_key.verifying_key().to_bytes());
    let certificate = NodeCertificate { project: project_id, node, serial: 1, issued_at: now };
    let project = ServerProject {
        project: project_id,
        name: name.to_string(),
        log: Dice::new(seed).bytes(),
        node: Signed::sign(root, &certificate),
        node_serial: certificate.serial,
        restored_at_millis: None,
    };
    store.put_project(&project)?;
    let user = User {
        user: server_user(&node),
        name: name.to_string(),
        email: None,
        role: Role::Admin,
        joined_at: now,
        removed_at_millis: None,
    };
    store.put_user(&user)?;
    let hub = ServerHub::open(node_key.clone(), seed, store)?.expect("the project was stored above");
    let device = hub.put_device(now, node, &user, "server", store)?;
    let author = Author { user: user.user, role: user.role, actor: Actor::derive(&node, 0) };
    let change = Doc::new(DocId::Project)
        .apply(&author, now, &[Edit::CreateProject(name.clone())])
        .expect("an empty project document takes its first edit from an admin");
    let hash = change.hash;
    let envelope = Envelope::sign(node_key, &project_id, DocId::Project, 0, change);
    let seq = store.head()?.next();
    let record = Record { seq, admitted_at: now, serial: device.serial, number: None, envelope };
    store.append(&record, &[])?;
    let by = Some(By::member(node, user.user, user.role));
    let own = Event::Enrolled { device: node, user: user.user, role: user.role, how: Proof::Own };
    let noted = vec![
        (Event::Made { log: project.log }, None),
        (own, None),
        (Event::Admitted { change: hash, seq }, by),
    ];
    append(now, node_key, project_id, noted, store)?;
    Ok(project)
}

/// Puts a node that has nothing but its key into its place again: the members' devices bring the rest. A record of
/// this node's own from before may be under any of the first serials, so its new one is far from them.
///
/// # Errors
/// The store's.
pub fn recover_server(
    now: UnixMillis,
    root: &SigningKey,
    node_key: &SigningKey,
    name: &ProjectName,
    seed: [u8; 32],
    store: &mut dyn ServerStore,
) -> StoreResult<ServerProject> {
    let project_id = ProjectId::from_bytes(root.verifying_key().to_bytes());
    let node = DeviceId::from_bytes(node_key.verifying_key().to_bytes());
    let certificate = NodeCertificate { project: project_id, node, serial: RECOVERED_SERIAL, issued_at: now };
    let project = ServerProject {
        project: project_id,
        name: name.to_string(),
        log: Dice::new(seed).bytes(),
        node: Signed::sign(root, &certificate),
        node_serial: certificate.serial,
        restored_at_millis: Some(now.0),
    };
    store.put_project(&project)?;
    let user = User {
        user: server_user(&certificate.node),
        name: name.to_string(),
        email: None,
        role: Role::Admin,
        joined_at: now,
        removed_at_millis: None,
    };
    store.put_user(&user)?;
    let hub = ServerHub::open(node_key.clone(), seed, store)?.expect("the project was stored above");
    store.put_device(&Device {
        device: certificate.node,
        user: user.user,
        name: "server".to_owned(),
        serial: RECOVERED_SERIAL,
        certificate: hub.certify(now, certificate.node, &user, RECOVERED_SERIAL),
        issued_at: now,
        is_revoked: false,
        last_seen_at: None,
        restored_serial: Some(0),
    })?;
    let own = Event::Enrolled { device: node, user: user.user, role: user.role, how: Proof::Own };
    let noted = vec![(Event::Recovered { log: project.log }, None), (own, None)];
    append(now, node_key, project_id, noted, store)?;
    Ok(project)
}

/// Makes a store that was brought back from a backup begin another log: what it gave out since is taken back from
/// whoever holds it. `None` if it serves no project.
///
/// # Errors
/// The store's.
pub fn begin_log_anew(
    now: UnixMillis,
    node_key: &SigningKey,
    seed: [u8; 32],
    store: &mut dyn ServerStore,
) -> StoreResult<Option<ServerProject>> {
    let Some(project) = store.project()? else { return Ok(None) };
    let log = Dice::new(seed).bytes();
    // Behind what is in the backup: the end of that stands in front of this entry.
    note_act(now, node_key, Event::Restored { log }, store)?;
    let project = ServerProject { log, restored_at_millis: Some(now.0), ..project };
    store.put_project(&project)?;
    Ok(Some(project))
}

/// Far from any serial that a node has come to.
const RECOVERED_SERIAL: u32 = 1 << 20;

/// How a code is stored: keyed by the project, spelled as people cannot misspell it.
pub(super) fn code_hash(project: &ProjectId, code: &str) -> [u8; 32] {
    let spelled = spelled(code);
    let key = blake3::derive_key("assist 2026 invitation code v1", project.as_bytes());
    *blake3::keyed_hash(&key, spelled.as_bytes()).as_bytes()
}

/// A code as it is hashed, however a person typed it.
pub fn spelled(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(limits::CODE_CHARS + 1).map(spell).collect()
}

/// Crockford's reading: case does not matter, and letters that look like digits are those.
const fn spell(letter: char) -> char {
    match letter.to_ascii_lowercase() {
        'i' | 'l' => '1',
        'o' => '0',
        other => other,
    }
}

/// The one spelling of an email address, or `None` for what is none. Whether mail arrives is not asked here.
pub(super) fn fold_email(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@')?;
    let is_plain =
        |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let is_address = is_plain(local) && is_plain(domain) && !local.contains('@');
    (is_address && email.len() <= limits::EMAIL_BYTES_MAX).then_some(email)
}

pub(super) fn is_name(name: &str) -> bool {
    let chars = name.trim().chars().count();
    (1..=limits::NAME_CHARS_MAX).contains(&chars) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
