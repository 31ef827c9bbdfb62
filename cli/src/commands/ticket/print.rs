//! `ticket print`: one HTML file that holds all of a ticket, to be read and printed anywhere.
//!
//! **Invariant:** whatever people wrote, the page loads nothing and runs nothing: their Markdown gives no HTML of its
//! own, no picture from elsewhere, and no link but to the web and to mail addresses; a policy in the page says so too.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use assist_proto::api::attachment::{self, AttachmentState, BlobState};
use assist_proto::api::comment::Comment;
use assist_proto::api::ticket::Ticket;
use assist_proto::blob::media_type;
use data_encoding::BASE64;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::super::attachment::saving_error;
use super::super::note::all_notes;
use super::super::{optional, word};
use super::{get, name_of};
use crate::args::PrintArgs;
use crate::error::{CliError, ErrorKind};
use crate::invocation::Invocation;
use crate::output::{exact, neutral};

/// Writes the page.
pub(super) fn run(args: PrintArgs, invocation: &mut Invocation) -> Result<(), CliError> {
    let ticket = invocation.call(&get(args.ticket, invocation))?;
    let (project, id) = (Some(ticket.row.project.clone()), ticket.row.id.clone());
    let notes = match args.notes {
        true => all_notes(Some(&ticket.row.project), &ticket.row.id, invocation.client()?)?,
        false => Vec::new(),
    };
    let listed = invocation.call(&attachment::List { project, ticket: id })?.attachments;
    let files = load(listed, args.notes, invocation)?;
    let page = page(&ticket, &notes, &files);
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        None => invocation.output.line(page.trim_end()),
        Some(path) => {
            write(path, page.as_bytes())?;
            invocation.output.say(&format!("wrote {} bytes", page.len()));
            invocation.output.line(&neutral::line(&path.to_string_lossy()))
        }
    }
}

/// A file under a comment or note, with the picture that it is, if it is a small one that is here.
struct Attached {
    state: AttachmentState,
    picture: Option<String>,
}

fn load(
    listed: Vec<AttachmentState>,
    with_notes: bool,
    invocation: &mut Invocation,
) -> Result<Vec<Attached>, CliError> {
    let mut room = PICTURES_BYTES_MAX;
    let mut files = Vec::new();
    for state in listed.into_iter().filter(|state| with_notes || !state.is_note) {
        let is_wanted = state.state == BlobState::Here && state.size_bytes <= room;
        let mut picture = None;
        if is_wanted && state.media_type.starts_with("image/") {
            let mut bytes = Vec::new();
            invocation.client()?.get_blob(&state.blob, &mut bytes).map_err(saving_error)?;
            // What the bytes are counts, not what was said of them.
            let kind = media_type(&bytes, "");
            if PICTURES.contains(&kind) {
                room -= state.size_bytes;
                picture = Some(format!("data:{kind};base64,{}", BASE64.encode(&bytes)));
            }
        }
        files.push(Attached { state, picture });
    }
    Ok(files)
}

fn page(ticket: &Ticket, notes: &[Comment], files: &[Attached]) -> String {
    let row = &ticket.row;
    let title = escaped(&format!("{} {}", name_of(row.number, &row.short_id), row.title));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<dl>\n"
    );
    for (name, value) in [
        ("Status", word(&row.status)),
        ("Closed because", ticket.close_reason.clone().unwrap_or_default()),
        ("Priority", row.priority.as_ref().map(word).unwrap_or_default()),
        ("Requester", row.requester.name.clone()),
        ("Assignee", row.assignee.as_ref().map(|user| user.name.clone()).unwrap_or_default()),
        ("Labels", row.labels.join(", ")),
        ("Created", exact(row.created_at_millis)),
        ("Updated", exact(row.updated_at_millis)),
        ("Number", optional(row.number)),
        ("Id", row.id.clone()),
    ] {
        if !value.is_empty() {
            page.push_str(&format!("<dt>{name}<dd>{}\n", escaped(&value)));
        }
    }
    page.push_str(&format!("</dl>\n<section class=\"report\">\n{}</section>\n", rendered(&ticket.body)));
    page.push_str(&texts("comment", &ticket.comments, files));
    if !notes.is_empty() {
        page.push_str("<h2>Notes: only the team sees these</h2>\n");
        page.push_str(&texts("note", notes, files));
    }
    page.push_str("</html>\n");
    page
}

