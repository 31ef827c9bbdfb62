//! A ticket as mails in the `mboxrd` form, which mail programs read: the report, and each comment as an answer.

use assist_proto::api::comment::Author;
use assist_proto::api::ticket::Ticket;
use jiff::Timestamp;

/// The mails of a ticket, one behind the other. What was struck has none.
pub(super) fn ticket(ticket: &Ticket) -> String {
    let row = &ticket.row;
    let first = format!("<{}@{HOST}>", row.id);
    let subject = match row.number {
        Some(number) => format!("[#{number}] {}", row.title),
        None => row.title.clone(),
    };
    let mut text = Mail {
        id: &row.id,
        at_millis: row.created_at_millis,
        from: (&row.requester.name, &row.requester.id),
        subject: &subject,
        answers: None,
        thread: None,
        body: &ticket.body,
    }
    .to_text();
    for comment in ticket.comments.iter().filter(|comment| !comment.is_deleted) {
        let Author { id, name, .. } = &comment.author;
        let answers = comment.reply_to.as_ref().map(|id| format!("<{id}@{HOST}>"));
        let mail = Mail {
            id: &comment.id,
            at_millis: comment.created_at_millis,
            from: (name, id),
            subject: &format!("Re: {subject}"),
            answers: Some(answers.as_deref().unwrap_or(&first)),
            thread: Some(&first),
            body: &comment.body,
        };
        text.push_str(&mail.to_text());
    }
    text
}

struct Mail<'a> {
    id: &'a str,
    at_millis: u64,
    /// Name and id.
    from: (&'a str, &'a str),
    subject: &'a str,
    answers: Option<&'a str>,
    thread: Option<&'a str>,
    body: &'a str,
}

impl Mail<'_> {
    fn to_text(&self) -> String {
        let at = Timestamp::from_millisecond(i64::try_from(self.at_millis).unwrap_or(0)).unwrap_or_default();
        let (name, id) = self.from;
        let mut text = format!("From {id}@{HOST} {}\n", at.strftime("%a %b %e %H:%M:%S %Y"));
        let mut header = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\n"));
        header("Message-ID", &format!("<{}@{HOST}>", self.id));
        header("Date", &at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string());
        header("From", &format!("{} <{id}@{HOST}>", encoded(name)));
        header("Subject", &encoded(self.subject));
        if let Some(answers) = self.answers {
            header("In-Reply-To", answers);
        }
        if let Some(thread) = self.thread {
            let answers = self.answers.filter(|answers| *answers != thread);
            header(
                "References",
                &[Some(thread), answers].into_iter().flatten().collect::<Vec<_>>().join(" "),
            );
        }
        header("MIME-Version", "1.0");
        header("Content-Type", "text/plain; charset=utf-8");
        header("Content-Transfer-Encoding", "8bit");
        text.push('\n');
        for line in self.body.lines() {
            // What looks like the beginning of the next mail is quoted, and what looks quoted once more.
            if line.trim_start_matches('>').starts_with("From ") {
                text.push('>');
            }
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        text
    }
}

/// A header's text: as it is where it is plain, else in encoded words of RFC 2047, each of at most 75 characters.
fn encoded(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || " -_.'".contains(char);
    if text.chars().all(is_plain) && text.len() <= PLAIN_CHARS_MAX {
        return text.to_owned();
    }
    let mut words: Vec<String> = vec![String::new()];
    for char in text.chars() {
        let code: String = match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' => char.to_string(),
            _ => char.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("={byte:02X}")).collect(),
        };
        match words.last_mut() {
            Some(word) if word.len() + code.len() <= WORD_CHARS_MAX => word.push_str(&code),
            _ => words.push(code),
        }
    }
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?Q?{word}?=")).collect();
    words.join("\n ")
}

/// Ids are no addresses: this name leads nowhere (RFC 2606).
const HOST: &str = "assist.invalid";
/// Of a header's value in one line.
const PLAIN_CHARS_MAX: usize = 70;
/// Of an encoded word, without the twelve that say what it is.
const WORD_CHARS_MAX: usize = 75 - 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, body: &str) -> String {
        let mail = Mail {
            id: "c",
            at_millis: 1_764_151_200_000,
            from: ("J\u{f6}rg", "u"),
            subject,
            answers: Some("<a@assist.invalid>"),
            thread: Some("<t@assist.invalid>"),
            body,
        };
        mail.to_text()
    }

    #[test]
    fn a_mail_says_who_when_and_what_it_answers() {
        assert_eq!(
            mail("Re: It hangs", "Since noon."),
            "From u@assist.invalid Wed Nov 26 10:00:00 2025\n\
             Message-ID: <c@assist.invalid>\n\
             Date: Wed, 26 Nov 2025 10:00:00 +0000\n\
             From: =?utf-8?Q?J=C3=B6rg?= <u@assist.invalid>\n\
             Subject: =?utf-8?Q?Re=3A=20It=20hangs?=\n\
             In-Reply-To: <a@assist.invalid>\n\
             References: <t@assist.invalid> <a@assist.invalid>\n\
             MIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\n\
             Content-Transfer-Encoding: 8bit\n\
             \n\
             Since noon.\n\n"
        );
    }

    #[test]
    fn no_text_begins_a_mail_or_a_header() {
        let text = mail("x\nBcc: everybody", "From me\n>From you\nfrom");
        assert!(text.contains("\n>From me\n>>From you\nfrom\n"), "{text}");
        assert!(!text.contains("\nBcc"), "{text}");
        let long = encoded(&"\u{e4}".repeat(80));
        assert!(long.lines().all(|line| line.trim_start().len() <= 75), "{long}");
    }
}
