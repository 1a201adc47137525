//! Where a test keeps what failed, and how it is run again.

use super::asked::SCENARIO;
use std::env;
use std::path::{Path, PathBuf};
use std::thread;

/// The name of the test that runs on this thread, as the test harness knows it: the thread is named after it, or, where
/// one test alone runs on the main thread, as under nextest, the harness was told so. None where nobody knows.
pub(super) fn test_name() -> Option<String> {
    let thread = thread::current();
    match thread.name() {
        Some("main") | None => named_by(env::args().skip(1)),
        Some(name) => Some(name.to_owned()),
    }
}

/// `--exact NAME` is how one test is asked for.
fn named_by(arguments: impl Iterator<Item = String>) -> Option<String> {
    let arguments: Vec<String> = arguments.collect();
    let is_exact = arguments.iter().any(|argument| argument == "--exact");
    arguments.into_iter().find(|argument| is_exact && !argument.starts_with('-'))
}

/// The folder for what fails in this test, unless it says otherwise: under the `target` in which it was built.
pub(super) fn folder(test: Option<&str>) -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    // target/debug/deps/test-0123456789abcdef
    let built = program.ancestors().nth(1).filter(|folder| folder.ends_with("deps"));
    let target = match built.and_then(|folder| folder.ancestors().nth(2)) {
        Some(target) => target.to_owned(),
        None => env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from),
    };
    let folder = target.join("rehearsal");
    match test {
        Some(name) => folder.join(name.replace("::", ".").replace(|sign: char| !is_plain(sign), "-")),
        None => folder,
    }
}

/// The one command that runs a kept scenario again in its test, and shows its facts.
pub(super) fn replay(path: &Path, test: Option<&str>) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string();
    let package = env::var("CARGO_PKG_NAME").map(|name| format!(" -p {name}")).unwrap_or_default();
    // A name alone is any test in whose name it stands.
    let test = test.map(|name| format!(" {name} -- --exact")).unwrap_or_default();
    format!("{SCENARIO}={} cargo test{package}{test}", quoted(&path))
}

fn quoted(text: &str) -> String {
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn is_plain(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || "/._-+,:@%".contains(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_knows_its_name() {
        assert!(test_name().expect("a name").ends_with("kept::tests::a_test_knows_its_name"));
    }

    #[test]
    fn the_harness_is_told_the_name_where_the_thread_is_not() {
        let named = |arguments: &[&str]| named_by(arguments.iter().map(|&argument| argument.to_owned()));
        assert_eq!(named(&["--exact", "tests::holds", "--nocapture"]).as_deref(), Some("tests::holds"));
        assert_eq!(named(&["tests::holds", "--exact"]).as_deref(), Some("tests::holds"));
        assert_eq!(named(&["--test-threads", "1"]), None);
    }

    #[test]
    fn a_path_with_blanks_can_be_pasted_into_a_shell() {
        let told = replay(Path::new("my out/it's.toml"), Some("holds"));
        assert!(told.starts_with(r"REHEARSAL_SCENARIO='my out/it'\''s.toml' cargo test"), "{told}");
        assert!(told.ends_with(" holds -- --exact"), "{told}");
    }

    #[test]
    fn what_fails_is_kept_under_the_target_folder() {
        let folder = folder(Some("tests::a_lock holds"));
        assert!(folder.ends_with("rehearsal/tests.a_lock-holds"), "{}", folder.display());
    }
}
