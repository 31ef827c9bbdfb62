//! Every bound of the protocol, each with its unit and its reason. The model's stand in `assist_crdt_model::limits`.

/// A frame between peers: a page of about 128 documents, and far above the largest change. Checked before
/// anything is allocated.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// How deep a message may nest: messages are flat; hostile nesting costs stack.
pub const MESSAGE_DEPTH_MAX: usize = 24;
/// What a page may inflate to: eight times its frame is more than any text compresses in honest use.
pub const PAGE_INFLATED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Envelopes in one `Push`: one durable commit for each frame, and a refusal is answered soon.
pub const PUSH_ENVELOPES_MAX: usize = 256;
/// Bytes of changes after which a frame of envelopes or records is sent.
pub const BATCH_BYTES: usize = 256 * 1024;
/// Records in one `Records` frame.
pub const RECORDS_PER_FRAME_MAX: usize = 256;
/// Bytes pushed and not answered yet: keeps the pipe full at 1 Gbit/s and 30 ms, and bounds the server's queue.
pub const PUSH_WINDOW_BYTES: usize = 4 * 1024 * 1024;
/// Bytes queued for one peer beyond which the server waits before it reads more from its log.
pub const SEND_WINDOW_BYTES: usize = 4 * 1024 * 1024;
/// Records sent to one peer that it has not said to have, beyond which the server waits likewise: what is said next, of
/// the peer's own changes say, comes behind no more than these. A device that comes back after weeks takes in 400 to
/// 10,000 a second, as long as the tickets are; four full frames keep it busy through a round trip of 100 ms.
pub const RECORDS_UNSEEN_MAX: usize = 4 * RECORDS_PER_FRAME_MAX;

/// Documents in one page of a cold start.
pub const DOCS_PER_PAGE_MAX: usize = 128;
/// Raw bytes after which a page of a cold start is closed.
pub const PAGE_BYTES: usize = 512 * 1024;
/// List rows in one page of a cold start.
pub const ROWS_PER_PAGE_MAX: usize = 1_000;
/// Labels that a list row names. A ticket may have more than one author allows himself: people who label it while
/// apart put theirs together.
pub const LABELS_PER_ROW_MAX: usize = 200;
/// Log entries that one turn looks at to find what was delivered, so that a turn stays short.
pub const DELIVERY_SCAN_MAX: usize = 2_048;
/// Documents that one turn verifies after a cold start, so that people's edits are never behind more.
pub const VERIFY_DOCS_PER_TURN: usize = 16;
/// Marks of each kind in one frame.
pub const MARKS_PER_FRAME_MAX: usize = 1_000;
/// Tickets that one `Read` may name: what a day offline brings, in a few frames of 20 KB.
pub const READS_PER_FRAME_MAX: usize = 256;
/// Tickets that one user follows or has muted in a project: years of a busy agent's, and 60 KB.
pub const FOLLOWS_MAX: usize = 2_000;
/// Views that one user saves in a project: more than anybody finds his way among.
pub const VIEWS_MAX: usize = 50;
/// A view's name: one word that people type.
pub const VIEW_NAME_BYTES_MAX: usize = 64;
/// A view's query: as long as any query may be.
pub const VIEW_QUERY_BYTES_MAX: usize = 2_048;
/// Things in one `keep` or `kept`: all that one user may keep, 200 KB at the most.
pub const KEPT_PER_FRAME_MAX: usize = FOLLOWS_MAX + VIEWS_MAX;
/// Own reads that a device looks through for those that can be told: of more it tells the rest when these are
/// confirmed.
pub const READS_WAITING_MAX: usize = 4_096;
/// Documents that one `Fetch` may name, or one `Welcome` ask for.
pub const FETCH_DOCS_MAX: usize = 128;
/// Damaged documents among which a server looks for those that a new session could bring back: a disk that damages more
/// wants a backup.
pub const LOST_DOCS_LOOKED_AT: usize = 4_096;

