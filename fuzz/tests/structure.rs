//! The shape of the workspace, held by tests: who may depend on whom, how long a file and a function may grow,
//! and which lints and bans every package keeps.
//!
//! ```text
//! examples      ──> fuzz (its library)
//! benches       ──> fuzz (its library), sim, model, env
//! fuzz          ──> sim, live, invariants, model, env
//! live          ──> model, env
//! invariants    ──> model, env
//! model         ──> env
//! sim           ──> env            sim never sees a system; a system never sees sim
//! env           ──> nothing of ours
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::camino::Utf8Path;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Every package of ours, and those of ours that its code may use. A dev-dependency on the world is allowed
/// anywhere.
const ARROWS: [(&str, &[&str]); 8] = [
    ("rehearsal-examples", &["rehearsal"]),
    ("rehearsal-benches", &["rehearsal", "rehearsal-sim", "rehearsal-model", "rehearsal-env"]),
    (
        "rehearsal",
        &["rehearsal-sim", "rehearsal-live", "rehearsal-invariants", "rehearsal-model", "rehearsal-env"],
    ),
    ("rehearsal-live", &["rehearsal-model", "rehearsal-env"]),
    ("rehearsal-invariants", &["rehearsal-model", "rehearsal-env"]),
    ("rehearsal-model", &["rehearsal-env"]),
    ("rehearsal-sim", &["rehearsal-env"]),
    ("rehearsal-env", &[]),
];

/// Lines that a file may have. The aim is 150; past this a file is more than one noun.
const LONGEST_FILE: usize = 600;

/// Lines that a function may have, from its first to its closing brace. The aim is 30.
const LONGEST_FUNCTION: usize = 120;

#[test]
fn arrows_point_one_way() {
    let workspace = workspace();
    let ours: BTreeSet<&str> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
    let mut edges = Vec::new();
    for package in &workspace.packages {
        for dependency in package.dependencies.iter().filter(|dependency| ours.contains(&*dependency.name)) {
            edges.push(Edge { from: &package.name, to: &dependency.name, kind: dependency.kind });
        }
    }
    assert!(edges.len() > 5, "only {} arrows seen between {ours:?}: are the names still read?", edges.len());
    holds(ours.into_iter().filter_map(unknown_package).chain(edges.iter().filter_map(wrong_arrow)));
}

#[test]
fn a_wrong_arrow_is_named_with_what_is_allowed() {
    let edge = |from, to, kind| wrong_arrow(&Edge { from, to, kind });
    assert_eq!(
        edge("rehearsal-sim", "rehearsal-model", DependencyKind::Normal).as_deref(),
        Some("rehearsal-sim ──> rehearsal-model is a wrong arrow: rehearsal-sim may depend on rehearsal-env")
    );
    assert_eq!(
        edge("rehearsal-env", "rehearsal-sim", DependencyKind::Build).as_deref(),
        Some("rehearsal-env ──> rehearsal-sim is a wrong arrow: rehearsal-env may depend on nothing of ours")
    );
    assert!(edge("rehearsal-sim", "rehearsal-model", DependencyKind::Development).is_some());
    assert!(edge("rehearsal-model", "rehearsal-sim", DependencyKind::Normal).is_some());
    assert_eq!(edge("rehearsal-model", "rehearsal-sim", DependencyKind::Development), None);
    assert_eq!(edge("rehearsal-model", "rehearsal-env", DependencyKind::Normal), None);
    assert!(unknown_package("rehearsal-helpers").is_some(), "a new package must be given its place");
}

#[test]
fn no_source_names_a_crate_it_may_not_see() {
    let mut wrong = Vec::new();
    for package in &workspace().packages {
        for file in sources(&folder_of(&package.manifest_path).join("src")) {
            wrong.extend(wrong_mentions(&package.name, &read(&file)).map(|mention| located(&file, &mention)));
        }
    }
    holds(wrong);
}

