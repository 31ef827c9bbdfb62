//! What people call things.

use assist_proto::api::ErrorCode;
use assist_proto::api::project;
use assist_proto::api::sync::WaitUntil;
use assist_proto::api::ticket::{Create, Resolve};
use assist_proto::api::user::{self, Role};

use super::world::{Node, World, check, get};

fn resolve(reference: &str) -> Resolve {
    Resolve { project: None, reference: reference.into() }
}

fn in_project(project: &str) -> project::Get {
    project::Get { project: Some(project.into()) }
}

#[tokio::test]
async fn a_ticket_is_found_by_id_beginning_and_number() {
    let world = World::new().await;
    let id = world.file("Found").await;
    let references = [
        id.clone(),
        id.to_uppercase(),
        format!(" {id} "),
        id[..4].to_owned(),
        id[..25].to_owned(),
        "#1".into(),
    ];
    for reference in references {
        let found = world.customer.call(resolve(&reference)).await;
        assert_eq!((found.id.as_str(), found.number, found.title.as_str()), (id.as_str(), Some(1), "Found"));
    }
    let named = Resolve { project: Some("Mycelium".into()), reference: id[..6].into() };
    assert_eq!(world.agent.call(named).await.id, id);
}

#[tokio::test]
async fn what_is_no_reference_says_what_one_is() {
    let world = World::new().await;
    let id = world.file("Ticket").await;
    let cases = [
        (&id[..3], ErrorCode::InvalidParams, "ticket_too_short"),
        ("142", ErrorCode::InvalidParams, "ticket_too_short"),
        ("", ErrorCode::InvalidParams, "ticket_too_short"),
        ("#", ErrorCode::InvalidParams, "bad_ticket"),
        ("#-1", ErrorCode::InvalidParams, "bad_ticket"),
        ("#+1", ErrorCode::InvalidParams, "bad_ticket"),
        ("#99999999999", ErrorCode::InvalidParams, "bad_ticket"),
        ("not an id", ErrorCode::InvalidParams, "bad_ticket"),
        ("gr\u{fc}\u{df}e", ErrorCode::InvalidParams, "bad_ticket"),
        ("0000000000000000000000000000", ErrorCode::InvalidParams, "bad_ticket"),
        ("#2", ErrorCode::NotFound, "no_such_ticket"),
        ("00000000000000000000000000", ErrorCode::NotFound, "no_such_ticket"),
    ];
    for (reference, code, reason) in cases {
        check(&world.customer.fail(resolve(reference)).await, code, reason, Some("reference"));
    }
    assert!(world.customer.fail(resolve("142")).await.message.contains("#142"));
}

#[tokio::test]
async fn an_ambiguous_beginning_names_the_candidates() {
    use assist_crdt_model::TicketId;
    use assist_proto::store::DeviceStore as _;

    let world = World::new().await;
    let id = world.file("Ticket").await;
    let store = world.customer.driver().store();
    let project = world.customer.driver().status().borrow().projects.keys().next().copied().unwrap();
    let ticket: TicketId = id.parse().unwrap();
    let mut turn = store.begin_turn().unwrap();
    let mut row = turn.row(&project, ticket).unwrap().unwrap();
    let mut bytes = *ticket.as_bytes();
    bytes[15] ^= 1;
    (row.ticket, row.title, row.number) = (TicketId::from_bytes(bytes), "Twin".into(), None);
    turn.put_row(&project, &row).unwrap();
    turn.commit().unwrap();

    let error = world.customer.fail(resolve(&id[..8])).await;
    check(&error, ErrorCode::Conflict, "ambiguous_ticket", Some("reference"));
    let mut titles: Vec<_> = error.data.candidates.iter().map(|ticket| ticket.title.as_str()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["Ticket", "Twin"]);
    assert_eq!(world.customer.call(resolve(&id)).await.title, "Ticket");
}

#[tokio::test]
async fn numbers_need_the_project_when_several_are_joined() {
    let (mycelium, hero, device) = (Node::server("Mycelium"), Node::server("Hero"), Node::device());
    device.join(&mycelium, Role::Customer, "Carla").await;
    device.join(&hero, Role::Customer, "Carla").await;
    let title = "Only in Hero".to_owned();
    let filed = device.call(Create { project: Some("Hero".into()), title, ..Create::default() }).await;
    device.wait(&[&filed.change], WaitUntil::Server).await;
    let error = device.fail(resolve("#1")).await;
    check(&error, ErrorCode::Conflict, "ambiguous_ticket", Some("reference"));
    assert_eq!(error.data.candidates.len(), 1, "it says what it would be");
    let named = Resolve { project: Some("hero".into()), reference: "#1".into() };
    assert_eq!(device.call(named).await.id, filed.ticket.id);
    assert_eq!(device.call(resolve(&filed.ticket.id[..6])).await.number, Some(1));
}

