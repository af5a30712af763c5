//! What a set needs of modules, for people.

use aofkit::rules::{By, Need, Needed};
use aofkit::text::{count, tame};

use super::layout::wrap;
use super::units::Style;

/// One line for what is needed, and who says that it is there; nothing where nothing is needed.
pub fn needs(needs: &[Needed], modules: &[(String, By)], style: Style, indent: &str) -> String {
    let mut names: Vec<&str> = needs.iter().map(|row| row.name.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return String::new();
    }
    let each = names.into_iter().map(|name| {
        let rows = needs.iter().filter(|row| row.name == name);
        let parts: Vec<_> = rows.map(part).collect();
        let by = modules.iter().find(|(known, _)| known == name).map(|(_, by)| *by);
        format!("{} ({}{})", tame(name), parts.join(", "), by.map_or("", said))
    });
    let each: Vec<_> = each.collect();
    wrap(&format!("needs modules: {}", each.join(", ")), style.width, indent) + "\n"
}

fn part(row: &Needed) -> String {
    match row.need {
        Need::Type => count(row.count, "value"),
        Need::Auxiliary => "data beside its keys".to_owned(),
        Need::Command => count(row.count, "command"),
    }
}

fn said(by: By) -> &'static str {
    match by {
        By::Server => "; the server has it",
        By::Option => "; there by --modules",
        By::Conf => "; loaded by the configuration",
        By::Set => "; who wrote the set had it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_told_once_with_all_it_is_needed_for() {
        let row = |name: &str, need, count| Needed { name: name.to_owned(), need, count };
        let rows = [
            row("ReJSON", Need::Type, 1),
            row("ReJSON", Need::Command, 2),
            row("search", Need::Auxiliary, 2),
        ];
        let modules = [("ReJSON".to_owned(), By::Set)];
        let style = {
            let mut style = Style::new(false);
            style.width = 200;
            style
        };
        assert_eq!(
            needs(&rows, &modules, style, "  "),
            "  needs modules: ReJSON (1 value, 2 commands; who wrote the set had it), search (data \
             beside its keys)\n"
        );
        assert_eq!(needs(&[], &[], style, ""), "");
    }
}
