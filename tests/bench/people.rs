//! People and devices put on a project's roster at once, without joining one by one.

use std::path::Path;

use anyhow::Context as _;
use assist_crdt_model::{ProjectId, Role, UnixMillis};
use assist_daemon::device_key::DeviceKey;
use assist_daemon::store::{ServerReads as _, Store};
use assist_proto::certificate::{DeviceCertificate, Signed};
use assist_proto::limits::CERTIFICATE_LIFETIME_MILLIS;
use assist_proto::store::{Device, DeviceStore, ServerProject, ServerStore, User};
use assist_proto::wire::Member;
use assist_tests::dice::Dice;
use ed25519_dalek::SigningKey;

use crate::measure::unix_millis;
use crate::work::Person;

/// A server's project with the key that vouches for devices.
pub(crate) struct Registry {
    /// What is served.
    pub(crate) project: ServerProject,
    /// The server's own key.
    pub(crate) node: SigningKey,
    now: UnixMillis,
}

impl Registry {
    /// Reads it from a server's folder and store.
    pub(crate) fn open(home: &Path, store: &Store) -> anyhow::Result<Self> {
        let project = store.read()?.project()?.context("this folder serves no project")?;
        Ok(Self::of(project, DeviceKey::load(&home.join("node.key"))?.signing_key().clone()))
    }

    /// Of a project without a daemon.
    pub(crate) fn of(project: ServerProject, node: SigningKey) -> Self {
        Self { project, node, now: UnixMillis(unix_millis()) }
    }

    /// Which project.
    pub(crate) fn id(&self) -> ProjectId {
        self.project.project
    }

    /// Makes people of a role members, each with one device.
    pub(crate) fn enrol(
        &self,
        dice: &mut Dice,
        role: Role,
        count: usize,
        store: &Store,
    ) -> anyhow::Result<Vec<Person>> {
        let people: Vec<Person> = (0..count).map(|_| Person::new(dice, role)).collect();
        let mut turn = store.begin_turn()?;
        for person in &people {
            self.put_on_roster(person, &mut turn)?;
        }
        turn.commit()?;
        Ok(people)
    }

    fn put_on_roster(&self, person: &Person, store: &mut dyn ServerStore) -> anyhow::Result<()> {
        store.put_user(&User {
            user: person.user,
            name: name_of(person),
            email: None,
            role: person.role,
            joined_at: self.now,
            removed_at_millis: None,
        })?;
        Ok(store.put_device(&Device {
            device: person.device(),
            user: person.user,
            name: "bench".into(),
            serial: SERIAL,
            certificate: self.certificate(person),
            issued_at: self.now,
            is_revoked: false,
            last_seen_at: None,
            restored_serial: None,
        })?)
    }

    /// Makes people known to a device, as a server's introduction does.
    pub(crate) fn introduce(&self, people: &[Person], store: &mut dyn DeviceStore) -> anyhow::Result<()> {
        for person in people {
            store.put_certificate(&self.id(), &person.device(), SERIAL, &self.certificate(person))?;
            let (user, name, role) = (person.user, name_of(person), person.role);
            store.put_member(&self.id(), &Member { user, name, role, email: None })?;
        }
        Ok(())
    }

    fn certificate(&self, person: &Person) -> Signed {
        let certificate = DeviceCertificate {
            project: self.id(),
            user: person.user,
            role: person.role,
            device: person.device(),
            serial: SERIAL,
            issued_at: self.now,
            not_after: UnixMillis(self.now.0 + CERTIFICATE_LIFETIME_MILLIS),
        };
        Signed::sign(&self.node, &certificate)
    }
}

fn name_of(person: &Person) -> String {
    format!("Person {}", person.user)
}

/// Of everybody's certificate.
pub(crate) const SERIAL: u32 = 1;
