//! Who may do what: the users that a server has, by its configuration, its ACL file, or its own words. No password is kept.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::finding::Place;
use super::subject::Subject;
use crate::disk;
use crate::redact::Secret;
use crate::server::UserSeen;

/// Bytes of an ACL file read at most: thousands of users have less.
const ACL_FILE: u64 = 4 << 20;

/// A user, and where that was seen.
#[derive(Clone, Debug)]
pub struct Account {
    /// What it may do.
    pub user: UserSeen,
    /// Where it was seen.
    pub place: Place,
    /// A password in plain text there is the one of an example.
    pub has_placeholder: bool,
    /// A password in plain text there is short.
    pub has_short: bool,
}

/// Whether a client may log in as `default` without a password.
#[derive(Clone, Debug)]
pub enum Default {
    /// It may, and here that is said.
    Free(Place),
    /// It needs a password, or cannot log in.
    Guarded,
}

/// Every user that was seen, the last line of a name counting: of the server that was asked, else of the files.
pub fn accounts(subject: &Subject) -> Vec<Account> {
    if let Some(users) = subject.server.as_ref().and_then(|server| server.users.as_ref()) {
        let server = subject.server.as_ref().map(|seen| seen.address.clone()).unwrap_or_default();
        let account = |user: &UserSeen| Account {
            user: user.clone(),
            place: Place::Setting { server: server.clone(), name: "ACL LIST".to_owned() },
            has_placeholder: false,
            has_short: false,
        };
        return users.iter().map(account).collect();
    }
    let mut found: Vec<Account> = Vec::new();
    let lines = subject.lines("user").into_iter().filter_map(|seen| {
        let secret = seen.secret()?.clone();
        Some((secret, seen.place))
    });
    for (secret, place) in lines.chain(acl_file(subject)) {
        if let Some(account) = account(&secret, place) {
            found.retain(|other| other.user.name != account.user.name);
            found.push(account);
        }
    }
    found
}

/// The path of `aclfile`, where one is set and the path does not depend on where the server was started.
pub fn acl_path(subject: &Subject) -> Option<(PathBuf, Place)> {
    let seen = subject.setting("aclfile")?;
    let word = seen.words().first().filter(|word| word.starts_with(b"/"))?;
    Some((OsStr::from_bytes(word).into(), seen.place.clone()))
}

fn acl_file(subject: &Subject) -> Vec<(Secret, Place)> {
    let lines = acl_lines(subject).into_iter();
    let user =
        |(place, line): (Place, Vec<u8>)| Some((Secret::new(line.strip_prefix(b"user ")?), place));
    lines.filter_map(user).collect()
}

/// The lines of the ACL file that the configuration names, without the blanks around them; none of empty ones. They may hold
/// passwords.
pub(super) fn acl_lines(subject: &Subject) -> Vec<(Place, Vec<u8>)> {
    let Some((path, _)) = acl_path(subject).filter(|_| subject.conf.is_some()) else {
        return Vec::new();
    };
    let Ok(bytes) = disk::read_small(&path, ACL_FILE) else { return Vec::new() };
    let lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    let lines = lines.map(|(number, line)| (number, line.trim_ascii()));
    let lines = lines.filter(|(_, line)| !line.is_empty());
    lines
        .map(|(number, line)| (Place::Line { file: path.clone(), number }, line.to_vec()))
        .collect()
}

fn account(secret: &Secret, place: Place) -> Option<Account> {
    let mut found = None;
    secret.is(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let open = || words.iter().filter_map(|word| word.strip_prefix('>'));
        found = UserSeen::parse(&words).map(|user| Account {
            user,
            place,
            has_placeholder: open().any(|word| is_placeholder(word.as_bytes())),
            has_short: open().any(|word| is_short(word.as_bytes())),
        });
        found.is_some()
    });
    found
}

/// Whether `default` needs a password; `None` where that is not known.
pub fn default_user(subject: &Subject) -> Option<Default> {
    let all = accounts(subject);
    if let Some(account) = all.iter().find(|one| one.user.name == "default") {
        let is_free = account.user.is_on && account.user.needs_no_password;
        return Some(if is_free { Default::Free(account.place.clone()) } else { Default::Guarded });
    }
    let seen = subject.setting("requirepass")?;
    // Of a file that cannot be read nobody knows whom it names.
    if acl_path(subject).is_some_and(|(path, _)| !disk::exists(&path)) {
        return None;
    }
    Some(match seen.secret()?.is_empty() {
        true => Default::Free(seen.place),
        false => Default::Guarded,
    })
}

/// Passwords that examples and manuals have in them.
pub fn is_placeholder(password: &[u8]) -> bool {
    const KNOWN: [&str; 24] = [
        "foobared",
        "password",
        "passw0rd",
        "passwd",
        "changeme",
        "changeit",
        "secret",
        "redis",
        "valkey",
        "admin",
        "root",
        "test",
        "default",
        "example",
        "letmein",
        "qwerty",
        "123456",
        "12345678",
        "123456789",
        "1234567890",
        "mypassword",
        "yourpassword",
        "strongpassword",
        "redispassword",
    ];
    let text = String::from_utf8_lossy(password).to_ascii_lowercase();
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let is_left_open = text.starts_with('<') && text.ends_with('>')
        || text.starts_with("${")
        || text.starts_with("{{")
        || !letters.is_empty() && letters.chars().all(|c| c == 'x');
    let is_named =
        ["your", "change", "replace", "example", "some"].iter().any(|word| letters.contains(word))
            && ["password", "passwd", "secret", "here"].iter().any(|word| letters.contains(word));
    is_left_open || is_named || KNOWN.contains(&letters.as_str())
}

/// Too short to stand many guesses a second, or of one sort of characters and not much longer.
pub fn is_short(password: &[u8]) -> bool {
    const LEAST: usize = 16;
    let is_digits = password.iter().all(u8::is_ascii_digit);
    let is_same = password.windows(2).all(|pair| pair[0] == pair[1]);
    password.len() < LEAST || is_same || is_digits && password.len() < 2 * LEAST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_examples_are_known_and_others_are_not() {
        for bad in [
            "your_strong_password_here",
            "foobared",
            "<PASSWORD>",
            "${REDIS_PASSWORD}",
            "Change-Me-Password",
            "xxxxxxxx",
            "some_secret_here",
            "{{ password }}",
        ] {
            assert!(is_placeholder(bad.as_bytes()), "{bad}");
        }
        for good in ["f3b1c0d27a9e4458", "correct horse battery", "Xk2-pass-9"] {
            assert!(!is_placeholder(good.as_bytes()), "{good}");
        }
    }

    #[test]
    fn short_passwords_are_those_that_can_be_guessed() {
        assert!(is_short(b"0123456789abcde") && !is_short(b"0123456789abcdef"));
        assert!(is_short(b"01234567890123456789") && is_short(&[b'a'; 40]));
    }
}
