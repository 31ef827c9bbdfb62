//! Queries that begin with `-`, as `ticket list -label:wontfix`: they are no options.

use std::ffi::OsString;

use assist_proto::query::begins_negated;

/// Sets a space before a query that begins with `-`, so that it is not taken apart as short options (`-l abel:wontfix`).
/// To a query the space means nothing.
pub(crate) fn with_queries_apart(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if !args.iter().any(|arg| COMMANDS.iter().any(|command| arg == command)) {
        return args;
    }
    for at in 1..args.len() {
        if args[at] == "--" {
            break;
        }
        let is_text = TEXTS.iter().any(|option| args[at - 1] == *option);
        if !is_text && args[at].to_str().is_some_and(begins_negated) {
            let mut apart = OsString::from(" ");
            apart.push(&args[at]);
            args[at] = apart;
        }
    }
    args
}

/// What takes queries: `ticket list`, `ticket bulk`, `search`, `export`, `view save`.
const COMMANDS: &[&str] = &["list", "bulk", "search", "export", "view"];

/// Options of these whose value is a text that stays as it is.
const TEXTS: &[&str] = &["--text", "--reason", "-b", "--body"];

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(line: &str) -> String {
        let args = with_queries_apart(line.split(' ').map(OsString::from));
        args.iter().map(|arg| arg.to_str().unwrap()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn queries_are_set_apart_and_nothing_else_is() {
        assert_eq!(apart("assist ticket list -label:wontfix"), "assist|ticket|list| -label:wontfix");
        assert_eq!(apart("assist search -IS:open -n 2"), "assist|search| -IS:open|-n|2");
        assert_eq!(apart("assist ticket bulk close -Q -is:open"), "assist|ticket|bulk|close|-Q| -is:open");
        for same in [
            "assist ticket list -l network -n 5 --status=open",
            "assist ticket list --text -is:open",
            "assist ticket bulk close -b -is:open 142",
            "assist ticket comment 142 -b -is:open",
            "assist ticket list -- -is:open",
            "assist ticket list -other:thing",
        ] {
            assert_eq!(apart(same), same.replace(' ', "|"));
        }
    }
}
