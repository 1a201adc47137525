//! The facts of a system of one's own: declared by [`facts!`](crate::facts).

use rehearsal_env::Fact;
use serde_json::Value;

/// Facts whose kinds are known beforehand, so that faults can be aimed at them.
pub trait Vocabulary: Fact {
    /// All that [`Fact::kind`] may say.
    const KINDS: &'static [&'static str];
}

/// Declares what can have happened in a system: an enum that is a [`Fact`] and a [`Vocabulary`]. Behind each kind of
/// fact may stand the rest of a sentence that begins with the node's name, in which fields stand in braces as in
/// `format!`; stories are told with it. A kind without words is told by its name and its fields.
///
/// ```
/// use rehearsal::{Fact, Vocabulary};
///
/// rehearsal::facts! {
///     /// What can have happened.
///     pub enum LockFact {
///         /// The lease was given to somebody.
///         Granted { token: u64 } => "grants the lease with token {token}",
///         /// Nobody has it any more.
///         LeaseEnded { token: u64 },
///     }
/// }
///
/// assert_eq!(LockFact::KINDS, ["Granted", "LeaseEnded"]);
/// assert_eq!(LockFact::Granted { token: 7 }.in_words(), "grants the lease with token 7");
/// assert_eq!(LockFact::LeaseEnded { token: 7 }.in_words(), "reports: lease ended (token 7)");
/// ```
///
/// The fields' types must be `Clone`, `Debug`, `Eq`, `Hash` and `serde::Serialize`.
#[macro_export]
macro_rules! facts {
    (
        $(#[$about:meta])* $visibility:vis enum $name:ident {
            $(
                $(#[$about_kind:meta])* $kind:ident
                $({ $($(#[$about_field:meta])* $field:ident : $type:ty),* $(,)? })?
                $(=> $words:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, $crate::serde::Serialize)]
        #[serde(crate = "rehearsal::serde")]
        $visibility enum $name {
            $(
                $(#[$about_kind])* $kind
                $({ $($(#[$about_field])* #[allow(missing_docs, reason = "the words say it")] $field: $type),* })?
            ),*
        }

        impl $crate::Fact for $name {
            fn kind(&self) -> &'static str {
                match self {
                    $($name::$kind { .. } => stringify!($kind),)*
                }
            }

            #[allow(unused_variables, reason = "words need not name every field")]
            fn in_words(&self) -> String {
                match self {
                    $($name::$kind $({ $($field),* })? => $crate::facts!(@words self $($words)?),)*
                }
            }
        }

        impl $crate::Vocabulary for $name {
            const KINDS: &'static [&'static str] = &[$(stringify!($kind)),*];
        }
    };
    (@words $fact:ident $words:literal) => { format!($words) };
    (@words $fact:ident) => { $crate::own::spelled($fact) };
}

/// A fact without words of its own: `LeaseEnded { token: 7 }` is told as "reports: lease ended (token 7)".
pub fn spelled(fact: &impl Fact) -> String {
    let mut text = "reports: ".to_owned();
    for (index, sign) in fact.kind().char_indices() {
        if sign.is_uppercase() && index > 0 {
            text.push(' ');
        }
        text.extend(sign.to_lowercase());
    }
    let value = serde_json::to_value(fact).unwrap_or_default();
    let fields = value.get(fact.kind()).and_then(Value::as_object);
    let fields: Vec<String> =
        fields.into_iter().flatten().map(|(name, value)| format!("{name} {value}")).collect();
    if !fields.is_empty() {
        text.push_str(&format!(" ({})", fields.join(", ")));
    }
    text
}
