//! A conversation as it was recorded: each line is what the editor says (`>`), what the
//! server answers (`<`), or that the project is checked (`=`).

use super::world::{Folder, check};
use crate::Session;
use serde_json::Value;

const POLICY: &str = "<policies>\r\n  <inbound>\r\n    <base />\r\n    <include-fragment fragment-id=\"limits\" />\r\n    <set-backend-service backend-id=\"orders\" />\r\n    <set-header name=\"é😀\" exists-action=\"override\">\r\n      <value>{{api-key}}</value>\r\n    </set-header>\r\n  </inbound>\r\n</policies>\r\n";

const OPENAPI: &str = r##"openapi: 3.0.1
info: {title: Orders, version: '1'}
paths:
  /orders:
    get:
      operationId: list
      responses:
        '200':
          description: é
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Order'}
components:
  schemas:
    Order: {type: object}
"##;

const ENVIRONMENT: &str = r#"namedValues:
  - name: key
    properties:
      displayName: api-key
backends:
  - name: orders
    properties:
      url: "https://{{api-key}}.example.com"
apis:
  - name: orders
    properties:
      apiVersionSetId: /apiVersionSets/none
"#;

fn files() -> [(&'static str, &'static str); 9] {
    [
        (
            "apis/orders/apiInformation.json",
            r#"{"properties": {"displayName": "Orders", "path": "orders", "protocols": ["https"]}}"#,
        ),
        ("apis/orders/policy.xml", POLICY),
        ("apis/orders/specification.yaml", OPENAPI),
        (
            "named values/key/namedValueInformation.json",
            r#"{"properties": {"displayName": "api-key", "value": "hidden", "secret": true}}"#,
        ),
        (
            "backends/orders/backendInformation.json",
            r#"{"properties": {"description": "The orders service", "url": "https://orders.example.com", "protocol": "http"}}"#,
        ),
        (
            "policy fragments/limits/policy.xml",
            "<fragment><rate-limit calls=\"1\" renewal-period=\"2\" />\
             <set-variable name=\"limit\" value=\"@(1)\" /></fragment>",
        ),
        (
            "products/starter/productInformation.json",
            r#"{"properties": {"displayName": "Starter", "description": "For a start"}}"#,
        ),
        ("products/starter/apis.json", r#"[{"name": "orders"}]"#),
        ("configuration.prod.yaml", ENVIRONMENT),
    ]
}

#[test]
fn a_recorded_exchange_is_answered_as_it_was() {
    let mut session = Session::new(Folder::new(&files()));
    let mut wrong = Vec::new();
    let mut answers: Vec<Value> = Vec::new();
    for line in include_str!("exchange.txt").lines() {
        let said = |text: &str| serde_json::from_str::<Value>(text).expect(text);
        match line.split_at_checked(2) {
            Some(("> ", text)) => {
                wrong.extend(answers.drain(..).map(|answer| format!("< {answer}")));
                answers = session.handle(said(text));
            }
            Some(("< ", text)) => match answers.is_empty() {
                true => wrong.push(format!("nothing for {text}")),
                false => {
                    let answer = answers.remove(0);
                    if answer != said(text) {
                        wrong.push(format!("{text}\n< {answer}"));
                    }
                }
            },
            _ if line == "=" => answers.extend(check(&mut session)),
            _ => {}
        }
    }
    assert!(
        wrong.is_empty() && answers.is_empty(),
        "{}\n{answers:?}",
        wrong.join("\n")
    );
    assert_eq!(session.ended(), Some(true));
}
