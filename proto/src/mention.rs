//! Who is mentioned in a text: `@` and a name.
//!
//! The text is the truth; nothing else says that somebody is mentioned. What counts as a name, and where it ends, stands
//! in `docs/decisions/0016-mentions.md`. Code and quotes mention nobody: somebody else's words, or a machine's.
//!
//! Pure and bounded: a text of any bytes is looked through in time that grows with its length.

mod plain;

use std::collections::BTreeMap;
use std::ops::Range;

use assist_crdt_model::UserId;

use crate::search::fold;
use crate::wire::Member;

/// What people are called, as far as somebody knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// By the folded name; absent where several are called so: then nobody is meant.
    users: BTreeMap<String, Option<UserId>>,
}

/// A place where somebody is mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The `@` and the name, in bytes.
    pub span: Range<usize>,
    /// Who.
    pub user: UserId,
}

impl Names {
    /// The names of these people: what they are called, and the part of their email before the `@`.
    pub fn new<'a>(people: impl IntoIterator<Item = (UserId, &'a str, Option<&'a str>)>) -> Self {
        let mut names = Self::default();
        for (user, name, email) in people {
            let handle = email.and_then(|email| email.split('@').next());
            for name in [Some(name), handle].into_iter().flatten() {
                names.add(user, name);
            }
        }
        names
    }

    /// The names of members.
    pub fn of_members<'a>(members: impl IntoIterator<Item = &'a Member>) -> Self {
        let person = |member: &'a Member| (member.user, member.name.as_str(), member.email.as_deref());
        Self::new(members.into_iter().map(person))
    }

    fn add(&mut self, user: UserId, name: &str) {
        let name = folded(name);
        if !name.is_empty() {
            let known = self.users.entry(name).or_insert(Some(user));
            *known = known.filter(|known| *known == user);
        }
    }

    /// Everybody who is mentioned, in the order of the text.
    pub fn mentions(&self, text: &str) -> Vec<Mention> {
        let mut found = Vec::new();
        if !text.contains('@') {
            return found;
        }
        for range in plain::ranges(text) {
            let mut from = range.start;
            while let Some(at) = text[from..range.end].find('@').map(|at| from + at) {
                from = at + 1;
                if !may_begin(text[..at].chars().next_back()) {
                    continue;
                }
                if let Some((end, user)) = self.longest(&text[from..range.end]) {
                    found.extend(user.map(|user| Mention { span: at..from + end, user }));
                    from += end;
                }
            }
        }
        found
    }

    /// Whether this one is.
    pub fn is_mentioned(&self, user: UserId, text: &str) -> bool {
        self.mentions(text).iter().any(|mention| mention.user == user)
    }

    /// Stands for all that decides whether a text mentions somebody: as long as it is the same, so is every answer.
    pub fn token_of(&self, user: UserId) -> [u8; 16] {
        let own: Vec<&String> =
            self.users.iter().filter(|(_, known)| **known == Some(user)).map(|(name, _)| name).collect();
        let mut hasher = blake3::Hasher::new();
        for (name, known) in &self.users {
            // A longer name takes the place of one's own.
            if own.iter().any(|own| name.starts_with(own.as_str())) {
                hasher.update(&[u8::from(*known == Some(user))]).update(name.as_bytes()).update(&[0]);
            }
        }
        let mut token = [0; 16];
        token.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        token
    }

    /// The longest name that the text begins with: where it ends, and whose it is.
    fn longest(&self, text: &str) -> Option<(usize, Option<UserId>)> {
        let mut longest = None;
        for end in ends(text) {
            let name = folded(&text[..end]);
            if let Some(user) = self.users.get(&name) {
                longest = Some((end, *user));
            }
            if !self.users.range(name.clone()..).next().is_some_and(|(other, _)| other.starts_with(&name)) {
                break;
            }
        }
        longest
    }
}

/// What is compared of a name: the letters as a search compares them, and one space between words.
fn folded(name: &str) -> String {
    let mut all = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !all.is_empty() {
            all.push(' ');
        }
        fold(word, &mut all);
    }
    all
}

/// Whether an `@` behind this character is one of a mention: not in an address, a path, or where it was escaped.
fn may_begin(before: Option<char>) -> bool {
    before.is_none_or(|char| !is_of_word(char) && !matches!(char, '.' | '-' | '+' | '/' | '@' | '\\'))
}

/// Where a name can end that begins at the start of the text: at the end of a word that goes on in no other way.
fn ends(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut chars = text.char_indices().peekable();
    let mut line_breaks = 0;
    std::iter::from_fn(move || {
        while let Some((at, char)) = chars.next() {
            line_breaks = if char == '\n' {
                line_breaks + 1
            } else if char.is_whitespace() {
                line_breaks
            } else {
                0
            };
            if char == '@' || line_breaks > 1 || (at == 0 && char.is_whitespace()) {
                return None;
            }
            let end = at + char.len_utf8();
            let next = chars.peek().map(|(_, next)| *next);
            let behind_next = next.and_then(|next| text[end + next.len_utf8()..].chars().next());
            if !char.is_whitespace() && !goes_on(char, next, behind_next) {
                return Some(end);
            }
        }
        None
    })
}

/// Whether a word goes on behind a character: `@carol.smith` is not Carol, and neither is `@carol@example.org`; but
/// `@Carol's` is, and so is `@Carol.` at the end of a sentence.
fn goes_on(char: char, next: Option<char>, behind_next: Option<char>) -> bool {
    match next {
        Some(next) if is_of_word(next) => is_of_word(char) && !is_unspaced(char),
        Some('.' | '-' | '+' | '@') => behind_next.is_some_and(is_of_word),
        _ => false,
    }
}

fn is_of_word(char: char) -> bool {
    // A mark that stands on the letter before it belongs to it.
    char.is_alphanumeric() || char == '_' || ('\u{300}'..='\u{36f}').contains(&char)
}

/// Scripts that write words without spaces between them, or endings close behind a name.
const fn is_unspaced(char: char) -> bool {
    matches!(char, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

#[cfg(test)]
mod tests;
