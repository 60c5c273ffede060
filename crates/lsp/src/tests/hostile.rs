//! What no editor should say.

use super::world::{check, notification, open, request, started};
use crate::Session;
use proptest::prelude::*;
use serde_json::{Value, json};

const POLICY: &str = "file:///project/policy.xml";

fn session() -> Session {
    started(&[(
        "policy.xml",
        "<policies><inbound><base /></inbound></policies>",
    )])
}

fn code(answers: &[Value]) -> Option<i64> {
    answers.first()?.pointer("/error/code")?.as_i64()
}

#[test]
fn what_is_no_message_has_an_answer() {
    for (message, number) in [
        (json!([]), Some(-32600)),
        (json!("text"), Some(-32600)),
        (json!({}), Some(-32600)),
        (json!({"id": {}, "method": "x"}), Some(-32600)),
        (json!({"id": 7, "method": 7}), Some(-32600)),
        (json!({"id": 7}), Some(-32600)),
        (request(7, "initialize", &Value::Null), Some(-32600)),
        (request(7, "workspace/unknown", &json!([1])), Some(-32601)),
        (request(7, "textDocument/hover", &Value::Null), Some(-32602)),
        (
            request(
                7,
                "textDocument/definition",
                &json!({"textDocument": {"uri": "file:///x"}}),
            ),
            Some(-32602),
        ),
        (json!({"id": 7, "result": null}), None),
        (notification("$/unknown", &json!({})), None),
        (notification("textDocument/didOpen", &json!({})), None),
        (
            notification(
                "textDocument/didOpen",
                &json!({"textDocument": {"uri": POLICY}}),
            ),
            None,
        ),
        (
            notification(
                "textDocument/didChange",
                &json!({"textDocument": {"uri": "never opened"}}),
            ),
            None,
        ),
        (
            notification(
                "textDocument/didClose",
                &json!({"textDocument": {"uri": 1}}),
            ),
            None,
        ),
    ] {
        let answers = session().handle(message.clone());
        assert_eq!(code(&answers), number, "{message}: {answers:?}");
        assert_eq!(answers.is_empty(), number.is_none(), "{message}");
    }
}

#[test]
fn the_order_of_a_conversation_is_kept() {
    let mut session = Session::new(super::world::Folder::new(&[]));
    let hover = request(1, "textDocument/hover", &json!({}));
    assert_eq!(code(&session.handle(hover.clone())), Some(-32002));
    assert!(open(&mut session, POLICY, "<policies>").is_empty());
    session.handle(request(
        2,
        "initialize",
        &json!({"rootUri": "file:///nowhere"}),
    ));
    let said = check(&mut session);
    assert!(
        said[0].to_string().contains("there is no such folder"),
        "{said:?}"
    );
    session.handle(request(3, "shutdown", &Value::Null));
    assert_eq!(code(&session.handle(hover)), Some(-32600));
    assert_eq!(session.ended(), None);
    session.handle(notification("exit", &Value::Null));
    assert_eq!(session.ended(), Some(true));
    let mut other = self::session();
    other.handle(notification("exit", &Value::Null));
    assert_eq!(other.ended(), Some(false));
}

#[test]
fn a_change_that_makes_no_sense_closes_the_text() {
    let mut session = session();
    open(&mut session, POLICY, "<policies />");
    let change = json!({"textDocument": {"uri": POLICY, "version": 2}, "contentChanges": [{"range": 1, "text": ""}]});
    let said = session.handle(notification("textDocument/didChange", &change));
    assert!(
        said.iter().any(|m| m["method"] == "window/showMessage"),
        "{said:?}"
    );
}

#[test]
fn files_elsewhere_are_checked_by_themselves() {
    let mut session = session();
    for uri in [
        "file:///elsewhere/policy.xml",
        "file:///project/../policy.xml",
        "untitled:Untitled-1",
        "",
        "file:///project",
        "file:///project/a%00b",
    ] {
        let said = open(&mut session, uri, "<policies><inbond /></policies>");
        assert_eq!(said[0]["params"]["uri"], uri);
        assert!(said[0].to_string().contains("inbond"), "{said:?}");
    }
    assert!(check(&mut session).is_empty());
}

#[test]
fn a_check_ends_when_something_changes() {
    let mut session = session();
    open(&mut session, POLICY, "<policies />");
    let work = session.work().unwrap();
    assert!(session.work().is_none());
    open(&mut session, POLICY, "<policies></policies>");
    assert!(work.budget.is_cancelled());
    assert!(session.done(work.run()).is_empty());
    let work = session.work().unwrap();
    let failed = work.failed();
    assert_eq!(session.done(failed)[0]["method"], "window/logMessage");
    assert!(session.done(work.run()).is_empty());
}

#[test]
fn documents_that_take_long_are_left_to_the_check_of_the_project() {
    let mut session = session();
    for text in [
        "<policies>@(".repeat(10_000),
        format!("<policies>{}", "<a>".repeat(30_000)),
        format!("<policies a=\"@({}\"", "(".repeat(100_000)),
    ] {
        open(&mut session, POLICY, &text);
        let position = json!({"line": 0, "character": 60_000});
        let params = json!({"textDocument": {"uri": POLICY}, "position": position});
        for method in ["textDocument/hover", "textDocument/definition"] {
            let answers = session.handle(request(9, method, &params));
            assert!(answers[0].get("result").is_some(), "{answers:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_and_place_has_an_answer(
        text in "(<policies>|<inbound>|<set-body>|@\\(|@\\{|\\{\\{|\\$ref|\"|:|é|\u{1F600}|\r\n|[ -~]){0,60}",
        name in "policy\\.xml|api\\.(json|yaml)",
        line in 0_u64..3, character in 0_u64..80,
    ) {
        let mut session = session();
        let uri = format!("file:///project/{name}");
        open(&mut session, &uri, &text);
        let position = json!({"line": line, "character": character});
        let params = json!({"textDocument": {"uri": uri}, "position": position});
        for method in ["textDocument/hover", "textDocument/definition"] {
            let answers = session.handle(request(9, method, &params));
            prop_assert!(answers[0].get("result").is_some());
        }
        let range = json!({"start": position, "end": {"line": 2, "character": 3}});
        let change = json!({"textDocument": {"uri": uri}, "contentChanges": [{"range": range, "text": "é"}]});
        session.handle(notification("textDocument/didChange", &change));
        check(&mut session);
    }
}
