//! `--fail-above NAME=VALUE`: figures that must not be exceeded, for scripts that watch.

use aofkit::aof::Aof;
use aofkit::text::name;
use serde::Serialize;

use super::context::Context;
use super::sizes::size;

/// A figure and the most it may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What the figure is called; one of the names its verb knows.
    pub name: &'static str,
    /// The most that is allowed, in the unit of the figure.
    pub limit: f64,
}

/// A threshold that was exceeded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exceeded {
    name: &'static str,
    limit: f64,
    value: f64,
}

impl Threshold {
    /// Reads `NAME=VALUE`, the name being one of `names`. A value is a number, a percentage (`10%` is 0.1)
    /// or a size (`64mb`, `64MiB`).
    ///
    /// # Errors
    /// When it is nothing of that, in words for the user.
    pub fn parse(text: &str, names: &[&'static str]) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it has to be NAME=VALUE")?;
        let Some(&name) = names.iter().find(|&&known| known == name) else {
            return Err(format!("there is no figure '{name}'; there are: {}", names.join(", ")));
        };
        let limit = limit(value).ok_or_else(|| {
            format!("'{value}' is not a number, a percentage or a size such as 64mb or 64MiB")
        })?;
        Ok(Self { name, limit })
    }

    /// Compares what was found in a set with the limits, and tells of those that were exceeded.
    pub fn tell(
        limits: &[Self],
        found: &[(&'static str, Option<f64>)],
        aof: &Aof,
        context: &Context,
    ) -> Vec<Exceeded> {
        let all = Self::exceeded(limits, found);
        for exceeded in &all {
            context.note(&format!("{}: {exceeded}", name(aof.path.as_os_str().as_encoded_bytes())));
        }
        all
    }

    /// Figures that have a limit and are not known: these were not compared.
    pub fn unknown(limits: &[Self], found: &[(&'static str, Option<f64>)]) -> Vec<&'static str> {
        let is_unknown = |name: &&str| found.iter().any(|one| one.0 == *name && one.1.is_none());
        limits.iter().map(|limit| limit.name).filter(is_unknown).collect()
    }

    /// Compares what was found, by name, with the limits. A figure that is unknown (`None`) exceeds nothing.
    fn exceeded(limits: &[Self], found: &[(&'static str, Option<f64>)]) -> Vec<Exceeded> {
        let value = |name| found.iter().find(|(known, _)| *known == name).and_then(|found| found.1);
        let above = |limit: &Self| {
            let value = value(limit.name).filter(|value| *value > limit.limit)?;
            Some(Exceeded { name: limit.name, limit: limit.limit, value })
        };
        limits.iter().filter_map(above).collect()
    }
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {}, above {} (--fail-above)", self.name, self.value, self.limit)
    }
}

fn limit(text: &str) -> Option<f64> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok()? / 100.0,
        None => size(text).map(|bytes| bytes as f64).or_else(|| text.parse().ok())?,
    };
    (number.is_finite() && number >= 0.0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbers_percentages_or_sizes() {
        for (text, wanted) in
            [("a=0", 0.0), ("a=1.5", 1.5), ("b=64kb", 65536.0), ("b=1KiB", 1024.0), ("a=25%", 0.25)]
        {
            assert_eq!(Threshold::parse(text, &["a", "b"]).unwrap().limit, wanted, "{text}");
        }
        for text in ["a", "c=1", "a=", "a=-1", "a=x", "a=nan", "a=inf", "=1"] {
            assert!(Threshold::parse(text, &["a", "b"]).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_is_known_and_above_is_exceeded() {
        let limits = ["a=1", "b=1", "c=1"].map(|text| Threshold::parse(text, &["a", "b", "c"]));
        let limits = limits.map(Result::unwrap);
        let found = [("a", Some(1.0)), ("b", Some(1.5)), ("c", None)];
        let exceeded = Threshold::exceeded(&limits, &found);
        assert_eq!(exceeded, [Exceeded { name: "b", limit: 1.0, value: 1.5 }]);
        assert_eq!(exceeded[0].to_string(), "b is 1.5, above 1 (--fail-above)");
    }
}