#[test]
fn a_system_that_names_the_simulator_is_caught() {
    let caught = |package, text| wrong_mentions(package, text).collect::<Vec<_>>();
    assert_eq!(
        caught("rehearsal-model", "//! A system.\nuse rehearsal_sim::World;"),
        ["line 2 names rehearsal_sim: rehearsal-model may depend on rehearsal-env"]
    );
    assert_eq!(caught("rehearsal-sim", "fn run(system: rehearsal_model::Toy) {}").len(), 1);
    assert_eq!(caught("rehearsal-env", "use rehearsal_env::Clock;\nuse rehearsal::Scenario;").len(), 1);
    assert!(caught("rehearsal-model", "use rehearsal_env::Clock; // the rehearsal goes on").is_empty());
}

#[test]
fn sizes_are_livable() {
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for package in &workspace().packages {
        for file in sources(folder_of(&package.manifest_path)) {
            let text = read(&file);
            functions.extend(function_lengths(&text).map(|(length, name)| (length, located(&file, &name))));
            files.push((text.lines().count(), located(&file, "the whole file")));
        }
    }
    assert!(!files.is_empty() && !functions.is_empty(), "no source was found to measure");
    let wrong = [too_long(&files, LONGEST_FILE), too_long(&functions, LONGEST_FUNCTION)].concat();
    print!("{}{}", ten_longest("files", files), ten_longest("functions", functions));
    holds(wrong);
}

#[test]
fn a_function_is_measured_from_its_name_to_its_closing_brace() {
    let text = "
pub trait Shape {
    fn area(&self) -> u64;
    fn twice(
        &self,
    ) -> u64 {
        2
    }
}
pub(crate) async fn long<T>(value: T)
where
    T: Clone,
{
    if true {
    }
}
const fn short() {}
";
    let measured: Vec<_> = function_lengths(text).collect();
    let expected = [(5, "fn twice"), (7, "fn long"), (1, "fn short")];
    assert_eq!(measured, expected.map(|(length, name)| (length, name.to_owned())));
}

#[test]
fn what_is_one_line_too_long_is_named() {
    let lengths = [(120, "at the limit".to_owned()), (121, "past it".to_owned())];
    assert_eq!(too_long(&lengths, 120), ["past it has 121 lines, and 120 is the most one can live with"]);
}

#[test]
fn every_crate_inherits_the_workspace_lints() {
    holds(workspace().packages.iter().filter_map(|package| {
        let inherits = inherits_lints(&read(package.manifest_path.as_std_path()));
        (!inherits).then(|| format!("{} has no `[lints] workspace = true`", package.manifest_path))
    }));
}

#[test]
fn a_manifest_without_the_workspace_lints_is_caught() {
    assert!(inherits_lints("[lints]\nworkspace = true\n"));
    assert!(!inherits_lints("[package]\nname = \"rehearsal-model\"\n"));
    assert!(!inherits_lints("[lints.clippy]\nall = \"allow\"\n"));
}

/// Nodes and judges touch the same world, so the ban that one lacks is the hole through which chance comes in.
#[test]
fn env_model_and_invariants_keep_the_same_bans() {
    let root = workspace().workspace_root.into_std_path_buf();
    let bans = |folder: &str| read(&root.join(folder).join("clippy.toml"));
    for folder in ["model", "invariants"] {
        assert!(bans(folder) == bans("env"), "{folder}/clippy.toml and env/clippy.toml differ");
    }
}

/// One dependency between two packages of ours.
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    kind: DependencyKind,
}

fn workspace() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo describes the workspace")
}

fn allowed(package: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(from, _)| *from == package).map(|(_, to)| *to)
}

fn unknown_package(package: &str) -> Option<String> {
    allowed(package).is_none().then(|| format!("{package} has no place in the table of arrows: give it one"))
}

fn wrong_arrow(edge: &Edge<'_>) -> Option<String> {
    let for_tests = edge.kind == DependencyKind::Development && edge.to == "rehearsal-sim";
    let points_down = allowed(edge.from).unwrap_or_default().contains(&edge.to);
    let sentence =
        || format!("{} ──> {} is a wrong arrow: {}", edge.from, edge.to, what_is_allowed(edge.from));
    (!for_tests && !points_down).then(sentence)
}