#[tokio::test]
async fn a_project_is_found_by_id_name_and_beginning() {
    let (first, second, device) = (Node::server("Hero"), Node::server("Hero Labs"), Node::device());
    let hero = device.join(&first, Role::Customer, "Carla").await;
    let labs = device.join(&second, Role::Customer, "Carla").await;
    let cases = [
        ("Hero", &hero.id),
        ("hero", &hero.id),
        ("hero l", &labs.id),
        (hero.id.as_str(), &hero.id),
        (&labs.id.to_uppercase()[..12], &labs.id),
    ];
    for (reference, id) in cases {
        assert_eq!(device.call(in_project(reference)).await.info.id, *id, "{reference}");
    }
    let error = device.fail(in_project("her")).await;
    check(&error, ErrorCode::Conflict, "ambiguous_project", Some("project"));
    assert_eq!(error.data.nearest.len(), 2);
    let error = device.fail(in_project("heor")).await;
    check(&error, ErrorCode::NotFound, "no_such_project", Some("project"));
    assert_eq!(error.data.nearest[0], "Hero");
    check(&device.fail(in_project("")).await, ErrorCode::NotFound, "no_such_project", Some("project"));
    check(
        &device.fail(project::Get::default()).await,
        ErrorCode::InvalidParams,
        "project_needed",
        Some("project"),
    );
}

#[tokio::test]
async fn a_device_without_projects_is_told_to_join_one() {
    let device = Node::device();
    let error = device.fail(Create { title: "Nowhere".into(), ..Create::default() }).await;
    check(&error, ErrorCode::NotEnrolled, "no_project", None);
    check(&device.fail(resolve("#1")).await, ErrorCode::NotEnrolled, "no_project", None);
    check(&device.fail(in_project("Hero")).await, ErrorCode::NotEnrolled, "not_joined", Some("project"));
    assert!(device.call(project::List {}).await.projects.is_empty());
}

#[tokio::test]
async fn a_user_is_meant_by_id_email_or_a_name_that_only_one_has() {
    use assist_proto::api::ticket::{Edit, FieldValues, Patch};

    let world = World::new().await;
    let id = world.file("Ticket").await;
    let namesake = Node::device();
    let invitation = world
        .server
        .call(assist_proto::api::server::Invite {
            role: Role::Agent,
            email: Some("arno2@example.org".into()),
            name: Some("Arno".into()),
        })
        .await;
    let join =
        project::Join { address: invitation.address, code: invitation.code, ..project::Join::default() };
    namesake.call(join).await;
    namesake.until(get("#1"), |ticket| ticket.row.is_loaded).await;
    let comment = assist_proto::api::comment::Add {
        ticket: id.clone(),
        body: "I am Arno too".into(),
        ..Default::default()
    };
    namesake.call(comment).await;
    // The other agent learns of the namesake with their comment.
    world.agent.until(user::List::default(), |users| named_arno(users) == 2).await;

    let assign = |text: &str| {
        let set = FieldValues { assignee: Patch::Set(text.into()), ..FieldValues::default() };
        Edit { ticket: id.clone(), set, ..Edit::default() }
    };
    let error = world.agent.fail(assign("Arno")).await;
    check(&error, ErrorCode::Conflict, "ambiguous_user", Some("set.assignee"));
    assert_eq!(error.data.nearest.len(), 2);
    world.agent.call(assign("ARNO2@example.org")).await;
    let users = world.agent.call(user::List::default()).await.users;
    let other = users.iter().find(|user| user.email.as_deref() == Some("arno2@example.org")).unwrap();
    assert_eq!(world.agent.get(&id).await.row.assignee.unwrap().id, other.id);
    assert_eq!(world.agent.call(assign(&other.id)).await.change, None, "the id says the same");
    let names: Vec<_> = users.iter().map(|user| (user.name.as_str(), user.role)).collect();
    // The server itself wrote the project's first record.
    assert_eq!(
        names,
        [("Arno", Role::Agent), ("Arno", Role::Agent), ("Carla", Role::Customer), ("Mycelium", Role::Admin)]
    );
    assert_eq!(users.iter().filter(|user| user.is_self).count(), 1);
}

fn named_arno(users: &user::Users) -> usize {
    users.users.iter().filter(|user| user.name == "Arno").count()
}
