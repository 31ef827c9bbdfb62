//! Whom an `@` that is being typed may mean.

use assist_proto::api::user::User;

/// Somebody who may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// What they are called.
    pub(crate) name: String,
    /// What stands behind the `@` to mean them and nobody else.
    pub(crate) word: String,
}

/// Returns who may be meant by what stands before the cursor, of those who may read it: a few, by name.
pub(crate) fn propose(users: &[User], may_read: impl Fn(&User) -> bool, before: &str) -> Vec<Proposal> {
    let Some(typed) = begun(before) else { return Vec::new() };
    let typed = typed.to_lowercase();
    let begins = |name: &str| {
        let name = name.to_lowercase();
        name.starts_with(&typed) && name != typed
    };
    let is_meant = |user: &&User| begins(&user.name) || handle(user).is_some_and(begins);
    let mut found: Vec<&User> =
        users.iter().filter(|user| !user.is_self && may_read(user)).filter(is_meant).collect();
    found.sort_by(|left, right| (&left.name, &left.email).cmp(&(&right.name, &right.email)));
    let named = found.into_iter().filter_map(|user| {
        let word = word_for(users, user)?.to_owned();
        Some(Proposal { name: user.name.clone(), word })
    });
    named.take(SHOWN_MAX).collect()
}

/// What somebody wrote behind the `@` that they are just writing behind. One within a word or an address is none.
fn begun(before: &str) -> Option<&str> {
    let at = before.rfind('@')?;
    let typed = &before[at + 1..];
    let is_within = |c: char| c.is_alphanumeric() || "@._-/+".contains(c);
    let is_begin = !before[..at].ends_with(is_within);
    let is_name = !typed.starts_with(char::is_whitespace) && !typed.contains(['\n', '@']);
    (is_begin && is_name && typed.chars().count() <= TYPED_CHARS_MAX).then_some(typed)
}

/// Their name, or where others are called so too the part of their address before the `@`.
fn word_for<'a>(users: &[User], user: &'a User) -> Option<&'a str> {
    let is_called = |name: &str| {
        let same = users.iter().filter(|other| other.name.to_lowercase() == name.to_lowercase());
        same.count() > 1
    };
    if is_called(&user.name) { handle(user) } else { Some(&user.name) }
}

fn handle(user: &User) -> Option<&str> {
    user.email.as_deref()?.split('@').next()
}

/// As many can be taken in at a glance.
const SHOWN_MAX: usize = 5;
/// What is longer is no beginning of a name.
const TYPED_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use assist_proto::api::user::Role;

    use super::*;

    fn user(name: &str, email: Option<&str>, role: Role) -> User {
        let (id, name, email) = (name.to_owned(), name.to_owned(), email.map(str::to_owned));
        User { id, name, email, role, is_self: false }
    }

    fn people() -> Vec<User> {
        vec![
            user("Arno Berg", Some("arno@example.org"), Role::Agent),
            user("Ada", Some("ada@example.org"), Role::Admin),
            user("\u{c4}nne", None, Role::Customer),
            user("Sam", Some("sam.one@example.org"), Role::Agent),
            user("sam", Some("sam.two@example.org"), Role::Agent),
            user("Sam", None, Role::Customer),
            User { is_self: true, ..user("Amir", None, Role::Agent) },
        ]
    }

    fn words(is_note: bool, before: &str) -> Vec<String> {
        propose(&people(), |user| !(is_note && user.role == Role::Customer), before)
            .into_iter()
            .map(|proposal| proposal.word)
            .collect()
    }

    #[test]
    fn who_may_be_meant_is_proposed() {
        assert_eq!(words(false, "Could @a"), ["Ada", "Arno Berg"]);
        assert_eq!(words(false, "@arno b"), ["Arno Berg"]);
        assert_eq!(words(false, "(@\u{e4}"), ["\u{c4}nne"]);
        assert_eq!(words(true, "@\u{e4}"), [""; 0], "a note is not for her");
        assert_eq!(words(false, "@sam"), ["sam.one", "sam.two"], "several are called so");
        assert_eq!(words(false, "@").len(), 5);
        for nothing in ["", "a", "mail a@a", "@@a", "@ a", "@ada", "@am", "@a\nb", "@x", "a/@a"] {
            assert_eq!(words(false, nothing), [""; 0], "{nothing:?}");
        }
    }
}
