//! Values of lines: the one argument, and what it may be.

use super::{Directive, Fault, Kind, Reason};

/// The one argument of a line.
pub(super) struct Read<'a>(pub(super) &'a Directive);

impl Read<'_> {
    pub(super) fn one<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        read: fn(&[u8]) -> Option<T>,
    ) -> Result<T, Fault<Reason>> {
        let [arg] = self.0.args.as_slice() else {
            return Err(self.0.fault(Kind::Arguments { name, given: self.0.args.len() }));
        };
        // An escape can make a NUL, at which C strings end.
        let arg = arg.split(|&byte| byte == 0).next().unwrap_or_default();
        read(arg).ok_or(self.0.fault(Kind::Value { name, expected }))
    }

    /// All arguments, of which there must be one.
    pub(super) fn some(&self, name: &'static str) -> Result<Vec<Vec<u8>>, Fault<Reason>> {
        match self.0.args.is_empty() {
            true => Err(self.0.fault(Kind::Arguments { name, given: 0 })),
            false => Ok(self.0.args.clone()),
        }
    }

    pub(super) fn yes_or_no(&self, name: &'static str) -> Result<bool, Fault<Reason>> {
        self.one(name, "yes or no", |text| match text.to_ascii_lowercase().as_slice() {
            b"yes" => Some(true),
            b"no" => Some(false),
            _ => None,
        })
    }
}

pub(super) fn base_name(text: &[u8]) -> Option<Vec<u8>> {
    (!text.iter().any(|byte| matches!(byte, b'/' | b'\\'))).then(|| text.to_vec())
}

pub(super) fn plain_name(text: &[u8]) -> Option<Vec<u8>> {
    base_name(text).filter(|name| !name.is_empty())
}

pub(super) fn version_check(text: &[u8]) -> Option<RdbVersionCheck> {
    match text.to_ascii_lowercase().as_slice() {
        b"strict" => Some(RdbVersionCheck::Strict),
        b"relaxed" => Some(RdbVersionCheck::Relaxed),
        _ => None,
    }
}

/// Whether values are looked at in full while a log is loaded: a server's own RESTOREs are no client's.
pub(super) fn sanitize(line: &Read<'_>) -> Result<bool, Fault<Reason>> {
    let expected = "no, yes or clients";
    line.one("sanitize-dump-payload", expected, |text| match text.to_ascii_lowercase().as_slice() {
        b"yes" => Some(true),
        b"no" | b"clients" => Some(false),
        _ => None,
    })
}

/// What a server does with an RDB version it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RdbVersionCheck {
    /// `strict`: it refuses to load.
    #[default]
    Strict,
    /// `relaxed`: it tries.
    Relaxed,
}
