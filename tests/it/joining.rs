//! A device that joins by email, against servers that do not do as they should: it believes nothing that is not proven,
//! keeps no more than it can show, and knows after a restart where it was.

use assist_crdt_model::{DeviceId, ProjectId, Role, UnixMillis, UserId};
use assist_proto::certificate::Signed;
use assist_proto::hub::{Action, CallId, Command, CommandError, DeviceHub, DeviceInput, LinkId, Reply};
use assist_proto::limits;
use assist_proto::store::DeviceStore as _;
use assist_proto::wire::join::{CodeSent, Confirm, Confirmed, RequestCode, Waiting};
use assist_proto::wire::{self, Enrolled, Member, PeerMessage, Refused, RefusedCode, codec};
use assist_tests::memory_store::MemoryStore;
use ed25519_dalek::SigningKey;

/// A device that has joined nothing.
struct Newcomer {
    hub: DeviceHub,
    store: MemoryStore,
    links: u64,
}

impl Newcomer {
    fn new() -> Self {
        let mut store = MemoryStore::default();
        Self { hub: open(&mut store), store, links: 0 }
    }

    fn restart(&mut self) {
        self.hub = open(&mut self.store);
    }

    fn give(&mut self, input: DeviceInput) -> Vec<Action> {
        self.hub.handle(NOW, input, &mut self.store).unwrap();
        self.hub.finish_turn(&mut self.store).unwrap();
        self.hub.take_actions()
    }

    /// Gives a command, lets the server answer what the device says first, and returns both.
    fn talk(&mut self, command: Command, answer: &PeerMessage) -> (PeerMessage, Result<Reply, CommandError>) {
        let actions = self.give(DeviceInput::Command { call: CallId(1), command });
        let dialled = actions.iter().find_map(|action| match action {
            Action::Dial { dial, .. } => Some(*dial),
            _ => None,
        });
        self.links += 1;
        let (dial, link) = (dialled.expect("it dials"), LinkId(self.links));
        let actions = self.give(DeviceInput::Opened { dial, link, peer: peer() });
        let said = actions.into_iter().find_map(|action| match action {
            Action::Send { frame, .. } => Some(codec::decode("message", &frame).unwrap()),
            _ => None,
        });
        let message = Box::new(wire::receive(&wire::encode(answer)).unwrap());
        let actions = self.give(DeviceInput::Received { link, message });
        let replied = actions.into_iter().find_map(|action| match action {
            Action::Reply { outcome, .. } => Some(outcome),
            _ => None,
        });
        (said.expect("it says something"), replied.expect("whoever asked is answered"))
    }

    fn request(&mut self, answer: &PeerMessage) -> Result<Reply, CommandError> {
        let (said, replied) = self.talk(request(), answer);
        assert!(matches!(said, PeerMessage::RequestCode(RequestCode { project: Some(_), .. })), "{said:?}");
        replied
    }

    fn confirm(&mut self, code: Option<&str>, answer: &PeerMessage) -> Result<Reply, CommandError> {
        let command = Command::Confirm { project: project(), code: code.map(str::to_owned) };
        let (said, replied) = self.talk(command, answer);
        let PeerMessage::Confirm(Confirm { code: shown, other: None, .. }) = said else { panic!("{said:?}") };
        assert_eq!(shown.as_deref(), code);
        replied
    }

    fn has_joined_nothing(&self) -> bool {
        self.store.memberships().unwrap().is_empty()
    }
}

fn open(store: &mut MemoryStore) -> DeviceHub {
    DeviceHub::open(NOW, SigningKey::from_bytes(&[5; 32]), [6; 32], true, store).unwrap()
}

fn project() -> ProjectId {
    ProjectId::from_bytes(SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes())
}

fn peer() -> DeviceId {
    DeviceId::from_bytes(SigningKey::from_bytes(&[2; 32]).verifying_key().to_bytes())
}

fn request() -> Command {
    Command::RequestCode {
        address: format!("assist://{}@127.0.0.1:9470", project()).parse().unwrap(),
        email: "carla@example.org".into(),
        name: None,
        device_name: "laptop".into(),
    }
}

fn code_sent(project: ProjectId, name: &str) -> PeerMessage {
    let (project_name, check) = (name.to_owned(), "7k2m".to_owned());
    PeerMessage::CodeSent(CodeSent { project, project_name, check, expires_at: UnixMillis(NOW.0 + 1) })
}

fn waiting() -> PeerMessage {
    PeerMessage::Waiting(Waiting { project_name: "hero".into() })
}

fn refused(code: RefusedCode) -> PeerMessage {
    PeerMessage::Refused(Refused { code, reason: "no".into() })
}

/// What somebody makes up who has no root key.
fn made_up() -> PeerMessage {
    let signed = || Signed { payload: vec![1, 2, 3], signature: [7; 64] };
    let name = "Carla".to_owned();
    let member = Member { user: UserId::from_bytes([3; 16]), name, role: Role::Admin, email: None };
    let (node, certificate) = (signed(), signed());
    PeerMessage::Enrolled(Enrolled {
        project: project(),
        project_name: "hero".into(),
        node,
        certificate,
        member,
    })
}