/// Damaged documents that a device asks for one by one; with more it begins anew, as one that has just joined.
pub const LACKING_DOCS_MAX: usize = 1_024;
/// Documents that one device may be waiting for: more than there are in any project, 17 bytes each.
pub const FETCH_QUEUE_MAX: usize = 65_536;
/// Certificates, each with the name of its device, or people in one `Introduce`: of the largest size (600 bytes and
/// 400) three quarters of a frame.
pub const INTRODUCED_MAX: usize = 800;

/// People or devices in one answer: with the longest names and addresses (800 bytes) a sixth of a frame.
pub const ROSTER_WINDOW_MAX: usize = 200;
/// Invitations that may be open at once: a large team invited in one day, and one answer lists them all.
pub const INVITATIONS_OPEN_MAX: usize = 500;
/// Members of one ticket: a department in copy. One answer lists them all.
pub const TICKET_MEMBERS_MAX: usize = 100;
/// Tickets that may be shared with one address before anybody joined who owns it: their joining grants them all in
/// one turn.
pub const TICKETS_SHARED_WITH_NOBODY_MAX: usize = 500;
/// Asks of one device to one project that wait for their answer: more than front ends make at once.
pub const ASKS_WAITING_MAX: usize = 64;
/// How long an ask waits: the server answers within a turn, the overlay may need seconds to find a way again.
pub const ASK_TIMEOUT_MILLIS: u64 = 20_000;

/// Tickets that one device shows at once: windows side by side.
pub const PRESENT_VIEWS_MAX: usize = 8;
/// Characters of what a person says of themselves: a line.
pub const STATUS_CHARS_MAX: usize = 80;
/// People that are named of those at a ticket, or of a team: more than anybody reads; the others are counted.
pub const PRESENCE_NAMES_MAX: usize = 16;
/// Tickets in one frame of presence: with all their names and status texts (7 KB each) less than half a frame.
pub const PRESENCE_TICKETS_PER_FRAME_MAX: usize = 64;
/// Tickets of which a device keeps who is there: more than have somebody at them in any project.
pub const PRESENCE_TICKETS_MAX: usize = 10_000;
/// For how long a word on who is there holds: two renewals may be lost, and with what a change waits at most
/// nobody is shown 10 s after their device fell silent.
pub const PRESENCE_LIFETIME_MILLIS: u64 = 8_000;
/// How often it is said again.
pub const PRESENCE_RENEW_MILLIS: u64 = 3_000;
/// The least time between two words of one device that are heard: nobody opens tickets faster. What comes between is
/// heard at its end, the newest alone.
pub const PRESENT_STEP_MILLIS: u64 = 100;
/// The least time between two news of one ticket, or of the team: the first goes at once, the newest of those that
/// follow at its end.
pub const PRESENCE_STEP_MILLIS: u64 = 250;
/// How much longer for each who is told: a server sends no more than a thousand frames a second for one ticket.
pub const PRESENCE_MILLIS_EACH: u64 = 1;

/// For how long a closed ticket rests before it is archived, from what happened last: a customer who has a question
/// still asks it within a season, and finds the ticket among what is done.
pub const ARCHIVED_AFTER_MILLIS: u64 = 90 * 24 * 3_600_000;
/// Tickets that the housekeeping of one device closes in one round and project, those that rest longest first: 10,000
/// old ones are closed within five days, so that neither the server nor the people who are told of each are flooded, and
/// whoever sees that the period was a slip of the finger has lost an hour's.
pub const HOUSEKEEPING_CLOSED_MAX: usize = 100;
/// From one round to the next: periods are days, and an hour is no matter to them.
pub const HOUSEKEEPING_ROUND_MILLIS: u64 = 3_600_000;

/// Documents held in memory: 256 of 27 KB are 7 MB.
pub const CACHED_DOCS_MAX: usize = 256;
/// Records held in memory behind the head of the log, for live fan-out without reading the store.
pub const RECENT_RECORDS_MAX: usize = 4_096;
/// Bytes of those records.
pub const RECENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Refusals that a server remembers, the newest: whoever has not heard of theirs by then is told anew after another
/// look, and a program that pushes rubbish for ever fills 16 MB of the disk.
pub const REJECTIONS_KEPT_MAX: u32 = 100_000;

