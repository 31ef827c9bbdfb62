//! What the file may say, which source wins, and that secrets stay hidden.

use assist_proto::hub::Reserve;

use super::*;

/// Reads a file of this text, with no environment and no flags.
fn load(text: &str) -> Result<Config, ConfigError> {
    load_with(text, "", Flags::default())
}

fn load_with(text: &str, environment: &str, flags: Flags) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    write(&path, text, 0o600);
    let environment = toml::from_str(environment).unwrap();
    Config::from_layers(Some(Source::read(&path)?), environment, flags)
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn relay(config: &Config) -> &RelayConfig {
    match &config.mail.route {
        MailRoute::Relay(relay) => relay,
        other => panic!("{other}"),
    }
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = load(text).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

const WHOLE: &str = r#"
[server]
bind = "127.0.0.1:9470"
advertise = ["192.0.2.7"]
[mail]
from = "support@example.org"
from_name = "Support"
[mail.relay]
host = "smtp.example.org"
username = "assist"
password = "hunter2"
"#;

#[test]
fn file_says_everything() {
    let config = load(WHOLE).unwrap();
    assert_eq!(config.bind, Some("127.0.0.1:9470".parse().unwrap()));
    assert_eq!(config.advertise, ["192.0.2.7:9470".parse().unwrap()]);
    assert_eq!(config.mail.sender.to_string(), "Support <support@example.org>");
    let relay = relay(&config);
    assert_eq!(
        (relay.host.as_str(), relay.port, relay.security),
        ("smtp.example.org", 587, Security::StartTls)
    );
    let login = relay.login.as_ref().unwrap();
    assert_eq!((login.username.as_str(), login.password.expose()), ("assist", "hunter2"));
}

#[test]
fn flag_wins_over_environment_and_that_over_the_file() {
    let environment = "[server]\nbind = '127.0.0.2:1'\n[mail.relay]\nhost = 'other.example.org'";
    let config = load_with(WHOLE, environment, Flags::default()).unwrap();
    assert_eq!(config.bind, Some("127.0.0.2:1".parse().unwrap()));
    assert_eq!(relay(&config).host, "other.example.org");
    let flags = Flags {
        bind: Some("127.0.0.3:1".parse().unwrap()),
        advertise: vec!["192.0.2.9".parse().unwrap()],
        mail_folder: Some("/mails".into()),
        overlay: Some(OverlayMode::None),
    };
    let config = load_with(WHOLE, environment, flags).unwrap();
    assert_eq!(config.bind, Some("127.0.0.3:1".parse().unwrap()));
    assert_eq!(config.advertise, ["192.0.2.9".parse().unwrap()]);
    assert!(matches!(&config.mail.route, MailRoute::Folder(path) if path == Path::new("/mails")));
    assert_eq!(config.overlay.mode, OverlayMode::None);
}

#[test]
fn each_source_may_say_auto_and_the_next_one_wins_over_it() {
    let bind = |file: &str, environment: &str, flag: Option<&str>| {
        let flags = Flags { bind: flag.map(|text| text.parse().unwrap()), ..Flags::default() };
        let [file, environment] = [file, environment].map(|bind| match bind {
            "" => String::new(),
            bind => format!("[server]\nbind = '{bind}'"),
        });
        load_with(&file, &environment, flags).unwrap().bind.map(|bind| bind.to_string())
    };
    assert_eq!(bind("", "", None), None);
    assert_eq!(bind("auto:1", "", None).as_deref(), Some("auto:1"));
    assert_eq!(bind("[::]:1", "auto:2", None).as_deref(), Some("auto:2"));
    assert_eq!(bind("auto:1", "auto:2", Some("[::1]:3")).as_deref(), Some("[::1]:3"));
    assert_eq!(bind("[::]:1", "[::]:2", Some("auto:3")).as_deref(), Some("auto:3"));
    check_error("[server]\nbind = 'auto'", "as in \"auto:9470\"");
    check_error("[server]\nbind = '9470'", "a port without an address");
    check_error("[server]\nbind = 9470", "line 2, column 8");
}

#[test]
fn overlay_is_followed_unless_told_otherwise_and_asked_on_this_machine_alone() {
    let overlay = |file: &str, environment: &str, flag| {
        load_with(file, environment, Flags { overlay: flag, ..Flags::default() }).unwrap().overlay
    };
    assert_eq!(overlay("", "", None), OverlayConfig::default());
    let file = "[overlay]\nmode = 'none'\napi = '[::1]:8990'";
    let config = overlay(file, "", None);
    assert_eq!((config.mode, config.api.to_string()), (OverlayMode::None, "[::1]:8990".to_owned()));
    assert_eq!(overlay(file, "[overlay]\nmode = 'external'", None).mode, OverlayMode::External);
    let flag = Some(OverlayMode::External);
    assert_eq!(overlay(file, "[overlay]\nmode = 'none'", flag).mode, OverlayMode::External);
    check_error("[overlay]\nmode = 'yes'", "line 2, column 8");
    check_error("[overlay]\napi = '192.0.2.7:8989'", "overlay.api: is to be a port of this machine alone");
    check_error("[overlay]\napi = '127.0.0.1:0'", "overlay.api");
    check_error("[overlay]\napi = '127.0.0.1'", "line 2, column 7");
    check_error(
        "[server]\nbind = 'auto:9470'\n[overlay]\nmode = 'none'",
        "nothing for \"auto:9470\" to find",
    );
}

#[test]
fn managed_node_has_a_program_a_folder_and_peers() {
    let folder = |config: &OverlayConfig| config.key_folder.clone();
    let config = load("[overlay]\nmode = 'managed'").unwrap().overlay;
    assert_eq!((config.mode, folder(&config)), (OverlayMode::Managed, None));
    assert_eq!((config.program.to_str(), config.peers.len()), (Some("mycelium"), 1));
    let text = "[overlay]\nprogram = 'bin/mycelium'\nkey_folder = 'keys'\npeers = ['tcp://192.0.2.7:9651']";
    let config = load(text).unwrap().overlay;
    assert!(config.program.is_absolute() && folder(&config).unwrap().is_absolute(), "{config:?}");
    check_error("[overlay]\npeers = ['example.org']", "overlay.peers: \"example.org\" is no peer of a node");
    check_error("[overlay]\npeers = []", "overlay.peers: is empty");
}

#[test]
fn empty_variable_takes_back_what_the_file_says() {
    let config = load_with(WHOLE, "[mail.relay]\nhost = ''", Flags::default()).unwrap();
    assert!(matches!(config.mail.route, MailRoute::None));
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = load("").unwrap();
    assert!(config.bind.is_none() && config.advertise.is_empty());
    assert!(matches!(config.mail.route, MailRoute::None));
}

#[test]
fn unknown_key_is_refused_with_its_place_and_without_its_value() {
    check_error("[mail.relay]\npasword = \"hunter2\"\n", "line 2, column 1: unknown field `pasword`");
    check_error("[mial]\n", "unknown field `mial`");
    check_error("[mail]\nrelay.hosts = 'hunter2'\n", "unknown field `hosts`");
}

#[test]
fn what_is_no_toml_is_refused_with_its_place_and_without_the_line() {
    check_error("[mail.relay]\npassword = hunter2\n", "line 2, column ");
    check_error("[server]\nbind = \"hunter2\n", "line 2, column ");
    check_error("[mail.relay]\npassword = [\"hunter2\"]", "a password in quotes");
    check_error("[mail.relay]\nport = 70000", "line 2, column 8");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    std::fs::write(&path, b"[mail]\n# \xff").unwrap();
    assert_eq!(
        Source::read(&path).err().unwrap().to_string(),
        format!("{}, line 2, column 3: not UTF-8", path.display())
    );
}

#[test]
fn number_as_a_password_is_not_shown() {
    let error = load("[mail.relay]\npassword = 12345678").unwrap_err().to_string();
    assert!(error.contains("a password in quotes") && !error.contains("12345678"), "{error}");
}

#[test]
fn plain_is_for_this_machine_alone() {
    let file = |host: &str| {
        format!("[mail]\nfrom = 'a@example.org'\nrelay.host = '{host}'\nrelay.security = 'plain'")
    };
    for host in ["localhost", "127.0.0.1", "::1"] {
        assert_eq!(relay(&load(&file(host)).unwrap()).port, 25);
    }
    for host in ["smtp.example.org", "192.0.2.7", "localhost.example.org", "10.0.0.1"] {
        check_error(&file(host), "mail.relay.security: \"plain\"");
    }
}

#[test]
fn halves_are_refused() {
    check_error("[mail.relay]\nhost = 'smtp.example.org'", "mail.from: is needed");
    let with = |more: &str| format!("[mail]\nfrom = 'a@example.org'\n[mail.relay]\nhost = 'h'\n{more}");
    check_error(&with("username = 'me'"), "mail.relay.password: is missing");
    check_error(&with("password = 'hunter2'"), "mail.relay.username: is missing");
    check_error(
        &with("password = 'hunter2'\npassword_file = 'x'"),
        "mail.relay.password_file: is there beside",
    );
    check_error("[mail]\nfrom = 'nobody'", "mail.from: \"nobody\" is no email address");
    check_error("[server]\nadvertise = ['here']", "server.advertise: the host \"here\"");
}

#[test]
fn secret_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    write(&path, WHOLE, 0o644);
    assert!(matches!(Source::read(&path), Err(ConfigError::TooOpen { .. })));
    write(&path, WHOLE, 0o640);
    assert!(Source::read(&path).is_ok(), "a group may have it");
    let secret = folder.path().join("secret");
    for (mode, text, expected) in [
        (0o604, "hunter2\n", false),
        (0o600, "", false),
        (0o600, "a\nb", false),
        (0o440, "hunter2\r\n", true),
    ] {
        write(&secret, text, 0o600);
        write(&secret, text, mode);
        let read = read_password(&secret);
        assert_eq!(read.is_ok(), expected, "{text:?} with mode {mode:o}");
        if let Ok(read) = read {
            assert_eq!(read.expose(), "hunter2");
        }
    }
}