fn what_is_allowed(package: &str) -> String {
    let names = allowed(package).unwrap_or_default().join(", ");
    format!("{package} may depend on {}", if names.is_empty() { "nothing of ours" } else { &names })
}

/// The lines of a package's source that name a crate of ours which it may not see.
fn wrong_mentions(package: &str, text: &str) -> impl Iterator<Item = String> {
    let seen = allowed(package).unwrap_or_default();
    let unseen =
        ARROWS.iter().map(|(name, _)| *name).filter(move |name| *name != package && !seen.contains(name));
    unseen.map(crate_name).flat_map(move |name| {
        let lines = text.lines().enumerate().filter(|(_, line)| line.contains(&name));
        let sentence = |(index, _)| format!("line {} names {name}: {}", index + 1, what_is_allowed(package));
        lines.map(sentence).collect::<Vec<_>>()
    })
}

/// A package as its users write it. The program's name is a word of the language, so only a path of it counts.
fn crate_name(package: &str) -> String {
    if package == "rehearsal" { "rehearsal::".to_owned() } else { package.replace('-', "_") }
}

/// Each function with a body, as (lines, name). It trusts rustfmt, which CI asks for: a signature ends its line
/// with `{`, `;` or `}`, and the closing brace stands in the column where the function began.
fn function_lengths(text: &str) -> impl Iterator<Item = (usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    (0..lines.len()).filter_map(move |start| {
        let name = function_name(lines[start])?;
        let rest = &lines[start..];
        let signature = rest.iter().position(|line| line.ends_with(['{', ';', '}']))?;
        let last = match rest[signature].chars().last()? {
            ';' => return None,
            '}' => signature,
            _ => {
                let closing = format!("{}}}", " ".repeat(indent(lines[start])));
                let body = &rest[signature + 1..];
                signature + 1 + body.iter().position(|line| line.starts_with(&closing))?
            }
        };
        Some((last + 1, format!("fn {name}")))
    })
}

/// The name of the function that begins on this line.
fn function_name(line: &str) -> Option<&str> {
    let is_qualifier = |word: &&str| {
        word.starts_with("pub") || ["async", "const", "unsafe", "extern", "\"C\""].contains(word)
    };
    let mut words = line.split_whitespace().skip_while(is_qualifier);
    if words.next() != Some("fn") {
        return None;
    }
    words.next()?.split(['(', '<']).next()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn too_long(lengths: &[(usize, String)], limit: usize) -> Vec<String> {
    let beyond = lengths.iter().filter(|(length, _)| *length > limit);
    beyond
        .map(|(length, place)| {
            format!("{place} has {length} lines, and {limit} is the most one can live with")
        })
        .collect()
}

fn ten_longest(what: &str, mut lengths: Vec<(usize, String)>) -> String {
    lengths.sort_by(|left, right| right.cmp(left));
    let mut table = format!("the longest {what}\n");
    for (length, place) in lengths.iter().take(10) {
        writeln!(table, "{length:6}  {place}").expect("a string takes every line");
    }
    table
}

fn inherits_lints(manifest: &str) -> bool {
    let manifest: toml::Table = manifest.parse().expect("cargo read this manifest");
    manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool)
        == Some(true)
}

/// The Rust files at and below a folder, in order. Tests and what a build left are not sources.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder of ours can be listed").path();
        if path.is_dir() {
            if !path.ends_with("tests") && !path.ends_with("target") {
                found.extend(sources(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn folder_of(manifest: &Utf8Path) -> &Path {
    manifest.parent().expect("a manifest lies in a folder").as_std_path()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn located(file: &Path, what: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    format!("{}: {what}", file.strip_prefix(root).unwrap_or(file).display())
}

/// Passes when nothing is wrong, and otherwise fails with every sentence at once.
fn holds(wrong: impl IntoIterator<Item = String>) {
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
