//! Who may use whom: the table of `docs/architecture.md`, over what Cargo says is built.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use super::{assert_none, files, root, text};

/// What a crate of ours may use.
struct Rule {
    package: &'static str,
    /// Crates of ours that it may name.
    ours: &'static [&'static str],
    /// Crates that it must not name itself.
    unnamed: &'static [&'static str],
    /// Crates that must not be in its programs at all.
    unlinked: &'static [&'static str],
}

const RULES: [Rule; 7] = [
    Rule {
        package: "assist-crdt-model",
        ours: &[],
        // Same calls, same bytes: no clock, no randomness, no IO; and what a ticket is does not hang on a codec.
        unnamed: &["serde", "serde_json", "ciborium", "tokio", "getrandom", "rand", "jiff"],
        unlinked: &["tokio", "quinn", "redb", "clap", "axum"],
    },
    Rule {
        package: "assist-proto",
        ours: &["assist-crdt-model"],
        // Times are written with jiff, and never read from its clock.
        unnamed: &["automerge", "tokio", "getrandom", "rand"],
        unlinked: &["tokio", "quinn", "redb", "clap", "axum"],
    },
    Rule {
        package: "assist-daemon",
        ours: &["assist-crdt-model", "assist-proto"],
        unnamed: &["automerge"],
        unlinked: &["eframe", "egui", "comfy-table"],
    },
    Rule {
        package: "assist-cli",
        ours: &["assist-crdt-model", "assist-proto"],
        unnamed: &["automerge"],
        unlinked: &["assist-daemon", "quinn", "redb", "tokio", "axum", "eframe", "egui"],
    },
    Rule {
        package: "assist-gui",
        ours: &["assist-proto"],
        unnamed: &["automerge"],
        unlinked: &["assist-daemon", "quinn", "redb", "tokio", "axum"],
    },
    Rule {
        package: "assist-tests",
        ours: &[
            "assist-crdt-model",
            "assist-proto",
            "assist-daemon",
            "assist-cli",
            "assist-forge",
            "assist-gui",
        ],
        unnamed: &[],
        unlinked: &[],
    },
    Rule {
        package: "assist-forge",
        // What makes bytes that nobody of ours writes must not share the code that is tried with them.
        ours: &[],
        unnamed: &[],
        unlinked: &["tokio", "quinn", "redb", "clap", "axum"],
    },
];

#[test]
fn every_crate_uses_only_what_the_table_allows() {
    let metadata = metadata();
    let mut broken = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(rule) = RULES.iter().find(|rule| *package.name == rule.package) else {
            broken.push(format!("{} has no row in this test's table", package.name));
            continue;
        };
        for name in named(package) {
            if name.starts_with("assist-") && !rule.ours.contains(&name.as_str()) {
                broken.push(format!("{} must not use {name}", rule.package));
            }
            if rule.unnamed.contains(&name.as_str()) {
                broken.push(format!("{} must not name {name}", rule.package));
            }
        }
        let linked = linked(&metadata, &package.id);
        let wrong = rule.unlinked.iter().filter(|name| linked.contains(**name));
        broken.extend(wrong.map(|name| format!("{} must not link {name}", rule.package)));
    }
    let members: BTreeSet<&str> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let gone = RULES.iter().filter(|rule| !members.contains(rule.package));
    broken.extend(gone.map(|rule| format!("{} is in this test's table and nowhere else", rule.package)));
    assert_none(&broken, "docs/architecture.md says who may use whom");
}

#[test]
fn links_that_are_looked_for_can_be_found() {
    let metadata = metadata();
    let daemon = metadata.workspace_packages().into_iter().find(|it| *it.name == "assist-daemon").unwrap();
    let linked = linked(&metadata, &daemon.id);
    for name in ["assist-proto", "automerge", "quinn", "redb", "tokio"] {
        assert!(linked.contains(name), "{name} is in the daemon, and this test does not see it");
    }
}

#[test]
fn every_crate_is_on_the_map() {
    let map = text("docs/architecture.md");
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).map(|row| row.0);
    let on_the_map: BTreeSet<&str> = rows.collect();
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let folder = package.manifest_path.parent().unwrap().file_name().unwrap();
        assert!(on_the_map.contains(folder), "{folder} is not in the table of docs/architecture.md");
        let short = package.name.strip_prefix("assist-");
        assert_eq!(short, Some(folder), "a folder has the short name of its crate");
    }
}

#[test]
fn logic_takes_no_io_and_no_clock() {
    const IO: [&str; 10] = [
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "std::os::",
        "TcpStream",
        "UdpSocket",
        "SystemTime",
        "Timestamp::now",
        "Zoned::now",
    ];
    let is_logic = |path: &str| {
        let is_pure = path.starts_with("crdt-model/src/") || path.starts_with("proto/src/");
        let is_client = path.starts_with("proto/src/client");
        is_pure && !is_client && !path.contains("/tests")
    };
    let mut broken = Vec::new();
    for path in files("rs").iter().filter_map(|path| path.to_str()).filter(|path| is_logic(path)) {
        let text = text(path);
        let used = IO.iter().filter(|name| text.contains(**name));
        broken.extend(used.map(|name| format!("{path}: {name}")));
    }
    assert_none(&broken, "the model and the protocol get bytes, times and seeds as arguments");
}

#[test]
fn arguments_are_read_by_programs_alone() {
    let is_library = |path: &&str| {
        let program = [
            "daemon/src/main.rs",
            "daemon/src/config.rs",
            "daemon/src/demo",
            "daemon/src/service",
            "daemon/src/backups",
            "daemon/src/verify_log",
        ];
        path.starts_with("daemon/src/") && !program.iter().any(|it| path.starts_with(it))
    };
    let paths = files("rs");
    let library = paths.iter().filter_map(|path| path.to_str()).filter(is_library);
    let broken: Vec<String> =
        library.filter(|path| text(path).contains("clap::")).map(str::to_owned).collect();
    assert_none(&broken, "the daemon is a library too: clap belongs to its program");
}

/// What Cargo builds on this platform. Nothing is fetched for it that this test was not built with.
fn metadata() -> Metadata {
    let version = std::process::Command::new("rustc").arg("-vV").output().expect("rustc answers");
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let options = ["--locked", "--offline", "--filter-platform", host].map(str::to_owned).to_vec();
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .expect("cargo metadata")
}

/// The crates that a package names for its product; those of its tests may be any.
fn named(package: &Package) -> BTreeSet<String> {
    let product = package.dependencies.iter().filter(|it| it.kind != DependencyKind::Development);
    product.map(|dependency| dependency.name.clone()).collect()
}

/// The names of all crates that are linked into a package's products.
fn linked(metadata: &Metadata, package: &PackageId) -> BTreeSet<String> {
    let nodes = &metadata.resolve.as_ref().expect("a resolved graph").nodes;
    let by_id: BTreeMap<&PackageId, _> = nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![package];
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let linked = by_id[id]
            .deps
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
        waiting.extend(linked.map(|dependency| &dependency.pkg));
    }
    seen.into_iter().map(|id| metadata[id].name.to_string()).collect()
}