#[test]
fn paths_are_meant_from_the_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("secret"), "hunter2\n", 0o600);
    let path = folder.path().join(FILE_NAME);
    let text = WHOLE.replace("password = \"hunter2\"", "password_file = \"secret\"");
    write(&path, &text, 0o644);
    let config =
        Config::from_layers(Some(Source::read(&path).unwrap()), SettingsLayer::empty(), Flags::default());
    assert_eq!(relay(&config.unwrap()).login.as_ref().unwrap().password.expose(), "hunter2");
}

#[test]
fn secrets_are_never_shown() {
    let config = load(WHOLE).unwrap();
    let shown = format!("{config:?} {:#?} {}", config.mail, config.mail.route);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn template_is_understood_and_names_every_key() {
    let template = Config::template();
    assert!(load(&template).is_ok(), "{template}");
    for key in ["bind", "advertise", "from", "folder", "host", "security = \"starttls\"", "password_file"] {
        assert!(template.contains(&format!("\n#{key}")), "{key} is missing in {template}");
    }
    assert!(template.contains("ASSIST_MAIL_HOST"));
}

#[test]
fn file_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    std::fs::write(&path, vec![b'#'; 300 * 1024]).unwrap();
    assert!(matches!(Source::read(&path), Err(ConfigError::TooLarge { .. })));
}