/// Refusals of one device's changes that the admission log has one by one within [`ADMISSION_WINDOW_MILLIS`]; further
/// ones are counted in one entry. Enough to see what a device is at.
pub const ADMISSION_REFUSALS_PER_DEVICE_MAX: u32 = 100;
/// The same of all devices together: at 100 bytes, rubbish that is pushed for a year fills 440 MB of the disk.
pub const ADMISSION_REFUSALS_MAX: u32 = 500;
/// See [`ADMISSION_REFUSALS_PER_DEVICE_MAX`].
pub const ADMISSION_WINDOW_MILLIS: u64 = 3_600_000;
/// Entries of the admission log that one question looks through: it costs the server's thread about 10 ms.
pub const ADMISSIONS_SCAN_MAX: usize = 2_048;
/// Entries in one answer: with two people and two devices each (600 bytes with their names) an eighth of a frame.
pub const ADMISSIONS_WINDOW_MAX: usize = 200;

/// Records that a device keeps of those that its gate refused although the server had admitted them: enough to see
/// what went wrong, and no more than a hostile server may fill a disk with.
pub const QUARANTINE_RECORDS_MAX: u64 = 1_000;
/// Bytes of their changes.
pub const QUARANTINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// For how long: somebody looked into it by then, or nobody will.
pub const QUARANTINE_LIFETIME_MILLIS: u64 = 30 * 24 * 3_600_000;

/// New changes that one device may push within a minute, and all at once if it was quiet before: more than a thousand
/// drafted tickets are (4,000), and for a program that runs wild 100 a second.
pub const QUOTA_CHANGES_PER_MINUTE: u64 = 6_000;
/// Bytes of new changes that one device may push within a day: two million comments of a hundred characters.
pub const QUOTA_BYTES_PER_DAY: u64 = 256 * 1024 * 1024;
/// Tickets that one device may file within a day: more than a person writes in a year, and an import of a small team.
pub const QUOTA_TICKETS_PER_DAY: u64 = 10_000;
/// Asks of one device within a minute: a person who pages through the roster, and a front end that looks often.
pub const QUOTA_ASKS_PER_MINUTE: u64 = 240;
/// Read marks that one device may move within a minute: who skims a list of tickets moves one a second; the rest is
/// told again in the next session.
pub const QUOTA_READS_PER_MINUTE: u64 = 4_096;
/// How many times as much one user may with all their devices.
pub const QUOTA_USER_FACTOR: u64 = 3;
/// How many times as much of changes and their bytes a device gives back in the same time, beside what it pushes, to a
/// server that was restored: half a million changes within minutes, and gigabytes within a day, while a device that lies
/// about what was lost fills no disk in a night.
pub const QUOTA_GIVEN_FACTOR: u64 = 16;
/// Devices, and users, of whom a server remembers what they spent before it looks who has everything again: 64 bytes
/// each, and more than are active at once.
pub const QUOTA_METERS_MAX: usize = 10_000;
/// The least and the most that a device waits before it pushes again what was too much, whatever the server says.
pub const QUOTA_WAIT_MIN_MILLIS: u64 = 1_000;
/// See [`QUOTA_WAIT_MIN_MILLIS`].
pub const QUOTA_WAIT_MAX_MILLIS: u64 = 6 * 3_600_000;
/// How long it waits if the server does not say.
pub const QUOTA_WAIT_DEFAULT_MILLIS: u64 = 60_000;
/// A disk with a smaller share free than this is low: the operator has some days, and mails of a monitor are read by then.
pub const DISK_WARN_PERCENT: u8 = 5;
/// On small disks at least so much: a large attachment and a backup of a small store.
pub const DISK_WARN_BYTES_MIN: u64 = 256 * 1024 * 1024;
/// On large disks no more: nobody is to be warned of 100 GiB of room.
pub const DISK_WARN_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// With a smaller share free than this a server takes nothing new: what it has must stay readable, and whoever
/// removes something needs room to do so.
pub const DISK_STOP_PERCENT: u8 = 2;
/// On small disks at least so much: the frames of some turns, several times over, as the store writes them.
pub const DISK_STOP_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// On large disks no more.
pub const DISK_STOP_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// A reserve counts as there again only with a quarter more, and never more than this: so that it is not crossed to
/// and fro.
pub const DISK_HYSTERESIS_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How long a device waits before it tries a server again whose disk was full: it asks with one frame, so a hundred
/// that wait are no load, and nobody waits long once there is room.
pub const DISK_FULL_WAIT_MILLIS: u64 = 10_000;
/// Devices of one user that are connected at once: every one of theirs, and a bound for one whose key is stolen.
pub const SESSIONS_PER_USER_MAX: usize = 32;

