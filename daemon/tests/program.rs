//! That `assistd` is a program: it is built with the tests, starts, and says who it is. What it does is tested from
//! the `tests` crate, which finds the program because this test is here.

use std::process::Command;

#[test]
fn assistd_says_its_version_and_what_it_can_do() {
    let version = Command::new(env!("CARGO_BIN_EXE_assistd")).arg("--version").output().expect("it starts");
    assert_eq!(
        String::from_utf8_lossy(&version.stdout),
        concat!("assistd ", env!("CARGO_PKG_VERSION"), "\n")
    );

    let help = Command::new(env!("CARGO_BIN_EXE_assistd")).arg("--help").output().expect("it starts");
    let help = String::from_utf8_lossy(&help.stdout);
    for command in ["run", "server", "demo"] {
        assert!(help.contains(command), "{command} is not in the help: {help}");
    }
}
