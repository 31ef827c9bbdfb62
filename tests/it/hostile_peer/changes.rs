//! Changes that no honest device makes, each between two that one did, in one frame.

use assist_crdt_model::{
    Actor, Author, Doc, DocId, Edit, NewChange, Priority, RejectCode, Role, TicketId, Title, UserId,
};
use assist_forge::chunk::{Chunk, leb, signed_leb};
use assist_forge::forge;
use assist_proto::envelope::{Envelope, signing_input};
use assist_tests::process::DaemonProcess;
use assist_tests::rogue::{INCARNATION, NOW, Rogue, comment};
use automerge::ChangeHash;
use ed25519_dalek::{Signer as _, SigningKey};

/// What a hostile change is made of: a member, their ticket as it is, and their next honest change of its title.
struct Scene<'a> {
    rogue: &'a Rogue,
    ticket: &'a Doc,
    retitle: NewChange,
}

/// A name, how it is made, and the code that it gets.
type Case = (&'static str, fn(&Scene<'_>) -> Envelope, RejectCode);

const CASES: &[Case] = &[
    ("a signature with a bit flipped", flipped_signature, RejectCode::BadSignature),
    ("the name of another device", named_as_another, RejectCode::BadSignature),
    ("a device that is on no roster", by_nobody, RejectCode::UnknownDevice),
    ("signed for another project", for_another_project, RejectCode::BadSignature),
    ("the actor of another device", with_anothers_actor, RejectCode::WrongActor),
    ("signed for a ticket that is not there", in_another_ticket, RejectCode::MissingDep),
    ("another epoch", of_another_epoch, RejectCode::WrongEpoch),
    ("no bytes", |scene| scene.bytes(Vec::new()), RejectCode::Malformed),
    ("bytes that are no change", |scene| scene.bytes(vec![0x85; 500]), RejectCode::Malformed),
    ("half a change", half, RejectCode::Malformed),
    ("more bytes than a change may have", |scene| scene.bytes(vec![0; 161 * 1024]), RejectCode::TooLarge),
    ("a compressed chunk", compressed_chunk, RejectCode::Malformed),
    ("a compressed column", compressed_column, RejectCode::Malformed),
    ("a million operations in a hundred bytes", operation_bomb, RejectCode::TooLarge),
    ("a thousand heads to follow", |scene| scene.forged(many_heads), RejectCode::TooLarge),
    ("nothing that is known to follow", |scene| scene.forged(orphan), RejectCode::MissingDep),
    ("a sequence number used before", |scene| scene.forged(|it| it.seq = 1), RejectCode::WrongSeq),
    ("a sequence number far ahead", |scene| scene.forged(|it| it.seq = u64::MAX), RejectCode::WrongSeq),
    ("a counter at the end of its range", far_counter, RejectCode::TooLarge),
    ("a counter that goes back", |scene| scene.forged(low_counter), RejectCode::WrongStartOp),
    ("a clock at the end of time", |scene| scene.forged(|it| it.time = i64::MAX), RejectCode::Malformed),
    ("a predecessor that nobody wrote", |scene| scene.forged(unknown_predecessor), RejectCode::WrongPred),
    (
        "no predecessor",
        |scene| scene.forged(|it| it.operations[0].pred = Vec::new().into()),
        RejectCode::WrongPred,
    ),
    ("a field that no ticket has", |scene| scene.forged(unknown_field), RejectCode::NotAnEdit),
    ("an edit that only the team may make", beyond_the_role, RejectCode::NotAllowed),
    ("a comment in the name of another", in_anothers_name, RejectCode::BadValue),
];

