//! Where a key stands in a text.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A parsed file that still knows where everything stands.
pub(super) struct Places<'a> {
    root: &'a DeTable<'a>,
}

impl<'a> Places<'a> {
    pub(super) fn new(root: &'a DeTable<'a>) -> Places<'a> {
        Places { root }
    }

    /// Where a key such as `network.loss`, `defects[0]` or `fault[2].on` stands, or as much of it as is there.
    pub(super) fn find(&self, key: &str) -> Option<Range<usize>> {
        let mut found = None;
        let mut table = Some(self.root);
        for part in key.split('.') {
            let (name, index) = split_index(part);
            let Some((key, value)) = table?.iter().find(|(key, _)| key.get_ref() == name) else { break };
            found = Some(key.span().start..value.span().end.max(key.span().end));
            let mut value = value;
            if let (Some(index), Some(array)) = (index, value.get_ref().as_array()) {
                let Some(element) = array.get(index) else { break };
                value = element;
                found = Some(element.span());
            }
            table = value.get_ref().as_table();
            if table.is_some() && index.is_none() && value.span().start < key.span().end {
                // A section: its name in the header is shown, and not all that stands below it.
                found = Some(key.span());
            }
            if table.is_none() {
                break;
            }
        }
        found
    }

    /// Where the value of a key outside all sections stands.
    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.root.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }
}

/// `fault[2]` is the third `fault`.
fn split_index(part: &str) -> (&str, Option<usize>) {
    let index = part.strip_suffix(']').and_then(|part| part.split_once('['));
    match index {
        Some((name, index)) => (name, index.parse().ok()),
        None => (part, None),
    }
}
