//! `help` and `man`: what the program says of itself. Topics are sections of the pages in `docs`, so the two agree.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};

use crate::args::Cli;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;

/// Prints the help of a command, or a topic.
pub(crate) fn run(words: &[String], invocation: &mut Invocation) -> Result<(), CliError> {
    if let [word] = words
        && let Some(topic) = TOPICS.iter().find(|topic| topic.name == word)
    {
        return invocation.output.line(section(topic).trim());
    }
    let mut command = Cli::command();
    // Lets every command know how it is called.
    command.build();
    let found = words.iter().try_fold(&command, |command, word| command.find_subcommand(word));
    match found {
        Some(found) => invocation.output.line(found.clone().render_long_help().to_string().trim_end()),
        None => {
            let names: Vec<&str> = TOPICS.iter().map(|topic| topic.name).collect();
            let text = format!("there is no command and no topic `{}`", words.join(" "));
            Err(CliError::message(ErrorKind::Usage, text)
                .hint(format!("topics are {}; `assist help` lists the commands", names.join(", "))))
        }
    }
}

/// Writes a manual page for each command into a folder. Gives how many.
pub(crate) fn man(folder: &Path, invocation: &mut Invocation) -> Result<(), CliError> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let failed = |error: std::io::Error| {
        let error = anyhow::Error::new(error).context(format!("cannot write to {}", folder.display()));
        CliError::new(ErrorKind::Failed, error)
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut count = 0;
    write_pages(&command, folder, &mut count).map_err(failed)?;
    invocation
        .output
        .say(&format!("wrote {count} pages; `man -l {}/assist.1` shows the first", folder.display()));
    invocation.output.line(&count.to_string())
}

fn write_pages(command: &Command, folder: &Path, count: &mut u64) -> std::io::Result<()> {
    let man = clap_mangen::Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    fs::write(folder.join(man.get_filename()), page)?;
    *count += 1;
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    for inner in inner {
        write_pages(inner, folder, count)?;
    }
    Ok(())
}

/// A section of a page, by its heading.
struct Topic {
    name: &'static str,
    page: &'static str,
    heading: &'static str,
}

const CLI: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md"));
const API: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md"));

const TOPICS: [Topic; 5] = [
    Topic { name: "exit-codes", page: CLI, heading: "Exit codes" },
    Topic { name: "json", page: CLI, heading: "JSON" },
    Topic { name: "output", page: CLI, heading: "Output" },
    Topic { name: "query", page: API, heading: "Queries" },
    Topic { name: "wait", page: CLI, heading: "Waiting" },
];

/// From the heading to the next.
fn section(topic: &Topic) -> &'static str {
    let begin = format!("\n## {}\n", topic.heading);
    let text = topic.page.split_once(&begin).map(|(_, rest)| rest).unwrap_or_default();
    text.split_once("\n## ").map_or(text, |(section, _)| section)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_daemon::FakeDaemon;

    #[test]
    fn topics_are_sections_of_the_pages() {
        for topic in &TOPICS {
            assert!(section(topic).len() > 100, "{} is empty", topic.name);
        }
        let daemon = FakeDaemon::always(serde_json::Value::Null);
        assert!(daemon.run(&["help", "exit-codes"]).stdout.contains("| 7 | `--wait` ran out"));
        assert!(daemon.run(&["help", "query"]).stdout.contains("is:open"));
        assert!(daemon.run(&["help", "ticket", "new"]).stdout.contains("assist ticket new"));
        assert!(daemon.run(&["help"]).stdout.contains("Usage: assist"));
        let ran = daemon.run(&["help", "nonsense"]);
        assert_eq!(ran.exit_code, 2);
        assert!(ran.stderr.contains("exit-codes"), "{}", ran.stderr);
        assert!(daemon.calls().is_empty(), "no daemon is asked");
    }

    #[test]
    fn every_command_has_a_manual_page() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = FakeDaemon::always(serde_json::Value::Null);
        let ran = daemon.run(&["man", folder.path().to_str().unwrap()]);
        assert_eq!(ran.exit_code, 0, "{}", ran.stderr);
        let page = fs::read_to_string(folder.path().join("assist-ticket-new.1")).unwrap();
        assert!(page.contains(".TH") && page.contains("\\-\\-attach"), "{page}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count().to_string(), ran.stdout.trim());
    }
}
