//! What is wrong with a declaration.

use super::declaration::Declaration;
use super::declared::DeclarationError;
use super::vocabulary::Vocabulary;
use crate::scenario_file;
use rehearsal_env::Span;
use std::collections::BTreeSet;

/// More nodes of a kind than this are a slip of the pen.
const MOST_NODES: u32 = 1_000;

/// The first thing that is wrong.
pub(super) fn find<F: Vocabulary>(of: &Declaration<F>) -> Result<(), DeclarationError> {
    let wrong = |what: String, mend: String| Err(DeclarationError { system: of.name.to_owned(), what, mend });
    if scenario_file::SECTIONS.contains(&of.name) || of.name == "families" {
        let what = format!("`{}` is a key of every scenario file", of.name);
        return wrong(what, "give the system another name".to_owned());
    }
    if of.kinds.is_empty() {
        return wrong(
            "it has no nodes".to_owned(),
            "declare some by `.node(…)`, `.nodes(…)` or `.clients(…)`".to_owned(),
        );
    }
    if of.invariants.is_empty() {
        let mend = "declare what must hold by `.always(…)`, `.finally(…)` or `.monitor(…)`: without, every run succeeds";
        return wrong("it has no invariants".to_owned(), mend.to_owned());
    }
    if of.storm == Span(0) || of.calm == Span(0) {
        return wrong("its storm or its calm lasts no time".to_owned(), "give each some seconds".to_owned());
    }
    names(of)?;
    ranges(of)?;
    mentions(of)
}

/// Names that cannot be, or are given twice.
fn names<F: Vocabulary>(of: &Declaration<F>) -> Result<(), DeclarationError> {
    let wrong = |what: String, mend: &str| {
        Err(DeclarationError { system: of.name.to_owned(), what, mend: mend.to_owned() })
    };
    let section = of.knobs.iter().map(|(name, _)| *name).chain(of.work.iter().map(|(list, _)| *list));
    let mut groups: Vec<(&str, Vec<&str>)> = vec![
        ("kind of node", of.kinds.iter().map(|kind| kind.name).collect()),
        ("knob or list of work", section.collect()),
        ("invariant", of.invariants.iter().map(|invariant| invariant.name).collect()),
        ("marker", of.markers.iter().map(|marker| marker.0).collect()),
        ("defect", of.defects.iter().map(|defect| defect.name).collect()),
    ];
    for (_, work) in &of.work {
        groups.push(("field", work.fields.iter().map(|(name, _)| *name).chain(work.of).collect()));
    }
    groups.push(("system", vec![of.name]));
    for (what, names) in groups {
        let mut seen = BTreeSet::new();
        for name in names {
            let is_word =
                |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || "-_".contains(sign);
            if name.is_empty() || !name.chars().all(is_word) {
                let mend = "names are of small letters, digits, `-` and `_`: they stand in files and on command lines";
                return wrong(format!("`{name}` is no name for a {what}"), mend);
            }
            if !seen.insert(name) {
                return wrong(
                    format!("two are called `{name}`: each {what} needs a name of its own"),
                    "rename one",
                );
            }
        }
    }
    if let Some(invariant) =
        of.invariants.iter().find(|known| scenario_file::OF_THE_WORLD.contains(&known.name))
    {
        let what = format!("`{}` is an invariant of every world", invariant.name);
        return wrong(what, "give yours another name");
    }
    Ok(())
}

/// Ranges with nothing in them.
fn ranges<F: Vocabulary>(of: &Declaration<F>) -> Result<(), DeclarationError> {
    let wrong = |what: String, mend: &str| {
        Err(DeclarationError { system: of.name.to_owned(), what, mend: mend.to_owned() })
    };
    for kind in &of.kinds {
        if let Some(count) = kind.count.filter(|count| count.least > count.most || count.most == 0) {
            return wrong(format!("there can be no {count} of `{}`", kind.name), "write a range, as `1..=3`");
        }
        if kind.count.is_some_and(|count| count.most > MOST_NODES) {
            let what =
                format!("{} nodes of `{}` are too many", kind.count.map_or(0, |count| count.most), kind.name);
            return wrong(what, "a thousand of a kind are the most");
        }
    }
    let fields = of.work.iter().flat_map(|(_, work)| &work.fields);
    if let Some((name, _)) = of.knobs.iter().chain(fields).find(|(_, choices)| choices.is_impossible()) {
        let mend = "write the lowest first, at least one word, and nothing above 2⁶³ − 1";
        return wrong(format!("there is nothing that `{name}` could be"), mend);
    }
    match of.work.iter().find(|(_, work)| work.count.is_empty() || *work.count.end() > 100_000) {
        Some((list, _)) => wrong(format!("`{list}` cannot have so many items"), "write a range, as `1..=20`"),
        None => Ok(()),
    }
}

/// Names of what was not declared.
fn mentions<F: Vocabulary>(of: &Declaration<F>) -> Result<(), DeclarationError> {
    let unknown = |what: String, known: Vec<&str>| {
        Err(DeclarationError {
            system: of.name.to_owned(),
            what,
            mend: format!("there are {}", known.join(", ")),
        })
    };
    let kinds: Vec<&str> = of.kinds.iter().map(|kind| kind.name).collect();
    let owners = of.work.iter().filter_map(|(_, work)| work.of);
    if let Some(kind) = of.spared.iter().copied().chain(owners).find(|kind| !kinds.contains(kind)) {
        return unknown(format!("there is no kind of node `{kind}`"), kinds);
    }
    let mut invariants: Vec<&str> = of.invariants.iter().map(|invariant| invariant.name).collect();
    invariants.extend(scenario_file::OF_THE_WORLD);
    if let Some(defect) = of.defects.iter().find(|defect| !invariants.contains(&defect.invariant)) {
        let what =
            format!("the defect `{}` breaks `{}`, which is no invariant", defect.name, defect.invariant);
        return unknown(what, invariants);
    }
    if !of.request.is_empty() && !F::KINDS.contains(&of.request) {
        return unknown(format!("there is no fact `{}`", of.request), F::KINDS.to_vec());
    }
    Ok(())
}