#[test]
fn holds_are_as_usual_unless_the_file_or_the_environment_says_otherwise() {
    assert_eq!(load(WHOLE).unwrap().hold, None);
    assert_eq!(load("hold_secs = 30").unwrap().hold, Some(Duration::from_secs(30)));
    let config = load_with("hold_secs = 30", "hold_secs = 0", Flags::default()).unwrap();
    assert_eq!(config.hold, Some(Duration::ZERO));
    check_error("hold_secs = 3601", "hold_secs: at most 3600 seconds");
    check_error("hold_secs = -1", "line 1, column 13");
}

#[test]
fn disk_reserves_are_shares_or_sizes() {
    let disk = |text: &str| load(&format!("[disk]\n{text}")).unwrap().disk;
    assert_eq!(load("").unwrap().disk, DiskReserves::default());
    let given = disk("warn_free = '10%'\nstop_free = '500 MiB'");
    assert_eq!((given.warn_free.of(1_000), given.stop_free), (100, Reserve::Bytes(500 * MIB)));
    let given = disk("stop_free = ' 2 GiB '");
    assert_eq!((given.warn_free, given.stop_free.of(0)), (DiskReserves::default().warn_free, 2_048 * MIB));
    assert_eq!(disk("warn_free = ''"), DiskReserves::default(), "as if it were not there");
    check_error("[disk]\nwarn_free = '1%'\nstop_free = '5%'", "disk.warn_free: would warn only when");
    check_error("[disk]\nwarn_free = '1 MiB'\nstop_free = '1 GiB'", "give more than stop_free");
    for wrong in ["five", "5", "5 TB", "%", "-1%", "99999999999999 GiB"] {
        check_error(
            &format!("[disk]\nstop_free = '{wrong}'"),
            "disk.stop_free: is to be a share of the disk",
        );
    }
    check_error("[disk]\nstop_free = '60%'", "more than half of the disk");
    assert_eq!(ShownReserve(given.stop_free).to_string(), "2048 MiB");
    assert_eq!(ShownReserve(given.warn_free).to_string(), "5%, at least 256 MiB and at most 5120 MiB");
}

