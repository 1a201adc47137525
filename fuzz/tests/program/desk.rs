//! Where the program is run, and what it answers.

use serde_json::Value;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder in which the program is run.
pub struct Desk {
    pub folder: TempDir,
}

impl Desk {
    pub fn new() -> Desk {
        Desk { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.folder.path().join(name), content).expect("a file");
        name.to_owned()
    }

    pub fn type_in(&self, line: &str) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
        command.args(line.split(' ')).current_dir(self.folder.path()).env_remove("RUST_BACKTRACE");
        Answer::of(command.output().expect("the program runs"))
    }
}

pub struct Answer {
    pub code: i32,
    pub output: String,
    pub error: String,
}

impl Answer {
    pub fn of(output: Output) -> Answer {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Answer {
            code: output.status.code().expect("an exit code"),
            output: text(output.stdout),
            error: text(output.stderr),
        }
    }

    /// Asserts the exit code, and that the message says all of this.
    pub fn refuses(&self, code: i32, says: &[&str]) {
        // Long messages are broken into lines.
        let words: Vec<&str> = self.error.split_whitespace().filter(|word| *word != "│").collect();
        let error = words.join(" ");
        assert_eq!(self.code, code, "{error}");
        assert_eq!(self.output, "", "nothing but results goes to standard output");
        for part in says {
            assert!(error.contains(part), "`{part}` is missing in: {}", self.error);
        }
        assert!(!error.contains("panicked"), "{error}");
        assert!(!self.error.contains('\x1b'), "no colour where it is no terminal");
    }

    pub fn json(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{}", self.error);
        assert!(
            self.output.ends_with("}\n") && self.output.lines().count() == 1,
            "one object: {}",
            self.output
        );
        serde_json::from_str(&self.output).expect("JSON")
    }
}

pub fn type_in(line: &str) -> Answer {
    Desk::new().type_in(line)
}
