//! `assist ticket new` against a running daemon: the whole life of the process, until the ticket is durable.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use assist_proto::api::{project, user};

use crate::Bench;
use crate::floor::Commits;
use crate::measure::Spread;
use crate::node::{Node, scratch};
use crate::program::{Process, command, run as run_program};
use crate::report::{Goal, Row, millis};
use crate::work::{BODY_CHARS, Writer};

/// Measures.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let folder = scratch()?;
    let server = Node::new_server(&bench.runtime, &folder.path().join("s"))?;
    let home = folder.path().join("c");
    let device = Process::device(&home)?;
    let (address, code) = server.invite(user::Role::Customer)?;
    let (name, email) = (Some("Carla".to_owned()), Some("carla@example.org".to_owned()));
    device.call(&project::Join { address, code, name, email, device_name: None })?;

    let socket = folder.path().join("floor.sock");
    answer_questions(&socket)?;
    let commits = Commits::open(&folder.path().join("f"))?;
    let mut writer = Writer::new(17);
    let (mut filed, mut listed, mut asked, mut committed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.scale.of(RUNS) {
        asked.push(run_program(command("bench-ask", &home)?.arg(&socket))?);
        let (title, body) = (writer.title(), writer.text(BODY_CHARS));
        let mut new = command("assist", &home)?;
        filed.push(run_program(new.args(["ticket", "new", "--title", &title, "-b", &body]))?);
        listed.push(run_program(command("assist", &home)?.args(["ticket", "list"]))?);
        committed.extend(commits.run(1)?);
    }
    device.stop()?;
    server.stop()?;
    let (filed, listed) = (Spread::of(filed), Spread::of(listed));
    let (asked, committed) = (Spread::of(asked), Spread::of(committed));
    let least = millis(asked.p50) + millis(committed.p50);
    Ok(vec![
        Row::spread(NAME, "`assist ticket new`, durable, wall", &filed).goal(Goal::AtMost(5.0)),
        Row::spread(NAME, "  the same in programs and one commit", &filed)
            .over(least)
            .goal(Goal::AtMost(3.0 * millis(asked.p50) + millis(committed.p50))),
        Row::spread(NAME, "  floor: minimal program over a Unix socket", &asked),
        Row::spread(NAME, "  floor: redb durable commit", &committed),
        Row::spread(NAME, "`assist ticket list`, 50 rows, wall", &listed),
    ])
}

/// A server that answers everything with the same, until the process ends.
fn answer_questions(socket: &Path) -> anyhow::Result<()> {
    let listener = UnixListener::bind(socket)?;
    std::thread::Builder::new().name("floor".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream).ok(); // The floor's program then says that it failed.
        }
    })?;
    Ok(())
}

fn answer(mut stream: UnixStream) -> std::io::Result<()> {
    let mut question = [0; 700];
    stream.read_exact(&mut question)?;
    stream.write_all(&[b'!'; 27])
}

const NAME: &str = "cli";
const RUNS: u64 = 200;