#[test]
fn attachments_are_kept_for_ever_or_for_so_many_days() {
    let retention = |text: &str| load(&format!("[retention]\n{text}")).unwrap().retention;
    let after = |text| retention(text).delete_attachments_after_millis;
    assert_eq!(load("").unwrap().retention, Retention::default());
    assert_eq!(after("delete_attachments_after = '365d'"), Some(365 * 24 * 3_600_000));
    assert_eq!(after("delete_attachments_after = ''"), None);
    for wrong in ["0d", "365", "1y", "-1d", "d", "99999999999999999d"] {
        let text = format!("[retention]\ndelete_attachments_after = '{wrong}'");
        check_error(&text, "retention.delete_attachments_after: is to be a number of days");
    }
}

#[test]
fn tickets_are_closed_never_or_after_so_many_days() {
    let housekeeping = |text: &str| load(&format!("[retention]\n{text}")).unwrap().housekeeping;
    assert_eq!(load("").unwrap().housekeeping, Housekeeping::default());
    let days = |days: u64| Some(days * 24 * 3_600_000);
    assert_eq!(
        housekeeping("close_resolved_after = '14d'\nclose_pending_after = '30d'"),
        Housekeeping { close_resolved_after_millis: days(14), close_pending_after_millis: days(30) }
    );
    assert_eq!(
        housekeeping("close_resolved_after = ''\nclose_pending_after = '1d'"),
        Housekeeping { close_resolved_after_millis: None, close_pending_after_millis: days(1) }
    );
    check_error(
        "[retention]\nclose_resolved_after = '2w'",
        "retention.close_resolved_after: is to be a number",
    );
    check_error(
        "[retention]\nclose_pending_after = '0d'",
        "retention.close_pending_after: is to be a number",
    );
    let environment = "[retention]\nclose_pending_after = ''";
    let config = load_with("[retention]\nclose_pending_after = '9d'", environment, Flags::default()).unwrap();
    assert!(!config.housekeeping.is_on(), "the environment wins");
}