/// The largest blob that any server may be set to take: the list of its piece hashes (128 KiB) fits a frame eight times.
pub const BLOB_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// The largest that one takes unless told otherwise: a screen recording of some minutes, a log of a day.
pub const BLOB_BYTES_MAX_DEFAULT: u64 = 100 * 1024 * 1024;
/// A piece of a blob, checked and kept whole: what a break costs at the most, 20 ms at 100 Mbit/s. A power of two, so
/// that it is a subtree of the blob's hash.
pub const PIECE_BYTES: usize = 256 * 1024;
/// The first message of either side on a blob's stream: the list of the largest blob's piece hashes, and room.
pub const BLOB_MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Blobs that one device sends to a server at a time. Each may keep a stream's window full; one is enough for a link.
pub const BLOB_SENDS_MAX: usize = 1;
/// Blobs that it fetches at a time: small ones need not wait behind a large one.
pub const BLOB_FETCHES_MAX: usize = 2;
/// Transfers that wait on one device for one project: about 100 bytes of memory each. Beyond that, nothing more is
/// fetched unasked; what a person attached or asked for is always taken.
pub const TRANSFERS_MAX: usize = 65_536;
/// What is fetched unasked unless told otherwise: pictures and logs, no recordings.
pub const FETCH_UNASKED_BYTES_MAX_DEFAULT: u64 = 10 * 1024 * 1024;
/// Bytes of blobs that one device may send within a day: ten of the largest, and a thousand screenshots.
pub const QUOTA_BLOB_BYTES_PER_DAY: u64 = 2 * 1024 * 1024 * 1024;
/// Hashes in one [`crate::wire::blob::BlobsHere`].
pub const BLOBS_PER_FRAME_MAX: usize = 256;
/// Documents that a server looks at to find whether a peer may read a blob already, so that it need not come again.
pub const BLOB_DOCS_MAX: usize = 64;
/// First pause before a transfer that broke is begun again; doubled up to [`TRANSFER_PAUSE_MAX_MILLIS`].
pub const TRANSFER_PAUSE_MIN_MILLIS: u64 = 1_000;
/// Longest pause, and how long a transfer rests that the server has no answer to yet. Its news comes earlier.
pub const TRANSFER_PAUSE_MAX_MILLIS: u64 = 10 * 60_000;

/// A peer that has a link but has not said who it is for.
pub const GREETING_TIMEOUT_MILLIS: u64 = 10_000;

/// How often the roster notes that a device which is connected was there: at the end of every session, and this
/// often while it has something to say, so that a server which loses power is not far off.
pub const LAST_SEEN_STEP_MILLIS: u64 = 10 * 60_000;

