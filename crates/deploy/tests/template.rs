//! Deployments and stacks by template, against answers in the shapes of the REST reference.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod bundle;
mod service;

use bundle::{Bundle, Given, asked, given, shop};
use flux_apim_deploy::template::{ByTemplate, Deny, Stack, Template};
use flux_apim_deploy::{Answer, Asked, Engine, Fault, Id, Method, Place, Request, Service};
use flux_apim_deploy::{Change, Prediction};
use serde_json::{Value, json};
use service::{SERVICE, block_on};
use std::sync::Mutex;
use std::time::Duration;

/// One that answers by method and end of path, and keeps what it was asked.
struct Scripted {
    answers: Vec<(Method, &'static str, u16, Value)>,
    asked: Mutex<Vec<(String, Value)>>,
}

impl Scripted {
    fn new(answers: Vec<(Method, &'static str, u16, Value)>) -> Self {
        Self {
            answers,
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }

    fn body(&self, what: &str) -> Value {
        let asked = self.asked();
        let found = asked.iter().find(|(asked, _)| asked.contains(what));
        found
            .unwrap_or_else(|| panic!("{what} was not asked"))
            .1
            .clone()
    }
}

impl Service for Scripted {
    async fn call(&self, request: &Request) -> Result<Answer, Fault> {
        let Place::Group(path) = &request.place else {
            panic!("{:?} is not below the group", request.place);
        };
        let what = format!("{} {path}", request.method.as_str());
        let body = request
            .body
            .as_ref()
            .map_or(Value::Null, |body| body.0.clone());
        self.asked.lock().unwrap().push((what, body));
        let of = |(method, end, ..): &&(Method, &str, u16, Value)| {
            *method == request.method && path.ends_with(end)
        };
        let found = self.answers.iter().find(of);
        let (status, body) = found.map_or_else(
            || {
                (
                    404,
                    json!({"error": {"code": "NotFound", "message": "not there"}}),
                )
            },
            |(_, _, status, body)| (*status, body.clone()),
        );
        Ok(Answer {
            status,
            body,
            ..Answer::default()
        })
    }

    async fn wait(&self, _: Duration) {}
}

fn template(parts: usize) -> Template {
    let part = json!({
        "parameters": {
            "apimServiceName": {"type": "string"}, "url": {"type": "string"},
            "key": {"type": "securestring"},
        },
        "resources": [],
    });
    Template {
        parts: vec![part; parts],
        parameters: json!({"parameters": {"url": {"value": "https://x"}, "other": {"value": "y"}}}),
    }
}

struct Case {
    bundle: Bundle,
    asked: Asked,
    secrets: Given,
    template: Template,
    stack: Option<Stack>,
}

impl Case {
    fn new(stack: Option<Stack>) -> Self {
        Self {
            bundle: shop(),
            asked: asked(),
            secrets: given(),
            template: template(1),
            stack,
        }
    }

    fn run<T>(
        &self,
        service: &Scripted,
        run: impl AsyncFnOnce(ByTemplate<'_, Scripted>) -> T,
    ) -> T {
        let mut resources = self.bundle.parsed();
        resources.protect = vec!["tags/*".to_owned()];
        let engine = Engine {
            service,
            service_id: SERVICE,
            resources: &resources,
            texts: &self.bundle,
            secrets: &self.secrets,
            asked: &self.asked,
            state: None,
        };
        let deployment = ByTemplate {
            engine: &engine,
            template: &self.template,
            stack: self.stack.as_ref(),
        };
        block_on(run(deployment))
    }

    fn predict(&self, service: &Scripted) -> Prediction {
        self.run(service, async |d| d.predict().await.unwrap())
    }
}

fn id(below: &str) -> String {
    format!("{SERVICE}/{below}")
}

#[test]
fn a_what_if_is_told_without_secrets() {
    let changes = json!([
        {"resourceId": id("tags/new"), "changeType": "Create", "after": {}},
        {"resourceId": id("tags/blue"), "changeType": "NoChange"},
        {"resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/x", "changeType": "Ignore"},
        {"resourceId": id("namedValues/key"), "changeType": "Modify", "after": {"properties": {"secret": true, "value": "x"}},
         "delta": [{"path": "properties.value", "propertyChangeType": "Modify", "before": "older secret", "after": "x"},
                   {"path": "properties.displayName", "propertyChangeType": "NoEffect", "before": null, "after": "key"}]},
        {"resourceId": id("backends/b"), "changeType": "Modify",
         "delta": [{"path": "properties.credentials", "propertyChangeType": "Modify", "before": {"header": {"x-key": ["a"]}}, "after": null},
                   {"path": "properties.rules", "propertyChangeType": "Array", "children": [
                       {"path": "0", "propertyChangeType": "Modify", "children": [
                           {"path": "name", "propertyChangeType": "Modify", "before": "one", "after": "has hunter2 in it"}]}]}]},
        {"resourceId": id("apis/a"), "changeType": "Unsupported", "unsupportedReason": "nested too deep"},
    ]);
    let answer = json!({"status": "Succeeded", "properties": {"changes": changes}});
    let service = Scripted::new(vec![(Method::Post, "/whatIf", 200, answer)]);
    let prediction = Case::new(None).predict(&service);
    assert_eq!(prediction.same, 1);
    let human = prediction.to_human();
    for part in [
        "+ tags/new",
        "~ namedValues/key",
        "value: \"(secret)\" -> \"(secret)\"",
        "rules[0].name: \"one\" -> \"has (secret) in it\"",
        "? apis/a",
        "note: nested too deep",
        "what-if: 1 create, 2 modify, 1 unsupported, 1 noChange",
    ] {
        assert!(human.contains(part), "{part}: {human}");
    }
    let all = format!(
        "{human}{}{}",
        prediction.to_json(),
        prediction.to_markdown()
    );
    for secret in ["hunter2", "older secret", "[\"a\"]"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    let sent = service.body("/whatIf");
    let properties = &sent["properties"];
    assert_eq!(properties["mode"], "Incremental");
    // Only what the template declares, with the secret that was given.
    assert_eq!(
        properties["parameters"],
        json!({"url": {"value": "https://x"}, "apimServiceName": {"value": "x"}, "key": {"value": "hunter2"}})
    );
    assert!(prediction.problems.is_empty() && !prediction.is_empty());
}

#[test]
fn a_template_that_is_refused_says_why() {
    let answer = json!({"status": "Failed", "error": {"code": "InvalidTemplate", "message": "no such function"}});
    let service = Scripted::new(vec![(Method::Post, "/whatIf", 200, answer)]);
    let failure = Case::new(None).run(&service, async |d| d.predict().await.unwrap_err());
    let said = failure.to_string();
    assert!(
        said.contains("InvalidTemplate") && said.contains("no such function"),
        "{said}"
    );
}

#[test]
fn parts_are_deployed_one_after_the_other_until_one_is_refused() {
    let refused = json!({"error": {"code": "DeploymentFailed", "message": "at least one failed"}});
    let operations = json!({"value": [
        {"properties": {"provisioningState": "Succeeded", "targetResource": {"id": id("tags/a")}}},
        {"properties": {"provisioningState": "Failed", "targetResource": {"id": id("apis/a")},
                        "statusMessage": {"error": {"code": "ValidationError", "message": "no path", "details": [{"message": "path is missing"}]}}}},
    ]});
    let service = Scripted::new(vec![
        (
            Method::Put,
            "-000",
            201,
            json!({"properties": {"provisioningState": "Succeeded"}}),
        ),
        (Method::Put, "-001", 400, refused),
        (Method::Get, "/operations", 200, operations),
    ]);
    let case = Case {
        template: template(4),
        ..Case::new(None)
    };
    let done = case.run(&service, async |d| d.deploy().await);
    assert!(!done.is_whole() && done.not_tried == 2 && done.names.len() == 2);
    assert_eq!(
        done.refused,
        [(
            "apis/a".to_owned(),
            "ValidationError: no path (path is missing)".to_owned()
        )]
    );
    let said = done.to_human();
    assert!(
        said.contains("not tried: 2 more parts") && said.contains("refused: apis/a"),
        "{said}"
    );
    // A stack takes one template.
    let case = Case {
        template: template(4),
        ..Case::new(Some(Stack::default()))
    };
    let problems = case.run(&service, async |d| d.problems());
    assert!(
        problems[0].contains("4 parts") && problems[0].contains("--mode requests"),
        "{problems:?}"
    );
}

#[test]
fn a_missing_secret_is_said_before_anything_is_asked() {
    let mut case = Case::new(None);
    case.secrets.0.remove("key");
    let service = Scripted::new(Vec::new());
    let problems = case.run(&service, async |d| d.problems());
    assert!(
        problems[0].contains("--secret key=env:VARIABLE"),
        "{problems:?}"
    );
    assert!(service.asked().is_empty());
}

fn managed(ids: &[&str]) -> Value {
    let resources: Vec<Value> = ids
        .iter()
        .map(|below| json!({"id": id(below), "status": "managed"}))
        .collect();
    json!({"properties": {"provisioningState": "succeeded", "resources": resources}})
}

#[test]
fn a_stack_is_asked_what_it_would_do_and_the_question_is_removed() {
    let said = json!({"properties": {
        "changes": {
            "resourceChanges": [
                {"id": id("tags/gone"), "changeType": "delete", "changeCertainty": "definite"},
                {"id": id("products/p2"), "changeType": "delete", "changeCertainty": "definite"},
                {"id": id("groups/g"), "changeType": "delete", "changeCertainty": "potential"},
                {"id": id("tags/blue"), "changeType": "modify", "changeCertainty": "definite",
                 "resourceConfigurationChanges": {"delta": [{"path": "properties.displayName", "changeType": "modify", "before": "a", "after": "b"}]}},
            ],
            "denySettingsChange": {"delta": [{"path": "mode", "changeType": "modify", "before": "none", "after": "denyDelete"}]},
        },
        "diagnostics": [{"level": "warning", "code": "X", "message": "somebody should look"}],
    }});
    let service = Scripted::new(vec![
        (Method::Get, "", 200, managed(&["tags/blue"])),
        (Method::Put, "", 200, json!({"properties": {}})),
        (Method::Post, "/whatIf", 200, said),
        (Method::Delete, "", 200, Value::Null),
    ]);
    let stack = Stack {
        deletes: true,
        denies: Deny::Delete,
        except: vec!["oid".to_owned()],
    };
    let mut case = Case::new(Some(stack));
    case.asked.allow_delete = [Id::parse("products/p2").unwrap()].into();
    let prediction = case.predict(&service);
    assert_eq!(prediction.problems.len(), 1, "{:?}", prediction.problems);
    assert!(prediction.problems[0].contains("tags/gone, which is protected (`tags/*`)"));
    assert!(prediction.settings);
    let human = prediction.to_human();
    for part in [
        "- groups/g",
        "displayName: \"a\" -> \"b\"",
        "note: somebody should look",
        "settings of the stack change",
    ] {
        assert!(human.contains(part), "{part}: {human}");
    }
    let sent = service.body("PUT providers/Microsoft.Resources/deploymentStacksWhatIfResults");
    let properties = &sent["properties"];
    assert_eq!(properties["actionOnUnmanage"]["resources"], "delete");
    assert_eq!(properties["actionOnUnmanage"]["resourceGroups"], "detach");
    assert_eq!(
        properties["denySettings"],
        json!({"mode": "denyDelete", "applyToChildScopes": false, "excludedPrincipals": ["oid"]})
    );
    assert!(
        properties["deploymentStackResourceId"]
            .as_str()
            .unwrap()
            .starts_with(
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deploymentStacks/"
            )
    );
    let last = service.asked().pop().unwrap().0;
    assert!(
        last.starts_with("DELETE") && last.contains("deploymentStacksWhatIfResults"),
        "{last}"
    );
    // Without permission a product stays, whoever has keys to it.
    case.asked.allow_delete.clear();
    let problems = case.predict(&service).problems.join(" ");
    assert!(
        problems.contains("--allow-delete products/p2"),
        "{problems}"
    );
}

#[test]
fn where_stacks_cannot_be_asked_what_they_would_let_go_of_is_known() {
    let unknown =
        json!({"error": {"code": "NoRegisteredProviderFound", "message": "not in this cloud"}});
    let service = Scripted::new(vec![
        (Method::Put, "", 400, unknown),
        (Method::Delete, "", 404, Value::Null),
        (Method::Get, "", 200, managed(&["tags/blue", "tags/old"])),
    ]);
    let prediction = Case::new(Some(Stack::default())).predict(&service);
    let changes: Vec<_> = prediction
        .changes
        .iter()
        .map(|c| (c.change, c.id.clone()))
        .collect();
    assert_eq!(changes, [(Change::Detach, id("tags/old"))]);
    let human = prediction.to_human();
    assert!(
        human.contains("cannot be asked here") && human.contains("not in this cloud"),
        "{human}"
    );
    assert!(!prediction.is_empty() && prediction.problems.is_empty());
}

#[test]
fn a_stack_that_is_deleted_says_what_goes() {
    let service = Scripted::new(vec![
        (Method::Get, "", 200, managed(&["groups/g", "tags/blue"])),
        (Method::Delete, "", 200, Value::Null),
    ]);
    let stack = Stack {
        deletes: true,
        ..Stack::default()
    };
    let case = Case::new(Some(stack.clone()));
    let prediction = case.run(&service, async |d| d.predict_destroy(&stack).await.unwrap());
    assert_eq!(prediction.changes.len(), 2);
    assert_eq!(
        prediction.problems.len(),
        1,
        "tags are protected: {:?}",
        prediction.problems
    );
    case.run(&service, async |d| d.destroy(&stack).await.unwrap());
    // There is nothing to delete where there is no stack.
    let service = Scripted::new(Vec::new());
    let prediction = case.run(&service, async |d| d.predict_destroy(&stack).await.unwrap());
    assert!(prediction.is_empty());
}
