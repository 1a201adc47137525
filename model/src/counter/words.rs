//! The facts of the counter in words: each as the rest of a sentence that begins with the node's name.

use super::entry::Entry;
use super::facts::CounterFact;
use super::messages::{Added, Request};

/// What the node did or learned, without its name and without a full stop.
pub(super) fn of(fact: &CounterFact) -> String {
    match fact {
        CounterFact::Asked { request, attempt: 0, amount } => {
            format!("asks to add {amount} (request {})", request.number)
        }
        CounterFact::Asked { request, attempt, amount } => format!(
            "asks again to add {amount} (request {}), since no answer came: it has asked {} before",
            request.number,
            times(*attempt)
        ),
        CounterFact::Counted(Entry { request, amount, total }) => {
            format!("has counted {}: {amount} more make {total}", name(*request))
        }
        CounterFact::Absorbed { request, attempt: 0 } => {
            format!("gets {} another time, as it was first sent, and only answers it", name(*request))
        }
        CounterFact::Absorbed { request, attempt } => format!(
            "gets {}, which it has counted and which was sent {} before, and only answers it",
            name(*request),
            times(*attempt)
        ),
        CounterFact::Acknowledged { added: Added { request, total }, retries } => {
            let told = format!("is told that request {} is counted and made {total}", request.number);
            if *retries == 0 { told } else { format!("{told}, having asked again {}", times(*retries)) }
        }
        CounterFact::Recovered { entries, cut } => {
            let found = found(entries);
            if *cut == 0 { found } else { format!("{found}, and cuts {cut} torn bytes off its end") }
        }
    }
}

fn found(entries: &[Entry]) -> String {
    match entries {
        [] => "starts and finds nothing in its file".to_owned(),
        [only] => format!("starts and finds {} in its file, which made {}", name(only.request), only.total),
        [.., last] => format!(
            "starts and finds {} requests in its file, the last of them {}, which made {}",
            entries.len(),
            name(last.request),
            last.total
        ),
    }
}

fn name(request: Request) -> String {
    format!("request {} of client {}", request.number, request.client)
}

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

#[cfg(test)]
mod tests {
    use super::super::facts::KINDS;
    use super::*;
    use rehearsal_env::Fact;
    use std::collections::BTreeSet;

    const REQUEST: Request = Request { client: 1, number: 4 };
    const ENTRY: Entry = Entry { request: REQUEST, amount: 5, total: 12 };

    /// At least one of every kind.
    fn examples() -> Vec<CounterFact> {
        let (request, added) = (REQUEST, Added { request: REQUEST, total: 12 });
        vec![
            CounterFact::Asked { request, attempt: 0, amount: 5 },
            CounterFact::Asked { request, attempt: 1, amount: 5 },
            CounterFact::Counted(ENTRY),
            CounterFact::Absorbed { request, attempt: 0 },
            CounterFact::Absorbed { request, attempt: 2 },
            CounterFact::Acknowledged { added, retries: 0 },
            CounterFact::Acknowledged { added, retries: 1 },
            CounterFact::Recovered { entries: vec![], cut: 0 },
            CounterFact::Recovered { entries: vec![ENTRY], cut: 0 },
            CounterFact::Recovered { entries: vec![ENTRY, ENTRY], cut: 56 },
        ]
    }

    #[test]
    fn every_kind_of_fact_has_words_of_its_own() {
        let kinds: BTreeSet<&str> = examples().iter().map(|fact| fact.kind()).collect();
        assert_eq!(kinds, KINDS.iter().copied().collect());
        let sentences: BTreeSet<String> = examples().iter().map(|fact| fact.in_words()).collect();
        assert_eq!(sentences.len(), examples().len(), "{sentences:#?}");
        let spelled = ["{", "::", "(request: ", "Entry", "client-"];
        assert!(sentences.iter().all(|words| !spelled.iter().any(|code| words.contains(code))));
    }

    #[test]
    fn the_counters_facts_are_told() {
        let told: Vec<String> = examples().iter().map(of).collect();
        let expected = [
            "asks to add 5 (request 4)",
            "asks again to add 5 (request 4), since no answer came: it has asked once before",
            "has counted request 4 of client 1: 5 more make 12",
            "gets request 4 of client 1 another time, as it was first sent, and only answers it",
            "gets request 4 of client 1, which it has counted and which was sent 2 times before, and only answers it",
            "is told that request 4 is counted and made 12",
            "is told that request 4 is counted and made 12, having asked again once",
            "starts and finds nothing in its file",
            "starts and finds request 4 of client 1 in its file, which made 12",
            "starts and finds 2 requests in its file, the last of them request 4 of client 1, which made 12, \
             and cuts 56 torn bytes off its end",
        ];
        assert_eq!(told, expected);
    }
}
