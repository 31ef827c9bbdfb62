//! Markdown as blocks of spans. What it says is shown and nothing of it is done: no HTML is read, no picture is fetched,
//! and a link is followed only when somebody clicks it.

use assist_proto::neutral;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::limits;

/// A part of a text that stands below the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// Running text.
    Text {
        /// How far it is set in.
        depth: usize,
        /// What stands before it: a bullet or a number.
        marker: Option<String>,
        /// Whether it quotes somebody.
        is_quote: bool,
        /// The text.
        spans: Vec<Span>,
    },
    /// The head of what follows.
    Heading(Vec<Span>),
    /// Lines as they are.
    Code(String),
    /// A line across.
    Rule,
}

/// Text of one look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) look: Look,
}

/// How a span looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Look {
    pub(crate) is_strong: bool,
    pub(crate) is_slanted: bool,
    pub(crate) is_code: bool,
    pub(crate) is_struck: bool,
    pub(crate) link: Option<String>,
}

/// Reads a text. One that is too large for that stays as it is.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    if text.len() > limits::MARKDOWN_BYTES_MAX {
        return vec![plain(&neutral::block(text))];
    }
    let text = &*neutral::block(text);
    let mut reader = Reader::default();
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    for event in Parser::new_ext(text, options) {
        reader.take(event);
    }
    reader.end_block();
    reader.blocks
}

