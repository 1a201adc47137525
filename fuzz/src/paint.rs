//! Colour, where somebody sees it.

use std::env;
use std::io::IsTerminal;

/// Whether a stream takes colours: it is a terminal, and <https://no-color.org> does not forbid it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// For a stream.
    pub fn of(stream: &impl IsTerminal) -> Paint {
        let forbidden = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint { on: stream.is_terminal() && !forbidden }
    }

    /// For what is no stream.
    pub fn off() -> Paint {
        Paint { on: false }
    }

    /// Whether it takes colours.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// What is wrong.
    pub fn red(self, text: &str) -> String {
        self.wrap("31;1", text)
    }

    /// What is well.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// What heads a part.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// What stands back.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
