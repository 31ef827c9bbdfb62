//! The bounds of the local API. Those of the model and of the wire stand with them.

use std::time::Duration;

/// A request's body: the largest text (64 KiB) six times over, as JSON may escape it, with room for a batch.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// A reply's body: a ticket of 2,000 usual comments is 1 MiB; one that is larger is asked for in windows.
pub const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Calls in one batch: each may wait, and all answers are held until the last.
pub const BATCH_CALLS_MAX: usize = 100;
/// Rows in one window of a list, what fills a screen several times.
pub const PAGE_ROWS_MAX: u32 = 500;
/// Rows in a window when the caller does not say.
pub const PAGE_ROWS_DEFAULT: u32 = 50;
/// How long a comment or note may be held back before it leaves: for second thoughts, not for sending later.
pub const HOLD_MAX: Duration = Duration::from_secs(3_600);
/// How long an agent's comments and notes are held back unless the configuration says otherwise. Customers' leave at
/// once.
pub const HOLD_OF_TEAM: Duration = Duration::from_secs(5);
/// Tickets that one `ticket.bulk` changes: as many as a person looks over. More are done in several calls.
pub const BULK_TICKETS_MAX: usize = 500;
/// How many of them are changed in one turn: others who write wait no longer than for that.
pub const BULK_TURN_TICKETS_MAX: usize = 50;
/// Tickets that one `ticket.collect` may ask for: their usual size makes replies of about a MiB, beyond which larger
/// ones gain nothing.
pub const COLLECT_TICKETS_MAX: usize = 50;
/// Bytes of changes after which `ticket.collect` ends its reply and leaves the rest to the next call. As JSON, told in
/// four ways, they are several times as many: still far from what a reply may have.
pub const COLLECT_CHANGE_BYTES_MAX: usize = 1024 * 1024;
/// A query: what a person types, and what a saved view asks for, many times over.
pub const QUERY_BYTES_MAX: usize = 2_048;
/// Conditions and values of a query: each is asked of every row.
pub const QUERY_TERMS_MAX: usize = 64;
/// What `search.query` shows of one text: a line or two.
pub const SNIPPET_CHARS_MAX: usize = 160;
/// Texts of one ticket that it shows.
pub const SNIPPETS_MAX: usize = 3;
/// Results in one window of `search.query`: of each the document is opened for its snippets.
pub const SEARCH_ROWS_MAX: u32 = 100;
/// Results when the caller does not say.
pub const SEARCH_ROWS_DEFAULT: u32 = 20;
/// How far behind the first result a window of `search.query` may begin. Nobody reads on; a narrower query helps.
pub const SEARCH_OFFSET_MAX: u64 = 10_000;
/// Entries in one page of `server.log`: as many as a server gives at once.
pub const LOG_ENTRIES_MAX: u32 = 200;
/// Entries when the caller does not say.
pub const LOG_ENTRIES_DEFAULT: u32 = 50;
/// Changes that one `sync.wait` names: a full outbox of tickets with comments.
pub const WAIT_CHANGES_MAX: usize = 10_000;
/// The longest that one `sync.wait` waits; a client that wants more asks again.
pub const WAIT_MAX: Duration = Duration::from_secs(600);
/// How long a `sync.wait` waits when the caller does not say.
pub const WAIT_DEFAULT: Duration = Duration::from_secs(30);
/// How long `project.join`, `project.request`, `project.confirm` and `link.open` try: the overlay may need 20 s to find a way.
pub const JOIN_MAX: Duration = Duration::from_secs(60);
/// How long `server.mail` waits for the relay's word: a little longer than one attempt takes at the most.
pub const MAIL_MAX: Duration = Duration::from_secs(65);
/// How long `server.backup`, `server.verify` and `server.verifylog` may take, which read all that a server keeps: a day, for
/// ten million changes and a terabyte of files on a slow disk.
pub const WHOLE_SERVER_MAX: Duration = Duration::from_secs(24 * 3_600);
/// How long any other call may take before it is given up: far beyond what a local store needs.
pub const CALL_MAX: Duration = Duration::from_secs(30);
/// Open connections to the socket. Front ends hold two each, scripts one for a moment.
pub const CONNECTIONS_MAX: usize = 256;
/// How long the body of a request may take to come in: front ends send it in one go.
pub const BODY_READ_MAX: Duration = Duration::from_secs(30);
/// How long a connection may stay open without a call; the client opens another one unasked.
pub const IDLE_MAX: Duration = Duration::from_secs(600);
/// How long a client may refuse to read before its connection is dropped, and the reply with it.
pub const STALL_MAX: Duration = Duration::from_secs(30);
/// Events kept for those who resume. A gap longer than this means: list again.
pub const EVENTS_KEPT_MAX: usize = 4_096;
/// Events that wait for somebody within the daemon, who is told when there were more.
pub const EVENTS_TAPPED_MAX: usize = 1_024;
/// An event's JSON: ids, names and a sentence.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// How often a silent event stream shows that it is alive.
pub const EVENT_KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The head of a request or reply: a request line and a few fields.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long a call of this method may take.
pub fn call_max(method: &str) -> Duration {
    match method {
        "sync.wait" => WAIT_MAX,
        "project.join" | "project.request" | "project.confirm" | "link.open" => JOIN_MAX,
        "server.mail" => MAIL_MAX,
        "server.backup" | "server.verify" | "server.verifylog" => WHOLE_SERVER_MAX,
        _ => CALL_MAX,
    }
}
