//! The grammar of the command line: what is taken, and what is refused with which words.

use std::path::PathBuf;
use std::time::Duration;

use assist_proto::api::sync::WaitUntil;
use assist_proto::api::ticket::{Patch, Priority, Sort, Status};
use assist_proto::api::user::Role;
use clap::{CommandFactory as _, Parser as _};

use super::{
    Cli, DaemonVerb, DeviceVerb, DraftVerb, MemberVerb, Noun, ProjectVerb, ServerVerb, SyncVerb,
    TicketMemberVerb, TicketVerb, UserVerb,
};

fn parse(line: &str) -> Cli {
    Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn ticket(line: &str) -> TicketVerb {
    match parse(line).noun {
        Noun::Ticket(verb) => verb,
        other => panic!("{other:?}"),
    }
}

fn refuse(line: &str) {
    let error = Cli::try_parse_from(line.split(' ')).expect_err(line);
    assert_eq!(error.exit_code(), 2, "{line}");
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn global_options_stand_anywhere() {
    for line in [
        "assist -P hero --home /h --json=id,title -q --no-start ticket list",
        "assist ticket list --project hero --home /h --json=id,title --quiet --no-start",
    ] {
        let globals = parse(line).globals;
        assert_eq!(globals.project.as_deref(), Some("hero"));
        assert_eq!(globals.home, Some(PathBuf::from("/h")));
        assert_eq!(globals.json, Some("id,title".parse().unwrap()));
        assert!(globals.quiet && globals.no_start);
    }
}

#[test]
fn json_takes_fields_behind_an_equals_sign_alone() {
    let bare = parse("assist ticket view --json 142");
    assert!(bare.globals.json.unwrap().are_all());
    assert!(parse("assist project list --jsonl").globals.jsonl.unwrap().are_all());
    refuse("assist ticket list --json --jsonl");
    refuse("assist ticket list --json=id,");
}

#[test]
fn a_project_to_compare_with_is_a_whole_id() {
    let Noun::Verify(verify) = parse("assist verify ticket.bundle").noun else { panic!("it is the noun") };
    assert_eq!((verify.bundle, verify.project_id), (PathBuf::from("ticket.bundle"), None));
    refuse("assist verify ticket.bundle --project-id hero");
    refuse("assist verify");
    refuse("assist ticket export 142");
}

#[test]
fn project_verbs() {
    let Noun::Project(ProjectVerb::Join(join)) =
        parse("assist project join assist://x@host:1 --code c-1 --name Al --email a@b --device-name box")
            .noun
    else {
        panic!("not join")
    };
    assert_eq!((join.address.as_str(), join.code.as_deref()), ("assist://x@host:1", Some("c-1")));
    assert_eq!(join.name.as_deref(), Some("Al"));
    assert_eq!(join.email.as_deref(), Some("a@b"));
    assert_eq!(join.device_name.as_deref(), Some("box"));
    assert!(matches!(parse("assist project list").noun, Noun::Project(ProjectVerb::List)));
    let leave = parse("assist project leave hero --force").noun;
    assert!(
        matches!(leave, Noun::Project(ProjectVerb::Leave { name: Some(name), force: true }) if name == "hero")
    );
    assert!(matches!(
        parse("assist -P hero project leave").noun,
        Noun::Project(ProjectVerb::Leave { name: None, force: false })
    ));
    let Noun::Project(ProjectVerb::Join(join)) =
        parse("assist project join assist://x@host:1 --email a@b").noun
    else {
        panic!("not join")
    };
    assert_eq!((join.code, join.email.as_deref()), (None, Some("a@b")));
    assert!(matches!(
        parse("assist project confirm").noun,
        Noun::Project(ProjectVerb::Confirm { code: None })
    ));
    assert!(matches!(parse("assist project pending").noun, Noun::Project(ProjectVerb::Pending)));
    refuse("assist project join assist://x@host:1");
    assert!(matches!(
        parse("assist project relocate assist://x@host:1").noun,
        Noun::Project(ProjectVerb::Relocate { address }) if address == "assist://x@host:1"
    ));
    refuse("assist project relocate");
}

#[test]
fn ticket_new_takes_fields_and_wait() {
    let TicketVerb::New(new) = ticket(
        "assist ticket new -t T -b B -l a --label b -p urgent -a me --requester x --wait --timeout 2.5",
    ) else {
        panic!("not new")
    };
    assert_eq!((new.title.as_deref(), new.body.body.as_deref()), (Some("T"), Some("B")));
    assert_eq!(new.labels, ["a", "b"]);
    assert_eq!(new.priority, Some(Priority::Urgent));
    assert_eq!((new.assignee.as_deref(), new.requester.as_deref()), (Some("me"), Some("x")));
    assert_eq!(new.wait.wait, Some(WaitUntil::Server));
    assert_eq!(new.wait.timeout, Duration::from_millis(2_500));
}

#[test]
fn texts_come_from_one_place_alone() {
    let TicketVerb::New(new) = ticket("assist ticket new -F -") else { panic!("not new") };
    assert_eq!(new.body.file, Some(PathBuf::from("-")));
    refuse("assist ticket new -b x -F y");
}

#[test]
fn wait_takes_its_value_behind_an_equals_sign_and_timeout_needs_it() {
    let TicketVerb::Close(close) = ticket("assist ticket close --wait=delivered 142") else {
        panic!("not close")
    };
    assert_eq!(close.ticket, "142");
    assert_eq!(close.wait.wait, Some(WaitUntil::Delivered));
    assert_eq!(close.wait.timeout, Duration::from_secs(30));
    refuse("assist ticket close 142 --timeout 5");
    refuse("assist ticket close 142 --wait=never");
    refuse("assist ticket close 142 --wait --timeout -1");
    refuse("assist ticket list --wait");
}

#[test]
fn ticket_list_takes_filters() {
    let TicketVerb::List(list) = ticket(
        "assist ticket list -s open,pending -s closed -a none --requester me -l x -l y --text fire --sort number \
         --reverse -n 7 --offset 3",
    ) else {
        panic!("not list")
    };
    assert_eq!(list.status, [Status::Open, Status::Pending, Status::Closed]);
    assert_eq!(list.assignee.as_deref(), Some("none"));
    assert_eq!(list.labels, ["x", "y"]);
    assert_eq!((list.sort, list.reverse, list.limit, list.offset), (Sort::Number, true, 7, 3));
    refuse("assist ticket list --all -n 3");
    refuse("assist ticket list -s done");
}

#[test]
fn ticket_edit_tells_clearing_from_leaving() {
    let edit = |line: &str| match ticket(line) {
        TicketVerb::Edit(edit) => edit,
        other => panic!("{other:?}"),
    };
    assert_eq!(edit("assist ticket edit 1 --priority none").priority, Some(Patch::Clear));
    assert_eq!(edit("assist ticket edit 1 --priority low").priority, Some(Patch::Set(Priority::Low)));
    assert_eq!(edit("assist ticket edit 1").priority, None);
    let full = edit(
        "assist ticket edit 1 -t T -s resolved -a none --snooze-until none --add-label a --remove-label b",
    );
    assert_eq!(full.status, Some(Status::Resolved));
    assert_eq!((full.add_labels, full.remove_labels), (vec!["a".to_owned()], vec!["b".to_owned()]));
}

#[test]
fn comments_are_written_answered_rewritten_and_struck() {
    let comment = |line: &str| match ticket(line) {
        TicketVerb::Comment(comment) => comment,
        other => panic!("{other:?}"),
    };
    assert_eq!(comment("assist ticket comment 1 -b x --reply-to abc").reply_to.as_deref(), Some("abc"));
    assert_eq!(comment("assist ticket comment 1 -b x --edit abc").edit.as_deref(), Some("abc"));
    assert_eq!(comment("assist ticket comment 1 --strike abc").strike.as_deref(), Some("abc"));
    refuse("assist ticket comment 1 --strike abc -b x");
    refuse("assist ticket comment 1 -b x --edit a --reply-to b");
}

#[test]
fn labels_are_put_on_and_taken_off() {
    let TicketVerb::Label(label) = ticket("assist ticket label #1 bug ui --remove old -r older") else {
        panic!("not label")
    };
    assert_eq!(
        (label.add, label.remove),
        (vec!["bug".into(), "ui".into()], vec!["old".into(), "older".into()])
    );
    refuse("assist ticket label 1");
}

#[test]
fn other_ticket_verbs() {
    assert!(
        matches!(ticket("assist ticket view abcd"), TicketVerb::View { ticket, at: None } if ticket == "abcd")
    );
    assert!(
        matches!(ticket("assist ticket history abcd"), TicketVerb::History { ticket } if ticket == "abcd")
    );
    assert!(matches!(
        ticket("assist ticket member add #1 dora@example.org"),
        TicketVerb::Member(TicketMemberVerb::Add { ticket, member })
            if ticket == "#1" && member == "dora@example.org"
    ));
    assert!(matches!(ticket("assist ticket reopen abcd"), TicketVerb::Reopen(_)));
    assert!(
        matches!(ticket("assist ticket assign abcd none"), TicketVerb::Assign(assign) if assign.agent == "none")
    );
    refuse("assist ticket assign abcd");
}

#[test]
fn drafts_users_sync_daemon_and_server() {
    assert!(matches!(parse("assist draft list").noun, Noun::Draft(DraftVerb::List)));
    assert!(matches!(parse("assist draft show a").noun, Noun::Draft(DraftVerb::Show { .. })));
    assert!(matches!(parse("assist draft discard a").noun, Noun::Draft(DraftVerb::Discard { .. })));
    assert!(matches!(parse("assist draft retry a --wait").noun, Noun::Draft(DraftVerb::Retry { .. })));
    assert!(matches!(parse("assist user list").noun, Noun::User(UserVerb::List)));
    assert!(
        matches!(parse("assist user rename Al").noun, Noun::User(UserVerb::Rename { name }) if name == "Al")
    );
    for (line, verb) in
        [("status", SyncVerb::Status), ("pause", SyncVerb::Pause), ("resume", SyncVerb::Resume)]
    {
        assert!(matches!(parse(&format!("assist sync {line}")).noun, Noun::Sync(parsed) if parsed == verb));
    }
    assert!(matches!(parse("assist daemon run").noun, Noun::Daemon(DaemonVerb::Run)));
    assert!(matches!(parse("assist daemon start").noun, Noun::Daemon(DaemonVerb::Start)));
    assert!(matches!(parse("assist daemon stop").noun, Noun::Daemon(DaemonVerb::Stop)));
    assert!(matches!(parse("assist daemon status").noun, Noun::Daemon(DaemonVerb::Status)));
    assert!(matches!(parse("assist server status").noun, Noun::Server(ServerVerb::Status)));
    assert!(matches!(parse("assist server members").noun, Noun::Server(ServerVerb::Members)));
    let invite = parse("assist server invite --role agent --email a@b --name Al").noun;
    assert!(matches!(invite, Noun::Server(ServerVerb::Invite(invite)) if invite.role == Role::Agent));
    refuse("assist server invite");
}

#[test]
fn members_and_devices() {
    let member = |line: &str| match parse(line).noun {
        Noun::Member(verb) => verb,
        other => panic!("{other:?}"),
    };
    assert!(matches!(member("assist member list"), MemberVerb::List));
    assert!(matches!(member("assist member invitations"), MemberVerb::Invitations));
    let MemberVerb::Invite { email, role, name } = member("assist member invite a@b --role agent --name Al")
    else {
        panic!("not invite")
    };
    assert_eq!((email.as_deref(), role, name.as_deref()), (Some("a@b"), Role::Agent, Some("Al")));
    assert!(matches!(
        member("assist member set-role a@b admin"),
        MemberVerb::SetRole { role: Role::Admin, .. }
    ));
    refuse("assist member invite a@b");
    refuse("assist member set-role a@b owner");
    refuse("assist device list --all --member a@b");
    refuse("assist device approve");
    let device = parse("assist device rename box").noun;
    assert!(matches!(device, Noun::Device(DeviceVerb::Rename { device: None, name }) if name == "box"));
}

#[test]
fn links_are_opened_or_the_desktop_is_told_to() {
    let Noun::Open(open) = parse("assist open assist://x@y --check 7k2m").noun else { panic!("not open") };
    assert_eq!((open.link.as_deref(), open.check.as_deref()), (Some("assist://x@y"), Some("7k2m")));
    assert!(matches!(parse("assist open --install").noun, Noun::Open(open) if open.install));
    refuse("assist open");
    refuse("assist open --install assist://x@y");
}

#[test]
fn watch_rpc_and_completions() {
    let Noun::Watch(watch) = parse("assist watch --since 1-2 --count 3").noun else { panic!("not watch") };
    assert_eq!((watch.since.as_deref(), watch.count), (Some("1-2"), Some(3)));
    let Noun::Rpc(rpc) = parse("assist rpc ticket.list -").noun else { panic!("not rpc") };
    assert_eq!((rpc.method.as_str(), rpc.params.as_deref()), ("ticket.list", Some("-")));
    assert!(matches!(parse("assist completions zsh").noun, Noun::Completions { .. }));
    refuse("assist completions tcsh-9");
}