/// A person's or a device's name, in characters.
pub const NAME_CHARS_MAX: usize = 80;
/// An email address: RFC 5321 section 4.5.3.1.3, less the angle brackets.
pub const EMAIL_BYTES_MAX: usize = 254;
/// The UDP port of a server where an address names none: in the user range, assigned to nobody, and above what
/// a program without privileges may not bind.
pub const DEFAULT_PORT: u16 = 9470;
/// Hosts in one address: IPv4, IPv6 and overlay addresses of two or three nodes.
pub const ADDRESS_HOSTS_MAX: usize = 8;
/// An address text: the id, eight hosts with ports, and room.
pub const ADDRESS_CHARS_MAX: usize = 600;

/// Random bits of a one-time code: eight characters of base 32, guarded by tries and time.
pub const CODE_CHARS: usize = 8;
/// How long an invitation's code can be used.
pub const INVITE_LIFETIME_MILLIS: u64 = 7 * 24 * 3_600_000;
/// Wrong codes that one device may send before the server stops answering it for a while.
pub const CODE_TRIES_MAX: u32 = 5;
/// For how long.
pub const CODE_BLOCK_MILLIS: u64 = 10 * 60_000;
/// Wrong codes from all devices together within [`CODE_BLOCK_MILLIS`]: at 40 bits a guesser with fresh keys
/// needs centuries.
pub const CODE_TRIES_ALL_MAX: u32 = 1_000;

/// How long a mailed code can be used: a mail takes a minute, a person a few more.
pub const MAILED_CODE_LIFETIME_MILLIS: u64 = 10 * 60_000;
/// Characters of base 32 that the asking device shows, for those who open the mailed link on another one: they only
/// have to tell the device before the person from one far away, and are tried no more often than the code.
pub const CHECK_CHARS: usize = 4;
/// Codes mailed to one address within [`MAILED_CODE_LIFETIME_MILLIS`]: a mistake or two, and no flood.
pub const MAILED_CODES_PER_ADDRESS_MAX: usize = 3;
/// Codes mailed to one address within a day.
pub const MAILED_CODES_PER_ADDRESS_A_DAY_MAX: usize = 20;
/// The shortest that an operator can set: a device that changes its network is back sooner.
pub const DIGEST_AFTER_MILLIS_MIN: u64 = 5 * 1_000;
/// From one mail to the next to somebody who stays away it takes twice as long each time, up to a day.
pub const DIGEST_PAUSE_MILLIS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// Nobody's news are looked for more often than that: a busy ticket costs one look, not one for each change.
pub const DIGEST_LOOK_MILLIS: u64 = 5 * 60 * 1_000;
/// Members whose news are looked for in one turn: some milliseconds.
pub const DIGESTS_PER_TURN: usize = 4;
/// Places of the log that are looked at for one mail; what is behind them is for the next.
pub const DIGEST_PLACES_MAX: usize = 5_000;
/// Documents that are read for one mail, at up to half a millisecond each.
pub const DIGEST_DOCS_MAX: usize = 50;
/// Tickets that one mail tells of: a screen or two.
pub const DIGEST_TICKETS_MAX: usize = 10;
/// What a mail tells of one ticket.
pub const DIGEST_LINES_MAX: usize = 3;
/// The beginning of a text in a mail.
pub const DIGEST_EXCERPT_CHARS_MAX: usize = 280;
/// All beginnings of one mail: it stays within what a mail may have, even if HTML needs six bytes for each.
pub const DIGEST_EXCERPTS_BYTES_MAX: usize = 3_000;
/// The beginning of a text in a notification: what a desktop shows.
pub const NEWS_EXCERPT_CHARS_MAX: usize = 200;
/// A subject: what a list of mails shows.
pub const DIGEST_SUBJECT_CHARS_MAX: usize = 120;
/// Codes mailed for one device within an hour: a person with two addresses and a typing error.
pub const MAILED_CODES_PER_DEVICE_MAX: usize = 5;
/// Codes mailed by one server within a minute: more than any team has customers who join at once, and few enough for
/// a relay. It bounds what waits to be used, too: a thousand codes.
pub const MAILED_CODES_PER_MINUTE_MAX: usize = 100;
/// Devices of one person that wait to be approved; the oldest makes room.
pub const WAITING_DEVICES_PER_USER_MAX: usize = 5;
/// How long a device waits to be approved: a colleague may be away for some days.
pub const WAITING_LIFETIME_MILLIS: u64 = 7 * 24 * 3_600_000;
/// Characters of a device's name that a mail repeats: it was given by whoever asked, and goes to whom they named.
pub const MAILED_NAME_CHARS_MAX: usize = 32;