fn texts(class: &str, comments: &[Comment], files: &[Attached]) -> String {
    let mut text = String::new();
    for comment in comments {
        let answered = comment.reply_to.as_ref().and_then(|id| comments.iter().find(|it| it.id == *id));
        let answered = answered.map(|it| format!(", to {}", escaped(&it.author.name))).unwrap_or_default();
        let edited = if comment.edited_at_millis.is_some() { ", rewritten" } else { "" };
        let body = if comment.is_deleted {
            "<p class=\"struck\">struck by its author</p>\n".to_owned()
        } else {
            rendered(&comment.body)
        };
        let _ = write!(
            text,
            "<article class=\"{class}\">\n<header><b>{}</b>{answered}, <time>{}</time>{edited}</header>\n{body}",
            escaped(&comment.author.name),
            exact(comment.created_at_millis)
        );
        for file in files.iter().filter(|file| file.state.comment == comment.id) {
            let name = escaped(&file.state.name);
            let caption = format!("<figcaption>{name}, {} bytes</figcaption>", file.state.size_bytes);
            let picture = file.picture.as_ref();
            let picture =
                picture.map(|data| format!("<img alt=\"{name}\" src=\"{data}\">")).unwrap_or_default();
            let _ = writeln!(text, "<figure>{picture}{caption}</figure>");
        }
        text.push_str("</article>\n");
    }
    text
}

/// Markdown as HTML, without anything in it that would load, run, or lead elsewhere than it says.
fn rendered(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let text = neutral::block(text);
    let mut is_harmless = Vec::new();
    let events = Parser::new_ext(&text, options).filter_map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::Start(Tag::Link { ref dest_url, .. }) => {
            let leads_out = LINKS.iter().any(|scheme| dest_url.starts_with(scheme));
            is_harmless.push(leads_out);
            leads_out.then_some(event)
        }
        Event::End(TagEnd::Link) => is_harmless.pop().unwrap_or(false).then_some(event),
        // Its description stays.
        Event::Start(Tag::Image { .. }) => Some(Event::Text(CowStr::Borrowed("\u{1f5bc} "))),
        Event::End(TagEnd::Image) => None,
        event => Some(event),
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    page
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in neutral::line(text).chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            char => safe.push(char),
        }
    }
    safe
}

/// A new file, for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(bytes)).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            CliError::message(ErrorKind::Usage, format!("{} is there already", path.display()))
                .hint("name a file that is not there yet")
        }
        _ => {
            let error = anyhow::Error::new(error).context(format!("cannot write {}", path.display()));
            CliError::new(ErrorKind::Failed, error)
        }
    })
}

/// Where a link may lead.
const LINKS: [&str; 3] = ["https://", "http://", "mailto:"];
/// What browsers show, and no script hides in.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// Of all pictures in one page: a browser opens it without a thought.
const PICTURES_BYTES_MAX: u64 = 64 * 1024 * 1024;

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1c20;background:#fff}\
h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.1rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;color:#444}dt{color:#666}dd{margin:0}\
article{border-left:3px solid #c9ced6;padding:.1rem 0 .1rem 1rem;margin:1.25rem 0;break-inside:avoid}\
article.note{border-color:#c58b00;background:#fff8e5}header{color:#555;font-size:.9rem}\
pre{background:#f4f5f7;padding:.75rem;overflow-x:auto;white-space:pre-wrap}code{background:#f4f5f7}\
img{max-width:100%}figure{margin:.5rem 0}figcaption,.struck{color:#666;font-size:.9rem}\
table{border-collapse:collapse}td,th{border:1px solid #c9ced6;padding:.2rem .5rem}\
@media(prefers-color-scheme:dark){body{background:#15171b;color:#e6e8eb}dl,dd,dt,header,figcaption,.struck{color:#a7adb7}\
pre,code{background:#22252b}article.note{background:#2b2412}}\
@media print{body{margin:0;max-width:none}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_rendered() {
        assert_eq!(rendered("a **b**\n"), "<p>a <strong>b</strong></p>\n");
        assert_eq!(
            rendered("[us](https://example.org/)"),
            "<p><a href=\"https://example.org/\">us</a></p>\n"
        );
    }

    #[test]
    fn nothing_loads_and_nothing_runs() {
        for hostile in [
            "<script>alert(1)</script>",
            "text <img src=x onerror=alert(1)> text",
            "[x](javascript:alert(1))",
            "[x](JavaScript:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "![x](https://example.org/pixel.png)",
            "[![x](https://example.org/pixel.png)](javascript:alert(1))",
            "<https://example.org/\" onclick=\"alert(1)>",
            "[x]: javascript:alert(1)\n\n[x]",
            "<style>body{display:none}</style>",
            "```\n</code></pre><script>alert(1)</script>\n```",
        ] {
            let page = rendered(hostile);
            for sign in ["<script", "<img", "<style", "href=\"java", "href=\"Java", "href=\"data"] {
                assert!(!page.contains(sign), "{hostile}: {page}");
            }
        }
        assert_eq!(escaped("<b title=\"&\">"), "&lt;b title=&quot;&amp;&quot;&gt;");
    }
}