/// Tells whether a link leads to where a browser, a mail program or this client goes; nothing else is followed.
pub(crate) fn is_safe_link(link: &str) -> bool {
    ["https://", "http://", "mailto:", "assist://"]
        .iter()
        .any(|scheme| link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Returns the beginning of a text without its marks, as one line.
pub(crate) fn plain_start(text: &str) -> String {
    let start = &text[..text.floor_char_boundary(START_BYTES)];
    let words = blocks(start).into_iter().find_map(|block| match block {
        Block::Text { spans, .. } | Block::Heading(spans) => {
            Some(spans.into_iter().map(|span| span.text).collect())
        }
        Block::Code(code) => Some(code),
        Block::Rule => None,
    });
    words.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// As much of a text is read for its beginning.
const START_BYTES: usize = 1_000;

fn plain(text: &str) -> Block {
    let spans = vec![Span { text: text.to_owned(), look: Look::default() }];
    Block::Text { depth: 0, marker: None, is_quote: false, spans }
}

#[derive(Debug, Default)]
struct Reader {
    blocks: Vec<Block>,
    spans: Vec<Span>,
    look: Look,
    /// The next number of each list that is open; none for bullets.
    lists: Vec<Option<u64>>,
    marker: Option<String>,
    quotes: usize,
    code: Option<String>,
    is_heading: bool,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.push(&text, self.look.clone()),
            },
            Event::Code(text) => self.push(&text, Look { is_code: true, ..self.look.clone() }),
            // People who write to people mean the line ends that they type.
            Event::SoftBreak | Event::HardBreak => self.push("\n", self.look.clone()),
            Event::Rule => {
                self.end_block();
                self.blocks.push(Block::Rule);
            }
            Event::TaskListMarker(is_done) => {
                self.marker = Some(if is_done { "[x]" } else { "[ ]" }.to_owned());
            }
            _ => {}
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.end_block();
                self.is_heading = level <= HeadingLevel::H6;
            }
            Tag::BlockQuote(_) => {
                self.end_block();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.end_block();
                let CodeBlockKind::Fenced(_) = kind else {
                    self.code = Some(String::new());
                    return;
                };
                self.code = Some(String::new());
            }
            Tag::List(first) => {
                self.end_block();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_block();
                self.marker = self.lists.last_mut().map(|next| match next {
                    Some(number) => {
                        let marker = format!("{number}.");
                        *number = number.saturating_add(1);
                        marker
                    }
                    None => "\u{2022}".to_owned(),
                });
            }
            Tag::Strong => self.look.is_strong = true,
            Tag::Emphasis => self.look.is_slanted = true,
            Tag::Strikethrough => self.look.is_struck = true,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.look.link = Some(dest_url.into_string()).filter(|link| is_safe_link(link));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item => self.end_block(),
            TagEnd::HtmlBlock => self.end_block(),
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                self.blocks.push(Block::Code(code.trim_end_matches('\n').to_owned()));
            }
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
            }
            TagEnd::Strong => self.look.is_strong = false,
            TagEnd::Emphasis => self.look.is_slanted = false,
            TagEnd::Strikethrough => self.look.is_struck = false,
            TagEnd::Link | TagEnd::Image => self.look.link = None,
            _ => {}
        }
    }

    fn push(&mut self, text: &str, look: Look) {
        match self.spans.last_mut() {
            Some(last) if last.look == look => last.text.push_str(text),
            _ => self.spans.push(Span { text: text.to_owned(), look }),
        }
    }

    fn end_block(&mut self) {
        let is_heading = std::mem::take(&mut self.is_heading);
        let mut spans = std::mem::take(&mut self.spans);
        if let Some(last) = spans.last_mut() {
            last.text.truncate(last.text.trim_end_matches('\n').len());
        }
        spans.retain(|span| !span.text.is_empty());
        if spans.is_empty() {
            return;
        }
        self.blocks.push(match is_heading {
            true => Block::Heading(spans),
            false => Block::Text {
                depth: self.lists.len().min(limits::MARKDOWN_DEPTH_MAX),
                marker: self.marker.take(),
                is_quote: self.quotes > 0,
                spans,
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, blocks, is_safe_link, plain_start};

    fn told(text: &str) -> Vec<String> {
        let spans = |spans: &[super::Span]| -> String {
            spans
                .iter()
                .map(|span| {
                    let look = &span.look;
                    let mut told = span.text.clone();
                    for (is_so, mark) in [
                        (look.is_strong, "*"),
                        (look.is_slanted, "/"),
                        (look.is_code, "`"),
                        (look.is_struck, "~"),
                    ] {
                        if is_so {
                            told = format!("{mark}{told}{mark}");
                        }
                    }
                    match &look.link {
                        Some(link) => format!("<{told}|{link}>"),
                        None => told,
                    }
                })
                .collect()
        };
        blocks(text)
            .iter()
            .map(|block| match block {
                Block::Text { depth, marker, is_quote, spans: text } => {
                    let quote = if *is_quote { "> " } else { "" };
                    format!("{depth}{quote}{}{}", marker.as_deref().unwrap_or(""), spans(text))
                }
                Block::Heading(text) => format!("# {}", spans(text)),
                Block::Code(code) => format!("code {code}"),
                Block::Rule => "rule".to_owned(),
            })
            .collect()
    }

    #[test]
    fn what_people_write_comes_out_as_blocks() {
        let text = "It **hums** and `x` ~~not~~\nat _noon_.\n\n# Why\n\n- one\n- two\n  1. deep\n\n> said\n\n```sh\nls\n\nls\n```\n---\n[so](https://example.org) end";
        assert_eq!(
            told(text),
            [
                "0It *hums* and `x` ~not~\nat /noon/.",
                "# Why",
                "1\u{2022}one",
                "1\u{2022}two",
                "21.deep",
                "0> said",
                "code ls\n\nls",
                "rule",
                "0<so|https://example.org> end",
            ]
        );
    }

    #[test]
    fn what_would_do_something_is_text() {
        assert_eq!(told("<script>x</script>"), ["0<script>x</script>"]);
        assert_eq!(told("[x](javascript:alert(1)) [y](file:///etc/passwd)"), ["0x y"]);
        assert_eq!(told("![alt](https://example.org/pixel.png)"), ["0<alt|https://example.org/pixel.png>"]);
        assert!(is_safe_link("HTTPS://example.org") && !is_safe_link("https") && !is_safe_link("\u{e4}"));
    }

    #[test]
    fn the_beginning_of_a_text_has_no_marks() {
        assert_eq!(plain_start("Under *Settings* there\nis `x`.\n\nMore."), "Under Settings there");
        assert_eq!(plain_start("---\n```\nls\n```"), "ls");
        assert_eq!(plain_start(&"\u{20ac}".repeat(1_000)).len(), 999);
        assert_eq!(plain_start(""), "");
    }

    #[test]
    fn any_text_is_read() {
        for text in
            ["", "\n\n", "> > > > - - - - x", "```", "*", "[", &"> ".repeat(10_000), &"x".repeat(100_000)]
        {
            blocks(text);
        }
        assert_eq!(told(&"*x*".repeat(30_000)).len(), 1, "too large to be read: shown as it is");
    }
}
