//! Words for what travels.

use serde_json::Value;

/// Variants around what is said: they say nothing themselves.
const ENVELOPES: [&str; 3] = ["Request", "Response", "Answer"];

/// What a message is to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// A question, to which an answer comes.
    Asks,
    /// An answer.
    Answers,
    /// Neither, as far as it shows.
    Sends,
}

/// What the envelopes of calls and sessions say that a message is.
pub(super) fn speech(message: &Value) -> Speech {
    match envelope(message) {
        Some("Request" | "Hello") => Speech::Asks,
        Some("Response" | "Answer" | "Welcome" | "Working") => Speech::Answers,
        _ => Speech::Sends,
    }
}

/// What a question and its answers have in common: the numbers that their envelopes carry. None for other messages.
pub(super) fn exchange(message: &Value) -> Option<(Speech, [Option<u64>; 4])> {
    let speech = speech(message);
    let fields = message.as_object()?.values().next()?;
    let numbers = ["call", "nonce", "session", "number"].map(|name| fields.get(name).and_then(Value::as_u64));
    let (greeting, rest) = (numbers[1].is_some(), numbers.iter().any(Option::is_some));
    let numbers = if greeting { [None, numbers[1], None, None] } else { numbers };
    (speech != Speech::Sends && rest).then_some((speech, numbers))
}

fn envelope(message: &Value) -> Option<&str> {
    message.as_object().and_then(|fields| fields.keys().next()).map(String::as_str)
}

/// A message as it is told: "the answer Booked", "the request Book", "the message Add".
pub(super) fn named(protocol: &str, body: &Value) -> String {
    let kind = match speech(body) {
        Speech::Asks => "request",
        Speech::Answers => "answer",
        Speech::Sends => "message",
    };
    format!("the {kind} {}", headline(protocol, body))
}

/// What a message says, in a word or a few: the names of its variants, without the envelopes around them; where there
/// are none, the name of its type. A protocol that wraps another calls what it wraps `body`.
pub(super) fn headline(protocol: &str, message: &Value) -> String {
    let names = names(message);
    let only_envelope = envelope(message) == Some(&names) && ENVELOPES.contains(&names.as_str());
    if !names.is_empty() && !only_envelope {
        return names;
    }
    // `Call<Question, Answer>`
    let inner = protocol.split_once('<').map_or(protocol, |(_, inner)| inner);
    let mut types = inner.split([',', '>']).map(|path| path.rsplit("::").next().unwrap_or(path).trim());
    let question = types.next().unwrap_or_default();
    let answer = types.next().filter(|_| speech(message) == Speech::Answers);
    answer.unwrap_or(question).to_owned()
}

fn names(message: &Value) -> String {
    match message {
        Value::String(name) => name.clone(),
        Value::Object(fields) => {
            if let Some(body) = fields.get("body") {
                return names(body);
            }
            if let (1, Some((name, inner))) = (fields.len(), fields.iter().next())
                && is_name(name)
            {
                let told = if is_wrapping(inner) { names(inner) } else { String::new() };
                return if told.is_empty() { name.clone() } else { told };
            }
            let lists = fields.values().filter_map(Value::as_array).flatten();
            let actions: Vec<String> =
                lists.filter(|value| is_wrapping(value)).map(names).filter(|told| !told.is_empty()).collect();
            actions.join(", ")
        }
        _ => String::new(),
    }
}

/// A variant's name begins with a capital letter, a field's does not.
fn is_name(text: &str) -> bool {
    text.starts_with(|sign: char| sign.is_ascii_uppercase())
}

/// Whether a name stands further inside.
fn is_wrapping(value: &Value) -> bool {
    match value {
        Value::String(text) => is_name(text),
        Value::Object(fields) => {
            fields.contains_key("body")
                || fields.len() == 1 && fields.keys().all(|name| is_name(name))
                || fields.contains_key("actions")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GUESTS: &str = "model::rpc::Call<model::protocol::GuestRequest, model::facts::Answer>";
    const IDS: &str = "model::rpc::Call<model::protocol::IdsWanted, model::protocol::IdBlock>";

    #[test]
    fn envelopes_are_taken_off() {
        let order = json!({"Request": {"call": 7, "body": {"Order": {"guest": 0, "stay": {"start": 1}}}}});
        assert_eq!(headline(GUESTS, &order), "Order");
        assert_eq!(speech(&order), Speech::Asks);
        let answer = json!({"Response": {"call": 7, "body": "Booked"}});
        assert_eq!(headline(GUESTS, &answer), "Booked");
        assert_eq!(speech(&answer), Speech::Answers);
    }

    #[test]
    fn several_actions_are_named_in_turn() {
        let actions = json!([{"Run": {"Insert": {"table": 3}}}, {"Run": {"Update": {"table": 1}}}, "Commit"]);
        let request =
            json!({"Request": {"session": 5, "number": 2, "body": {"begin": null, "actions": actions}}});
        assert_eq!(headline(GUESTS, &request), "Insert, Update, Commit");
    }

    #[test]
    fn what_names_nothing_goes_by_its_type() {
        assert_eq!(headline(IDS, &json!({"Request": {"call": 1, "body": {"count": 8}}})), "IdsWanted");
        assert_eq!(headline(IDS, &json!({"Response": {"call": 1, "body": {"first": 1}}})), "IdBlock");
        assert_eq!(headline("model::counter::Add", &json!({"amount": 3})), "Add");
        assert_eq!(speech(&json!({"amount": 3})), Speech::Sends);
    }

    #[test]
    fn an_answer_and_its_question_bear_the_same_numbers() {
        let numbers = |message: Value| exchange(&message).map(|(_, numbers)| numbers);
        let request = json!({"Request": {"session": 5, "number": 2, "body": "Commit"}});
        assert_eq!(numbers(request), numbers(json!({"Answer": {"session": 5, "number": 2, "body": []}})));
        let hello = json!({"Hello": {"nonce": 7}});
        assert_eq!(numbers(hello.clone()), numbers(json!({"Welcome": {"nonce": 7, "session": 1}})));
        assert_ne!(numbers(hello), numbers(json!({"Response": {"call": 7, "body": 1}})));
        assert_eq!(numbers(json!({"amount": 3})), None);
    }
}