/// How long a device certificate is valid; the server renews it at half of that.
pub const CERTIFICATE_LIFETIME_MILLIS: u64 = 90 * 24 * 3_600_000;

/// First pause before a new dial; doubled up to [`RECONNECT_MAX_MILLIS`], each with jitter of plus or minus half.
pub const RECONNECT_MIN_MILLIS: u64 = 250;
/// Longest pause: a server that comes back is found within half a minute without being hammered.
pub const RECONNECT_MAX_MILLIS: u64 = 30_000;

/// Snoozed tickets that come back in one turn: each is a row written. The rest comes with the next.
pub const RESURFACED_PER_TURN_MAX: usize = 1_000;
/// Documents that one turn looks through for mentions after a name has changed, so that people's edits are never behind
/// more.
pub const SOUGHT_DOCS_PER_TURN: usize = 16;
/// News of one project that wait until it is known whether the user has read them elsewhere: of more, nobody wants to
/// be told one by one.
pub const NEWS_WAITING_MAX: usize = 500;
/// How long they wait behind the last record that came: read marks follow records in the same stream.
pub const NEWS_QUIET_MILLIS: u64 = 2_000;
/// A bundle: the largest ticket that people make (2,000 comments of 4 KB) four times over. Read and checked in memory.
pub const BUNDLE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// One line of it: the largest change (160 KiB) in base 64, with its signature.
pub const BUNDLE_LINE_BYTES_MAX: usize = 256 * 1024;
/// Node certificates in a bundle: a project rotates its nodes a few times in its life. Each device certificate may be
/// tried with each of them.
pub const BUNDLE_NODES_MAX: usize = 16;
/// Device certificates in a bundle: every role that every device of a large ticket ever had. With all nodes tried,
/// a hostile bundle costs about two seconds.
pub const BUNDLE_CERTIFICATES_MAX: usize = 4_096;
/// People in a bundle.
pub const BUNDLE_PEOPLE_MAX: usize = 4_096;
/// The list of what an export holds: 100,000 tickets with ten files each at 250 bytes a line.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024 * 1024;
/// One line of it: a path in an export has few folders, each name at most 255 bytes.
pub const MANIFEST_LINE_BYTES_MAX: usize = 4 * 1024;
/// As much of a word as search compares: no word of a language is longer, and what a machine wrote is told apart by
/// less.
pub const WORD_CHARS_MAX: usize = 64;
/// Words from this length on are found with one typo: of shorter ones, too many are one edit away from another.
pub const TYPO_CHARS_MIN: usize = 5;
/// What stands before a `*`: one letter alone begins a good part of all words, and each is looked up.
pub const PREFIX_CHARS_MIN: usize = 2;

/// Certificates of nodes with what a device gives back: a project has had a few servers.
pub const GIVEN_NODES_MAX: usize = 16;
/// Certificates of devices, and names, in one frame of what a device gives back: each costs the server the check of a
/// signature (35 us), and no frame has more authors than changes.
pub const GIVEN_CERTIFICATES_MAX: usize = PUSH_ENVELOPES_MAX;
/// How many documents a device looks through in one turn for what the server's log has no more.
pub const FORMER_DOCS_PER_TURN: usize = 32;
/// How long after its restoration a server takes back what it lost, and those whom it forgot. Long enough for a device
/// that lies in a drawer; not for ever, because whose removal was lost with the backup could come back as well.
pub const RECOVERY_MILLIS: u64 = 180 * 24 * 3_600_000;
/// The largest ticket number that a device may give back, so that numbers stay short.
pub const GIVEN_NUMBER_MAX: u32 = 10_000_000;
