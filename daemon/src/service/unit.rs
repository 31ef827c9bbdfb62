//! A unit of systemd for a daemon, as text. Touches nothing.

use std::path::Path;

/// What is to be started by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit<'a> {
    /// The program.
    pub(super) program: &'a Path,
    /// The daemon's folder.
    pub(super) home: &'a Path,
    pub(super) kind: Kind,
}

/// Whose service it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The daemon of whoever is logged in.
    Device,
    /// A project's server, for the whole machine, as this user.
    Server {
        /// Its name, or its number where it has none.
        user: String,
    },
}

/// Why there is no unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnitError {
    /// systemd reads units as lines of text.
    #[error(
        "{path:?} cannot stand in a unit: its name is no plain text; move it to a folder with a plain name"
    )]
    Path {
        /// As it can be shown.
        path: String,
    },
}

impl Unit<'_> {
    /// The text of the unit's file.
    ///
    /// # Errors
    /// When a path holds what a line of text cannot.
    pub(super) fn text(&self) -> Result<String, UnitError> {
        let (program, home) = (quoted(self.program)?, quoted(self.home)?);
        Ok(match &self.kind {
            Kind::Device => format!(
                "{HEAD}[Unit]\n\
                 Description=Hero Assistance: support tickets on this device\n\n\
                 [Service]\n\
                 ExecStart={program} run --home {home}\n\
                 {SUPERVISION}{UNPRIVILEGED}\n\
                 [Install]\n\
                 WantedBy=default.target\n"
            ),
            Kind::Server { user } => format!(
                "{HEAD}[Unit]\n\
                 Description=Hero Assistance: a project's server\n\
                 Wants=network-online.target\n\
                 After=network-online.target mycelium.service\n\n\
                 [Service]\n\
                 User={user}\n\
                 ExecStart={program} server run --home {home}\n\
                 {SUPERVISION}LimitNOFILE=65536\n{UNPRIVILEGED}{SEALED_OFF}ReadWritePaths={home}\n\n\
                 [Install]\n\
                 WantedBy=multi-user.target\n"
            ),
        })
    }
}

/// A path as one word of a unit (systemd.syntax(7), systemd.service(5) "Command lines").
fn quoted(path: &Path) -> Result<String, UnitError> {
    let error = || UnitError::Path { path: path.display().to_string() };
    let text = path.to_str().ok_or_else(error)?;
    if text.chars().any(char::is_control) {
        return Err(error());
    }
    let mut word = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => word.extend(['\\', char]),
            // Specifiers and variables.
            '%' | '$' => word.extend([char, char]),
            _ => word.push(char),
        }
    }
    word.push('"');
    Ok(word)
}

const HEAD: &str = "\
# Written by `assistd service install`, which replaces it: your own changes belong into `systemctl edit`.
";
/// It says itself when it is open and that it is alive. A start may have a journal to bring in and an index to make.
const SUPERVISION: &str = "\
Type=notify
NotifyAccess=main
TimeoutStartSec=10min
WatchdogSec=60
Restart=on-failure
RestartSec=2
UMask=0077
";
/// What needs no rights to be given up.
const UNPRIVILEGED: &str = "\
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
";
/// A server sees of its machine the network and its own folder.
const SEALED_OFF: &str = "\
CapabilityBoundingSet=
DevicePolicy=closed
PrivateDevices=yes
PrivateTmp=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
";

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn unit(home: &str, kind: Kind) -> String {
        Unit { program: Path::new("/usr/bin/assistd"), home: Path::new(home), kind }.text().unwrap()
    }

    #[test]
    fn device_is_started_for_its_user_and_server_as_one() {
        let device = unit("/home/alice/.local/share/assist", Kind::Device);
        assert!(
            device.contains(
                "\nExecStart=\"/usr/bin/assistd\" run --home \"/home/alice/.local/share/assist\"\n"
            )
        );
        assert!(device.contains("\nWantedBy=default.target\n"));
        assert!(!device.contains("User="));
        let server = unit("/var/lib/assist", Kind::Server { user: "assist".into() });
        assert!(server.contains("\nExecStart=\"/usr/bin/assistd\" server run --home \"/var/lib/assist\"\n"));
        assert!(server.contains("\nUser=assist\n"));
        assert!(server.contains("\nReadWritePaths=\"/var/lib/assist\"\n"));
        assert!(server.contains("\nWantedBy=multi-user.target\n"));
    }

    #[test]
    fn a_line_is_one_setting_whatever_a_path_holds() {
        for text in [unit("/a", Kind::Device), unit("/a", Kind::Server { user: "assist".into() })] {
            let settings = text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '[']));
            assert!(settings.clone().count() > 10);
            assert!(settings.clone().all(|line| line.contains('=') && !line.starts_with(' ')), "{text}");
        }
        let strange = unit(r#"/a b/100%/$HOME/"q"\x"#, Kind::Device);
        assert!(strange.contains(r#" --home "/a b/100%%/$$HOME/\"q\"\\x""#), "{strange}");
    }

    #[test]
    fn path_that_is_no_text_is_refused() {
        for bytes in [&b"/a\nExecStartPre=/bin/true"[..], b"/a\xff"] {
            let home = Path::new(OsStr::from_bytes(bytes));
            let unit = Unit { program: Path::new("/usr/bin/assistd"), home, kind: Kind::Device };
            assert!(matches!(unit.text(), Err(UnitError::Path { .. })));
        }
    }
}
