//! What the program is called, in the commands that it tells people to type.

use std::sync::OnceLock;

static NAME: OnceLock<String> = OnceLock::new();

/// From now on the program is called so; the first name stays.
pub(crate) fn set(name: String) {
    let _ = NAME.set(name);
}

/// What it is called: `rehearsal`, unless it is somebody's own.
pub(crate) fn get() -> &'static str {
    NAME.get().map_or("rehearsal", String::as_str)
}
