//! `user` lines that a server does not start with, in the configuration and in the ACL file.

use std::collections::HashMap;

use crate::aof::Configuration;
use crate::audit::access;
use crate::audit::acl::Reader;
use crate::audit::finding::Place;
use crate::audit::subject::Subject;
use crate::rules::Target;
use crate::text;

/// A line, and why each of the servers refuses it.
pub(super) type Told = (Place, Vec<(Target, Option<String>)>);

/// A user as it stands in a file.
struct Line {
    place: Place,
    /// The name and the rules; why it is none otherwise.
    user: Result<(Vec<u8>, Vec<Vec<u8>>), &'static str>,
}

/// The lines that one of these servers refuses, and why; no password is told.
pub(super) fn refused(subject: &Subject, conf: &Configuration, targets: &[Target]) -> Vec<Told> {
    let sets_channels = !subject.lines("acl-pubsub-default").is_empty();
    let has_modules = !conf.settings.load_modules.is_empty();
    let readers: Vec<_> =
        targets.iter().map(|&target| Reader { target, has_modules, sets_channels }).collect();
    let files = [of_conf(conf), of_acl_file(subject)];
    files.iter().flat_map(|lines| of_lines(lines, &readers)).collect()
}

fn of_conf(conf: &Configuration) -> Vec<Line> {
    let users = conf.lines.iter().filter_map(|line| {
        let directive = line.directive.as_ref().filter(|one| one.name == b"user")?;
        let (name, rules) = directive.args.split_first()?;
        let place = Place::Line { file: line.file.to_path_buf(), number: line.number };
        Some(Line { place, user: Ok((name.clone(), rules.to_vec())) })
    });
    users.collect()
}

/// Blanks around a line count for nothing, and quotes are bytes like others.
fn of_acl_file(subject: &Subject) -> Vec<Line> {
    let line = |(place, bytes): (Place, Vec<u8>)| {
        let mut words = bytes.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let user = match (words.next(), words.next()) {
            (Some(b"user"), Some(name)) => Ok((name.to_vec(), words.map(<[u8]>::to_vec).collect())),
            _ => Err("every line has to begin with user and a name, also instead of a comment"),
        };
        Line { place, user }
    };
    access::acl_lines(subject).into_iter().map(line).collect()
}

fn of_lines(lines: &[Line], readers: &[Reader]) -> Vec<Told> {
    let mut first: HashMap<&[u8], &Line> = HashMap::new();
    let mut found = Vec::new();
    for line in lines {
        let told: Vec<_> = match &line.user {
            Err(why) => readers.iter().map(|one| (one.target, Some((*why).to_owned()))).collect(),
            Ok((name, rules)) => {
                let earlier = first.get(name.as_slice()).copied();
                first.entry(name).or_insert(line);
                let why = |one: &Reader| fault(one, name, rules, earlier.map(|line| &line.place));
                readers.iter().map(|one| (one.target, why(one))).collect()
            }
        };
        if told.iter().any(|(_, why)| why.is_some()) {
            found.push((line.place.clone(), told));
        }
    }
    found
}

fn fault(one: &Reader, name: &[u8], rules: &[Vec<u8>], earlier: Option<&Place>) -> Option<String> {
    let user = text::name(name);
    if let Some(Place::Line { file, number }) = earlier.filter(|_| one.takes_a_user_once()) {
        let place = format!("line {number} of {}", text::path(file));
        return Some(format!("user {user}: it is defined in {place} already"));
    }
    if name.iter().any(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return Some(format!("user {user}: a name has no blanks"));
    }
    Some(format!("user {user}: {}", one.fault(rules)?))
}