#[test]
fn hostile_change_gets_its_code_and_honest_ones_of_the_same_frame_are_admitted() {
    let server = DaemonProcess::server("hero");
    let mut rogue = Rogue::join(&server, 9);
    let (mut ticket, filed) = rogue.ticket(1);
    assert_eq!(rogue.push(vec![filed.clone()]).acks.len(), 1);
    let author = rogue.author(INCARNATION, Role::Customer);
    let mut number = 0;
    let mut honest = |ticket: &mut Doc, rogue: &Rogue| {
        number += 1;
        let change = ticket.apply(&author, NOW, &[comment(number, "Honest")]).unwrap();
        rogue.sign(ticket.id(), change)
    };
    let mut wrong = Vec::new();
    for (name, make, code) in CASES {
        let before = honest(&mut ticket, &rogue);
        let title = Edit::SetTitle(Title::parse("Another").unwrap());
        let retitle = ticket.clone().apply(&author, NOW, &[title]).unwrap();
        let hostile = make(&Scene { rogue: &rogue, ticket: &ticket, retitle });
        let after = honest(&mut ticket, &rogue);
        let verdicts = rogue.push(vec![before, hostile.clone(), after]);
        assert_eq!(verdicts.acks.len(), 2, "{name}: honest changes beside it: {verdicts:?}");
        let codes: Vec<u16> = verdicts.rejected.iter().map(|rejected| rejected.code).collect();
        if codes != [code.number()] {
            wrong.push(format!("{name}: {:?} instead of {code:?}", verdicts.rejected));
        }
        // The same again gets the same.
        let again = rogue.push(vec![hostile]);
        assert_eq!(again.rejected, verdicts.rejected, "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What was admitted is told again with its first place, however often it comes.
    let again = rogue.push(vec![filed.clone(), filed]);
    assert_eq!((again.acks.len(), again.rejected.len()), (2, 0), "{again:?}");
    assert_eq!(again.acks[0], again.acks[1]);
}

impl Scene<'_> {
    fn bytes(&self, bytes: Vec<u8>) -> Envelope {
        self.rogue.sign_bytes(self.ticket.id(), bytes)
    }

    fn forged(&self, twist: impl FnOnce(&mut automerge::ExpandedChange)) -> Envelope {
        self.bytes(forge(&self.retitle.bytes, twist))
    }

    fn honest(&self) -> Envelope {
        self.rogue.sign(self.ticket.id(), self.retitle.clone())
    }

    fn applied(&self, author: &Author, edit: Edit) -> NewChange {
        self.ticket.clone().apply(author, NOW, &[edit]).unwrap()
    }
}

fn flipped_signature(scene: &Scene<'_>) -> Envelope {
    let mut envelope = scene.honest();
    envelope.signature[5] ^= 1;
    envelope
}

fn named_as_another(scene: &Scene<'_>) -> Envelope {
    let other = SigningKey::from_bytes(&[77; 32]).verifying_key().to_bytes();
    Envelope { device: assist_crdt_model::DeviceId::from_bytes(other), ..scene.honest() }
}

fn by_nobody(scene: &Scene<'_>) -> Envelope {
    let key = SigningKey::from_bytes(&[77; 32]);
    let device = assist_crdt_model::DeviceId::from_bytes(key.verifying_key().to_bytes());
    let actor = Actor::derive(&device, INCARNATION);
    let author = Author { actor, ..scene.rogue.author(INCARNATION, Role::Customer) };
    let change = scene.applied(&author, comment(1_000, "Who am I?"));
    Envelope::sign(&key, &scene.rogue.project, scene.ticket.id(), INCARNATION, change)
}

fn for_another_project(scene: &Scene<'_>) -> Envelope {
    let other = assist_crdt_model::ProjectId::from_bytes([3; 32]);
    Envelope::sign(&scene.rogue.key, &other, scene.ticket.id(), INCARNATION, scene.retitle.clone())
}

fn with_anothers_actor(scene: &Scene<'_>) -> Envelope {
    let author = scene.rogue.author(INCARNATION + 1, Role::Customer);
    let change = scene.applied(&author, comment(1_001, "I am another"));
    scene.rogue.sign(scene.ticket.id(), change)
}

fn in_another_ticket(scene: &Scene<'_>) -> Envelope {
    let other = DocId::Ticket(TicketId::from_bytes([2; 16]));
    scene.rogue.sign(other, scene.retitle.clone())
}

fn of_another_epoch(scene: &Scene<'_>) -> Envelope {
    let honest = scene.honest();
    let Rogue { key, project, .. } = scene.rogue;
    let input = signing_input(project, honest.doc, 1, INCARNATION, &scene.retitle.hash);
    Envelope { epoch: 1, signature: key.sign(&input).to_bytes(), ..honest }
}

fn half(scene: &Scene<'_>) -> Envelope {
    scene.bytes(scene.retitle.bytes[..scene.retitle.bytes.len() / 2].to_vec())
}

fn compressed_chunk(scene: &Scene<'_>) -> Envelope {
    scene.bytes(Chunk { kind: 2, ..Chunk::parse(&scene.retitle.bytes) }.to_bytes())
}

fn compressed_column(scene: &Scene<'_>) -> Envelope {
    const DEFLATED: u64 = 0b1000;
    let mut chunk = Chunk::parse(&scene.retitle.bytes);
    chunk.columns.last_mut().unwrap().0 |= DEFLATED;
    scene.bytes(chunk.to_bytes())
}

fn operation_bomb(scene: &Scene<'_>) -> Envelope {
    const COUNT: i64 = 1_000_000;
    let run = |value: &[u8]| [&signed_leb(COUNT), value].concat();
    // Key, insert, action, value and count of predecessors: a million times the same.
    let columns = vec![
        (0x15, run(b"\x01k")),
        (0x34, leb(COUNT as u64)),
        (0x42, run(&[1])),
        (0x56, run(&[0])),
        (0x70, run(&[0])),
    ];
    scene.bytes(Chunk { columns, ..Chunk::parse(&scene.retitle.bytes) }.to_bytes())
}

fn many_heads(change: &mut automerge::ExpandedChange) {
    change.deps = (0..1_000_u32)
        .map(|number| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&number.to_be_bytes());
            ChangeHash(hash)
        })
        .collect();
}

fn orphan(change: &mut automerge::ExpandedChange) {
    change.deps = vec![ChangeHash([0xee; 32])];
}

fn far_counter(scene: &Scene<'_>) -> Envelope {
    scene.forged(|change| change.start_op = (u64::from(u32::MAX) - 1).try_into().unwrap())
}

fn low_counter(change: &mut automerge::ExpandedChange) {
    change.start_op = 2.try_into().unwrap();
}

fn unknown_predecessor(change: &mut automerge::ExpandedChange) {
    let actor = change.actor_id.clone();
    change.operations[0].pred = vec![automerge::legacy::OpId(3, actor)].into();
}

fn unknown_field(change: &mut automerge::ExpandedChange) {
    change.operations[0].key = automerge::legacy::Key::Map("zzz".into());
    change.operations[0].pred = Vec::new().into();
}

fn beyond_the_role(scene: &Scene<'_>) -> Envelope {
    let author = scene.rogue.author(INCARNATION, Role::Agent);
    let change = scene.applied(&author, Edit::SetPriority(Some(Priority::Urgent)));
    scene.rogue.sign(scene.ticket.id(), change)
}

fn in_anothers_name(scene: &Scene<'_>) -> Envelope {
    let author =
        Author { user: UserId::from_bytes([8; 16]), ..scene.rogue.author(INCARNATION, Role::Customer) };
    let change = scene.applied(&author, comment(1_002, "I am the boss"));
    scene.rogue.sign(scene.ticket.id(), change)
}
