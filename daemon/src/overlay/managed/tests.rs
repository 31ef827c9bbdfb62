//! Programs that behave, crash, lack a right, and speak rubbish.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program of this text, and a supervisor that runs it.
fn supervised(folder: &Path, script: &str) -> (Supervisor, watch::Receiver<ProgramState>) {
    let program = folder.join("mycelium");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    supervisor(folder, program)
}

fn supervisor(folder: &Path, program: PathBuf) -> (Supervisor, watch::Receiver<ProgramState>) {
    let peers = vec!["tcp://192.0.2.7:9651".parse().unwrap(), "tcp://[2001:db8::1]:9651".parse().unwrap()];
    let config = ManagedConfig { program, key_folder: folder.join("keys"), peers };
    // Nobody answers at a port that nobody may take.
    Supervisor::new(config, "127.0.0.1:1".parse().unwrap())
}

async fn failure_of(script: &str) -> Failure {
    let folder = tempfile::tempdir().unwrap();
    let (supervisor, _state) = supervised(folder.path(), script);
    timeout(PATIENCE, supervisor.run_once()).await.expect("it ends")
}

#[tokio::test]
async fn program_is_told_its_key_its_api_and_its_peers_and_ends_with_us() {
    let folder = tempfile::tempdir().unwrap();
    let (said, alive) = (folder.path().join("said"), folder.path().join("alive"));
    let script = format!("echo $$ > {}; echo \"$@\" > {}; exec sleep 600", alive.display(), said.display());
    let (supervisor, state) = supervised(folder.path(), &script);
    let mut task = JoinSet::new();
    task.spawn(supervisor.run());
    let words = until(|| std::fs::read_to_string(&said).ok().filter(|words| words.ends_with('\n'))).await;
    let key = folder.path().join("keys/node.key");
    assert_eq!(
        words.trim(),
        format!(
            "--key-file {} --api-addr 127.0.0.1:1 --jsonrpc-addr 127.0.0.1:0 --peers tcp://192.0.2.7:9651 \
             tcp://[2001:db8::1]:9651",
            key.display()
        )
    );
    let mode = std::fs::metadata(folder.path().join("keys")).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, state.borrow().clone()), (0o700, ProgramState::Running));
    let pid: i32 = std::fs::read_to_string(&alive).unwrap().trim().parse().unwrap();
    let is_there =
        || rustix::process::test_kill_process(rustix::process::Pid::from_raw(pid).unwrap()).is_ok();
    assert!(is_there());
    task.shutdown().await;
    until(|| (!is_there()).then_some(())).await;
}

#[tokio::test]
async fn program_that_crashes_is_started_again_and_its_last_words_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let script = format!(
        "echo run >> {}; echo starting; echo boom without colours: $NO_COLOR >&2; exit 3",
        runs.display()
    );
    let (supervisor, mut state) = supervised(folder.path(), &script);
    let mut task = JoinSet::new();
    task.spawn(supervisor.run());
    timeout(PATIENCE, state.changed()).await.unwrap().unwrap();
    let ProgramState::Failed(failure) = state.borrow().clone() else { panic!("it did not fail") };
    assert!(matches!(&failure, Failure::Ended { how, .. } if how.contains('3')), "{failure}");
    assert!(failure.to_string().contains("said last: boom without colours: 1"), "{failure}");
    until(|| std::fs::read_to_string(&runs).ok().filter(|runs| runs.lines().count() >= 2)).await;
}

#[tokio::test]
async fn want_of_a_right_is_explained_with_the_command_that_gives_it() {
    for words in [
        "Error: Os { code: 1, kind: PermissionDenied, message: \\\"Operation not permitted\\\" }",
        "Could not create tun device named \\\"mycelium\\\", make sure ... you have sufficient privileges",
    ] {
        let failure = failure_of(&format!("echo \"{words}\" >&2; exit 1")).await;
        assert!(matches!(failure, Failure::NoPrivilege { .. }), "{failure}");
        assert!(failure.help().unwrap().starts_with("sudo setcap cap_net_admin+ep "), "{failure}");
    }
    let failure = failure_of("echo 'cannot open /dev/net/tun: No such file or directory'; exit 1").await;
    assert_eq!((&failure, failure.help().as_deref()), (&Failure::NoTun, Some("sudo modprobe tun")));
    assert_eq!(failure_of("echo 'Address already in use (os error 98)'; exit 101").await, Failure::Taken);
}

#[tokio::test]
async fn rubbish_is_bounded_and_shown_for_what_it_is() {
    let failure =
        failure_of("head -c 3000000 /dev/zero | tr '\\0' x; printf '\\033[2J\\377\\n'; kill -9 $$").await;
    let Failure::Ended { how, last_words: Some(words) } = &failure else { panic!("{failure}") };
    assert!(how.contains("signal: 9"), "{how}");
    assert!(words.len() <= 4 * LINE_BYTES_MAX && !words.contains(char::is_control), "{} bytes", words.len());
    assert!(failure_of("exit 0").await.to_string().ends_with("without a word"));
    let many = failure_of("i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; exit 1").await;
    assert!(many.to_string().ends_with("said last: line 499"), "{many}");
}

#[tokio::test]
async fn program_that_is_not_there_or_cannot_run_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, _state) = supervisor(folder.path(), folder.path().join("nowhere"));
    let failure = missing.run_once().await;
    assert!(
        matches!(failure, Failure::Missing { .. }) && failure.help().unwrap().contains("mycelium/releases")
    );
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "text").unwrap();
    let (plain, _state) = supervisor(folder.path(), plain);
    assert!(matches!(plain.run_once().await, Failure::NotStarted { .. }));
}

#[tokio::test]
async fn node_that_runs_already_is_left_alone() {
    use super::super::fake_node::{ADDRESS, FakeNode, KEY, node_answer};
    let node = FakeNode::saying(node_answer(KEY, ADDRESS)).await;
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let (mut supervisor, mut state) = supervised(folder.path(), &format!("touch {}", ran.display()));
    supervisor.api = node.api;
    let mut task = JoinSet::new();
    task.spawn(supervisor.run());
    timeout(Duration::from_millis(300), state.changed()).await.unwrap_err();
    assert!(!ran.exists());
}

#[test]
fn pauses_grow_and_end_growing() {
    assert_eq!(pause(1), PAUSE_MIN);
    assert_eq!(pause(2), 2 * PAUSE_MIN);
    assert!((1..100).all(|failures| pause(failures) <= pause(failures + 1)));
    assert_eq!(pause(u32::MAX), PAUSE_MAX);
}

#[test]
fn peers_are_addresses_with_a_way_to_talk() {
    for good in ["tcp://192.0.2.7:9651", "quic://[2001:db8::1]:9651"] {
        good.parse::<PeerEndpoint>().unwrap();
    }
    for bad in
        ["", "192.0.2.7:9651", "tcp://example.org:9651", "tcp://192.0.2.7", "tcp://192.0.2.7:0", "--no-tun"]
    {
        assert!(bad.parse::<PeerEndpoint>().unwrap_err().to_string().contains("tcp://192.0.2.7:9651"));
    }
}

/// Waits until there is what is looked for.
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("in time")
}