#[test]
fn code_that_was_asked_for_is_remembered_over_a_restart() {
    let mut newcomer = Newcomer::new();
    let Ok(Reply::CodeSent(pending)) = newcomer.request(&code_sent(project(), "hero")) else {
        panic!("a code is sent")
    };
    assert_eq!((pending.check.as_str(), pending.is_waiting), ("7k2m", false));
    newcomer.restart();
    assert_eq!(newcomer.store.pending_joins().unwrap(), [pending]);
    let Ok(Reply::Waiting(pending)) = newcomer.confirm(Some("0000-0000"), &waiting()) else {
        panic!("it waits")
    };
    assert!(pending.is_waiting);
    newcomer.restart();
    assert!(matches!(newcomer.confirm(None, &waiting()), Ok(Reply::Waiting(_))));
    // A server that is busy or wrong about the version ends nothing; one that turns it away does.
    let busy = newcomer.confirm(None, &refused(RefusedCode::TooMany));
    assert!(matches!(busy, Err(CommandError::Refused { code: RefusedCode::TooMany, .. })), "{busy:?}");
    assert_eq!(newcomer.store.pending_joins().unwrap().len(), 1);
    newcomer.confirm(None, &refused(RefusedCode::Code)).unwrap_err();
    assert_eq!(newcomer.store.pending_joins().unwrap(), []);
}

#[test]
fn wrong_code_may_be_typed_again() {
    let mut newcomer = Newcomer::new();
    newcomer.request(&code_sent(project(), "hero")).unwrap();
    newcomer.confirm(Some("0000-0000"), &refused(RefusedCode::Code)).unwrap_err();
    assert_eq!(newcomer.store.pending_joins().unwrap().len(), 1);
}

#[test]
fn nothing_is_believed_that_the_root_has_not_signed() {
    let mut newcomer = Newcomer::new();
    newcomer.request(&code_sent(project(), "hero")).unwrap();
    let forged = newcomer.confirm(Some("0000-0000"), &made_up());
    assert!(matches!(forged, Err(CommandError::NotTheProject(_))), "{forged:?}");
    assert!(newcomer.has_joined_nothing());
    // Whoever answers for another project than the address names is not the project.
    let other = ProjectId::from_bytes([9; 32]);
    let wrong = Newcomer::new().request(&code_sent(other, "hero"));
    assert!(matches!(wrong, Err(CommandError::NotTheProject(_))), "{wrong:?}");
}

#[test]
fn server_that_speaks_out_of_turn_is_left() {
    let confirmed = PeerMessage::Confirmed(Confirmed { project_name: "hero".into(), is_waiting: false });
    for answer in [made_up(), waiting(), confirmed.clone()] {
        let mut newcomer = Newcomer::new();
        let replied = newcomer.request(&answer);
        assert!(matches!(replied, Err(CommandError::NotTheProject(_))), "{answer:?}: {replied:?}");
        assert!(newcomer.has_joined_nothing() && newcomer.store.pending_joins().unwrap().is_empty());
    }
    for answer in [code_sent(project(), "hero"), confirmed] {
        let mut newcomer = Newcomer::new();
        newcomer.request(&code_sent(project(), "hero")).unwrap();
        let replied = newcomer.confirm(Some("0000-0000"), &answer);
        assert!(matches!(replied, Err(CommandError::NotTheProject(_))), "{answer:?}: {replied:?}");
        assert!(newcomer.has_joined_nothing());
    }
}

#[test]
fn no_more_of_a_name_is_kept_than_is_shown() {
    let mut newcomer = Newcomer::new();
    newcomer.request(&code_sent(project(), &"x".repeat(100_000))).unwrap();
    let pending = newcomer.store.pending_joins().unwrap().remove(0);
    assert_eq!(pending.name.len(), limits::NAME_CHARS_MAX);
}

#[test]
fn code_that_nobody_asked_for_is_not_shown_to_anybody() {
    let mut newcomer = Newcomer::new();
    let command = Command::Confirm { project: project(), code: Some("0000-0000".into()) };
    let actions = newcomer.give(DeviceInput::Command { call: CallId(1), command });
    let outcomes = actions.iter().filter_map(|action| match action {
        Action::Reply { outcome, .. } => Some(outcome),
        _ => None,
    });
    assert_eq!(outcomes.collect::<Vec<_>>(), [&Err(CommandError::NoPendingJoin)]);
    assert!(!actions.iter().any(|action| matches!(action, Action::Dial { .. })), "nobody is dialled");
}

#[test]
fn project_that_was_only_asked_for_can_be_left() {
    let mut newcomer = Newcomer::new();
    newcomer.request(&code_sent(project(), "hero")).unwrap();
    let leave = Command::Leave { project: project(), discard_unsent: false };
    newcomer.give(DeviceInput::Command { call: CallId(1), command: leave });
    assert_eq!(newcomer.store.pending_joins().unwrap(), []);
}

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
