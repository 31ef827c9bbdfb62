//! decode(encode(m)) == m, for any message.

use assist_crdt_model::{BlobHash, DeviceId, Priority, Status, TicketId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::join::OtherDevice;
use super::super::presence::{Doing, People, PresentPerson, TicketPresence, View};
use super::super::*;
use super::asks;
use crate::store::{Follow, Kept, KeptFollow, KeptMails, KeptView, Mails};

proptest! {
    #[test]
    fn a_message_reads_back_as_it_was_written(message in message()) {
        let frame = encode(&message);
        prop_assert_eq!(codec::decode::<PeerMessage>("message", &frame).unwrap(), message);
    }

    #[test]
    fn a_message_has_one_encoding(message in message()) {
        let read: PeerMessage = codec::decode("message", &encode(&message)).unwrap();
        prop_assert_eq!(encode(&read), encode(&message));
    }

    #[test]
    fn pages_read_back_as_they_were_written(rows in vec(row(), 0..20), docs in vec(paged_doc(), 0..20)) {
        let frame = encode(&PeerMessage::Rows(Rows { page: codec::encode_page(&rows) }));
        prop_assert_eq!(receive(&frame).unwrap(), Received::Rows(rows));
        let page = codec::encode_page(&docs);
        let frame = encode(&PeerMessage::Docs(Docs { page, before: None, is_last: true }));
        prop_assert_eq!(receive(&frame).unwrap(), Received::Docs { docs, before: None, is_last: true });
    }
}

fn message() -> impl Strategy<Value = PeerMessage> {
    prop_oneof![
        message_of_device(),
        message_of_server(),
        stream_of_server(),
        asks::any_message(),
        message_of_joining()
    ]
}

fn message_of_device() -> impl Strategy<Value = PeerMessage> {
    let hello = (
        any::<u16>(),
        project(),
        option::of(any::<LogId>()),
        seq(),
        any::<[u64; 2]>(),
        cold(),
        any::<[u32; 2]>(),
    );
    let enroll = (any::<u16>(), option::of(project()), any::<[String; 3]>(), option::of(any::<String>()));
    prop_oneof![
        hello.prop_map(|(version, project, log, cursor, [mark_cursor, kept_version], cold, serials)| {
            let [node_serial, serial] = serials;
            PeerMessage::Hello(Hello {
                version,
                project,
                log,
                cursor,
                mark_cursor,
                cold,
                node_serial,
                serial,
                kept_version,
                certificate: None,
            })
        }),
        enroll.prop_map(|(version, project, [code, name, device_name], email)| {
            PeerMessage::Enroll(Enroll { version, project, code, name, email, device_name })
        }),
        (project(), vec(envelope(), 0..8))
            .prop_map(|(project, envelopes)| PeerMessage::Push(Push { project, envelopes })),
        seq().prop_map(|cursor| PeerMessage::Seen(Seen { cursor })),
        vec(pending_read(), 0..8).prop_map(|reads| PeerMessage::Read(Read { reads })),
        present(),
        vec(kept(), 0..8).prop_map(|kept| PeerMessage::Keep(Keep { kept })),
        vec(doc(), 0..8).prop_map(|docs| PeerMessage::Fetch(Fetch { docs })),
    ]
}

fn message_of_joining() -> impl Strategy<Value = PeerMessage> {
    let request = (any::<u16>(), option::of(project()), any::<[String; 2]>(), option::of(any::<String>()));
    let other = (any::<[u8; 32]>(), any::<String>())
        .prop_map(|(device, check)| OtherDevice { device: DeviceId::from_bytes(device), check });
    let confirm = (any::<u16>(), project(), option::of(any::<String>()), option::of(other));
    prop_oneof![
        request.prop_map(|(version, project, [email, device_name], name)| {
            PeerMessage::RequestCode(RequestCode { version, project, email, name, device_name })
        }),
        confirm.prop_map(|(version, project, code, other)| {
            PeerMessage::Confirm(Confirm { version, project, code, other })
        }),
        (project(), any::<[String; 2]>(), millis()).prop_map(
            |(project, [project_name, check], expires_at)| {
                PeerMessage::CodeSent(CodeSent { project, project_name, check, expires_at })
            }
        ),
        any::<String>().prop_map(|project_name| PeerMessage::Waiting(Waiting { project_name })),
        (any::<String>(), any::<bool>()).prop_map(|(project_name, is_waiting)| {
            PeerMessage::Confirmed(Confirmed { project_name, is_waiting })
        }),
    ]
}

fn message_of_server() -> impl Strategy<Value = PeerMessage> {
    let certificates = (option::of(signed()), option::of(signed()));
    let extras = (option::of(any::<u64>()), option::of(signed()), vec(doc(), 0..4));
    let welcome = (any::<u16>(), any::<LogId>(), seq(), certificates, millis(), extras);
    let blobs = vec(any::<[u8; 32]>().prop_map(BlobHash::from_bytes), 0..4);
    prop_oneof![
        welcome.prop_map(
            |(version, log, head, (node, certificate), now, (blob_bytes_max, hosts, wanted))| {
                PeerMessage::Welcome(Welcome {
                    version,
                    log,
                    head,
                    node,
                    certificate,
                    now,
                    blob_bytes_max,
                    hosts,
                    wanted,
                })
            }
        ),
        (doc(), blobs).prop_map(|(doc, blobs)| PeerMessage::BlobsHere(BlobsHere { doc, blobs })),
        (any::<u64>(), any::<bool>(), vec(kept(), 0..8)).prop_map(|(version, is_whole, kept)| {
            PeerMessage::Kept(KeptNews { version, is_whole, kept })
        }),
        (any::<u16>(), any::<String>()).prop_map(|(code, reason)| {
            PeerMessage::Refused(Refused { code: RefusedCode::from(code), reason })
        }),
        (project(), any::<String>(), signed(), signed(), member()).prop_map(
            |(project, project_name, node, certificate, member)| {
                PeerMessage::Enrolled(Enrolled { project, project_name, node, certificate, member })
            }
        ),
        (vec(signed(), 0..4), vec(member(), 0..4), vec(named_device(), 0..4)).prop_map(
            |(certificates, members, devices)| {
                PeerMessage::Introduce(Introduce { certificates, members, devices })
            }
        ),
        (vec(ack(), 0..4), vec(rejected(), 0..4))
            .prop_map(|(acks, rejected)| PeerMessage::Verdicts(Verdicts { acks, rejected })),
    ]
}

fn stream_of_server() -> impl Strategy<Value = PeerMessage> {
    let docs = (vec(any::<u8>(), 0..300), option::of(seq()), any::<bool>());
    prop_oneof![
        (project(), vec(item(), 0..8))
            .prop_map(|(project, items)| PeerMessage::Records(Records { project, items })),
        (seq(), any::<u64>()).prop_map(|(at, tickets)| PeerMessage::ColdStart(ColdStart { at, tickets })),
        vec(any::<u8>(), 0..300).prop_map(|page| PeerMessage::Rows(Rows { page })),
        docs.prop_map(|(page, before, is_last)| PeerMessage::Docs(Docs { page, before, is_last })),
        presence_news(),
        (any::<u64>(), vec(mark(), 0..8), vec(read_mark(), 0..8)).prop_map(|(mark_cursor, marks, reads)| {
            PeerMessage::Marks(Marks { mark_cursor, marks, reads })
        }),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let place = || (seq(), doc()).prop_map(|(seq, doc)| DocPlace { seq, doc });
    prop_oneof![
        record().prop_map(Item::Record),
        ack().prop_map(Item::Own),
        seq().prop_map(Item::Through),
        place().prop_map(Item::Granted),
        place().prop_map(Item::Revoked),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    (seq(), millis(), any::<u32>(), option::of(any::<u32>()), envelope()).prop_map(
        |(seq, admitted_at, serial, number, envelope)| Record { seq, admitted_at, serial, number, envelope },
    )
}

fn envelope() -> impl Strategy<Value = Envelope> {
    (doc(), any::<[u8; 32]>(), any::<[u32; 2]>(), vec(any::<u8>(), 0..300), signature()).prop_map(
        |(doc, device, [incarnation, epoch], change, signature)| Envelope {
            doc,
            device: DeviceId::from_bytes(device),
            incarnation,
            epoch,
            change,
            signature,
        },
    )
}

fn ack() -> impl Strategy<Value = Ack> {
    (change(), doc(), seq(), millis(), any::<u32>(), option::of(any::<u32>())).prop_map(
        |(change, doc, seq, admitted_at, serial, number)| Ack {
            change,
            doc,
            seq,
            admitted_at,
            serial,
            number,
        },
    )
}

fn rejected() -> impl Strategy<Value = RejectedChange> {
    let cause = option::of(any::<u16>().prop_map(HoldCause::from));
    (change(), any::<u16>(), any::<String>(), option::of(any::<u64>()), cause).prop_map(
        |(change, code, detail, wait_millis, cause)| RejectedChange {
            change,
            code,
            detail,
            wait_millis,
            cause,
        },
    )
}

fn member() -> impl Strategy<Value = Member> {
    (user(), any::<String>(), select(Role::ALL), option::of(any::<String>()))
        .prop_map(|(user, name, role, email)| Member { user, name, role, email })
}

fn named_device() -> impl Strategy<Value = NamedDevice> {
    (any::<[u8; 32]>(), any::<String>())
        .prop_map(|(device, name)| NamedDevice { device: DeviceId::from_bytes(device), name })
}

fn present() -> impl Strategy<Value = PeerMessage> {
    let view = (ticket(), doing()).prop_map(|(ticket, doing)| View { ticket, doing });
    (any::<bool>(), vec(view, 0..=limits::PRESENT_VIEWS_MAX), option::of(any::<String>()))
        .prop_map(|(is_here, views, status)| PeerMessage::Present(Present { is_here, views, status }))
}

fn presence_news() -> impl Strategy<Value = PeerMessage> {
    let at_ticket = (ticket(), people()).prop_map(|(ticket, people)| TicketPresence { ticket, people });
    (vec(at_ticket, 0..4), option::of(people()), any::<bool>()).prop_map(|(tickets, team, is_answer)| {
        PeerMessage::PresenceNews(PresenceNews { tickets, team, is_answer })
    })
}

fn people() -> impl Strategy<Value = People> {
    let person = (user(), doing(), option::of(any::<String>()))
        .prop_map(|(user, doing, status)| PresentPerson { user, doing, status });
    (any::<u32>(), vec(person, 0..4)).prop_map(|(count, named)| People { count, named })
}

fn doing() -> impl Strategy<Value = Doing> {
    select(&[Doing::Away, Doing::Online, Doing::Viewing, Doing::TypingNote, Doing::Typing][..])
}

fn read_mark() -> impl Strategy<Value = ReadMark> {
    (ticket(), user(), seq(), millis(), any::<bool>(), option::of(seq())).prop_map(
        |(ticket, user, through, at, is_team, private_through)| ReadMark {
            ticket,
            user,
            through,
            at,
            is_team,
            private_through,
        },
    )
}

fn kept() -> impl Strategy<Value = Kept> {
    let follow = (ticket(), option::of(any::<u16>().prop_map(Follow::from)));
    let view = (any::<String>(), option::of(any::<String>()));
    prop_oneof![
        follow.prop_map(|(ticket, follow)| Kept::Follow(KeptFollow { ticket, follow })),
        view.prop_map(|(name, query)| Kept::View(KeptView { name, query })),
        option::of(any::<u16>().prop_map(Mails::from)).prop_map(|mails| Kept::Mails(KeptMails { mails })),
    ]
}

fn pending_read() -> impl Strategy<Value = PendingRead> {
    (ticket(), seq(), millis(), any::<bool>()).prop_map(|(ticket, through, at, is_private)| PendingRead {
        ticket,
        through,
        at,
        is_private,
    })
}

fn mark() -> impl Strategy<Value = Mark> {
    (ticket(), seq(), seq()).prop_map(|(ticket, team, customers)| Mark { ticket, team, customers })
}

fn row() -> impl Strategy<Value = TicketRow> {
    let who = (ticket(), option::of(any::<u32>()), user(), option::of(user()), option::of(ticket()));
    let fields =
        (any::<String>(), select(Status::ALL), option::of(select(Priority::ALL)), option::of(any::<u64>()));
    let rest = (vec(any::<String>(), 0..4), millis(), millis(), any::<u32>(), any::<bool>(), seq());
    (who, fields, rest).prop_map(|(who, fields, rest)| {
        let (ticket, number, requester, assignee, merged_into) = who;
        let (title, status, priority, snoozed_until_millis) = fields;
        let (labels, created_at, updated_at, comment_count, has_conflict, last_seq) = rest;
        TicketRow {
            ticket,
            number,
            requester,
            title,
            status,
            assignee,
            priority,
            snoozed_until_millis,
            merged_into,
            labels,
            created_at,
            updated_at,
            comment_count,
            has_conflict,
            last_seq,
        }
    })
}

fn paged_doc() -> impl Strategy<Value = PagedDoc> {
    (doc(), vec(any::<u8>(), 0..300)).prop_map(|(doc, records)| PagedDoc { doc, records })
}

fn signed() -> impl Strategy<Value = Signed> {
    (vec(any::<u8>(), 0..300), signature()).prop_map(|(payload, signature)| Signed { payload, signature })
}

fn cold() -> impl Strategy<Value = Option<ColdPosition>> {
    option::of((seq(), seq()).prop_map(|(at, before)| ColdPosition { at, before }))
}

fn doc() -> impl Strategy<Value = DocId> {
    prop_oneof![ticket().prop_map(DocId::Ticket), ticket().prop_map(DocId::Notes), Just(DocId::Project)]
}

fn signature() -> impl Strategy<Value = [u8; 64]> {
    any::<[[u8; 32]; 2]>().prop_map(|halves| {
        let mut signature = [0; 64];
        signature.copy_from_slice(halves.as_flattened());
        signature
    })
}

fn project() -> impl Strategy<Value = ProjectId> {
    any::<[u8; 32]>().prop_map(ProjectId::from_bytes)
}

fn change() -> impl Strategy<Value = ChangeHash> {
    any::<[u8; 32]>().prop_map(ChangeHash::from_bytes)
}

fn ticket() -> impl Strategy<Value = TicketId> {
    any::<[u8; 16]>().prop_map(TicketId::from_bytes)
}

fn user() -> impl Strategy<Value = UserId> {
    any::<[u8; 16]>().prop_map(UserId::from_bytes)
}

fn seq() -> impl Strategy<Value = Seq> {
    any::<u64>().prop_map(Seq)
}

fn millis() -> impl Strategy<Value = UnixMillis> {
    any::<u64>().prop_map(UnixMillis)
}
