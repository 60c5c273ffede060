//! Whole deployments over a store in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test code: literals are handed over"
)]

mod support;

use arm_template::{
    ArmError, ChangeType, Context, Group, Memory, Mode, PropertyChange, PropertyChangeType,
    Resource, Schedule, State, Store, expand, run, what_if,
};
use serde_json::{Value, json};
use support::{GROUP, context, expanded, template};

fn resource(name: &str, more: Value) -> Value {
    let mut resource = json!({ "type": "A.B/c", "apiVersion": "1", "name": name });
    for (key, value) in more.as_object().unwrap() {
        resource[key] = value.clone();
    }
    resource
}

fn id(name: &str) -> String {
    format!("{GROUP}/providers/A.B/c/{name}")
}

fn diamond() -> Value {
    template(json!({
        "resources": [
            resource("last", json!({ "dependsOn": ["left", "right"], "properties": { "x": "[reference('left').x]" } })),
            resource("left", json!({ "dependsOn": ["first"], "properties": { "x": "[add(reference('first').x, 1)]" } })),
            resource("right", json!({ "dependsOn": ["first"] })),
            resource("first", json!({ "properties": { "x": 1 } })),
        ],
        "outputs": { "x": { "type": "int", "value": "[reference('last').x]" } },
    }))
}

#[test]
fn what_may_start_together_does() {
    let mut store = Memory::default();
    let expanded = expand(&diamond(), &json!({}), &context()).unwrap();
    let done = run(&expanded, &context(), &mut store).unwrap();
    assert_eq!(
        done.rounds,
        [
            vec![id("first")],
            vec![id("left"), id("right")],
            vec![id("last")]
        ]
    );
    assert_eq!(done.outputs["x"]["value"], 2);
    assert_eq!(store.len(), 4);
    // The second time changes nothing.
    let changes = what_if(&expanded, &context(), &store);
    assert!(
        changes
            .iter()
            .all(|change| change.change == ChangeType::NoChange),
        "{changes:?}"
    );
}

/// Refuses one resource.
struct Refusing(Memory, &'static str);

impl State for Refusing {
    fn resource(&self, id: &str, version: &str) -> Option<Value> {
        self.0.resource(id, version)
    }

    fn list(&self, _: &str, _: &str, _: &str, _: Option<&Value>) -> Option<Value> {
        None
    }
}

impl Group for Refusing {
    fn ids(&self, scope: &str) -> Vec<String> {
        self.0.ids(scope)
    }
}

impl Store for Refusing {
    fn put(&mut self, resource: &Resource, body: Value) -> Result<(), ArmError> {
        if resource.name == self.1 {
            return Err(ArmError::new(
                "ValidationError",
                "One or more fields contain incorrect values:",
            ));
        }
        self.0.put(resource, body)
    }

    fn delete(&mut self, id: &str) -> Result<(), ArmError> {
        self.0.delete(id)
    }
}

#[test]
fn a_failure_stops_what_waits_for_it_and_nothing_else() {
    let mut store = Refusing(Memory::default(), "left");
    let expanded = expand(&diamond(), &json!({}), &context()).unwrap();
    let error = run(&expanded, &context(), &mut store).unwrap_err();
    assert_eq!(error.code, "DeploymentFailed");
    let details: Vec<(&str, Option<&str>)> = error
        .details
        .iter()
        .map(|detail| (detail.code.as_str(), detail.target.as_deref()))
        .collect();
    assert_eq!(details, [("ValidationError", Some(id("left").as_str()))]);
    let mut there = store.ids(GROUP);
    there.sort();
    assert_eq!(there, [id("first"), id("right")]);
}

#[test]
fn a_schedule_waits_for_what_runs() {
    let expanded = expand(&diamond(), &json!({}), &context()).unwrap();
    let mut schedule = Schedule::new(&expanded);
    assert_eq!((schedule.start(), schedule.start()), (Some(3), None));
    assert_eq!(schedule.running(), 1);
    schedule.done(3);
    assert_eq!(
        (schedule.start(), schedule.start(), schedule.start()),
        (Some(1), Some(2), None)
    );
    schedule.done(2);
    assert_eq!(schedule.start(), None);
    schedule.done(1);
    assert!(!schedule.is_over());
    assert_eq!(schedule.start(), Some(0));
    schedule.failed(0);
    assert!(schedule.is_over() && schedule.has_failed());
}

#[test]
fn complete_mode_deletes_what_the_template_does_not_name() {
    let mut store = Memory::default();
    let old = expanded(json!({ "resources": [
        resource("kept", json!({})),
        resource("old", json!({ "resources": [{ "type": "d", "apiVersion": "1", "name": "child", "dependsOn": ["old"] }] })),
        { "type": "A.B/c/d", "apiVersion": "1", "name": "kept/child" },
    ] }))
    .unwrap();
    run(&old, &context(), &mut store).unwrap();
    let new = template(
        json!({ "resources": [resource("kept", json!({ "properties": { "x": 1 } })), resource("new", json!({}))] }),
    );
    let complete = Context {
        mode: Mode::Complete,
        ..context()
    };
    let new = expand(&new, &json!({}), &complete).unwrap();
    let of = |context: &Context<'_>, store: &Memory| -> Vec<(String, ChangeType)> {
        what_if(&new, context, store)
            .into_iter()
            .map(|change| {
                (
                    change.id.strip_prefix(GROUP).unwrap().to_owned(),
                    change.change,
                )
            })
            .collect()
    };
    let change = |name: &str, change| (format!("/providers/A.B/c/{name}"), change);
    let mut want = vec![
        change("kept", ChangeType::Modify),
        change("new", ChangeType::Create),
        change("kept/d/child", ChangeType::Ignore),
        change("old", ChangeType::Ignore),
        change("old/d/child", ChangeType::Ignore),
    ];
    assert_eq!(of(&context(), &store), want);
    want[3].1 = ChangeType::Delete;
    assert_eq!(of(&complete, &store), want);
    let done = run(&new, &complete, &mut store).unwrap();
    assert_eq!(done.deleted, [id("old")]);
    let mut left = store.ids(GROUP);
    left.sort();
    assert_eq!(
        left,
        [id("kept"), format!("{}/d/child", id("kept")), id("new")]
    );
}

#[test]
fn complete_mode_deletes_a_parent_that_the_template_does_not_name() {
    let mut store = Memory::default();
    let old = expanded(json!({ "resources": [
        resource("parent", json!({})),
        { "type": "Microsoft.Authorization/locks", "apiVersion": "1", "name": "lock" },
    ] }))
    .unwrap();
    run(&old, &context(), &mut store).unwrap();
    let child = template(
        json!({ "resources": [{ "type": "A.B/c/d", "apiVersion": "1", "name": "parent/child" }] }),
    );
    let complete = Context {
        mode: Mode::Complete,
        ..context()
    };
    let child = expand(&child, &json!({}), &complete).unwrap();
    let done = run(&child, &complete, &mut store).unwrap();
    assert_eq!(done.deleted, [id("parent")]);
    assert_eq!(store.len(), 1, "the lock stays");
}

#[test]
fn what_if_names_properties() {
    let mut store = Memory::default();
    let of = |properties: Value| {
        expanded(json!({ "resources": [resource("a", json!({ "properties": properties }))] }))
            .unwrap()
    };
    run(
        &of(
            json!({ "same": 1, "text": "x", "list": [1, 2], "deep": { "a": 1 }, "service": "own" }),
        ),
        &context(),
        &mut store,
    )
    .unwrap();
    let changes = what_if(
        &of(json!({ "same": 1, "text": "y", "list": [1], "deep": { "a": 1, "b": 2 } })),
        &context(),
        &store,
    );
    let told = |change: &PropertyChange| {
        (
            change.path.clone(),
            change.change,
            change.before.clone(),
            change.after.clone(),
        )
    };
    let of = |path: &str, change, before: Value, after: Value| {
        let there = |value: Value| Some(value).filter(|value| !value.is_null());
        (path.to_owned(), change, there(before), there(after))
    };
    let delta = &changes[0].delta;
    assert_eq!(
        delta.iter().map(told).collect::<Vec<_>>(),
        [
            of(
                "properties.text",
                PropertyChangeType::Modify,
                json!("x"),
                json!("y")
            ),
            of(
                "properties.list",
                PropertyChangeType::Array,
                json!([1, 2]),
                json!([1])
            ),
            of(
                "properties.deep.b",
                PropertyChangeType::Create,
                Value::Null,
                json!(2)
            ),
        ]
    );
    let items: Vec<_> = delta[1].children.iter().map(told).collect();
    assert_eq!(
        items,
        [of("1", PropertyChangeType::Delete, json!(2), Value::Null)]
    );
    assert_eq!(changes[0].after.as_ref().unwrap()["name"], "a");
}

#[test]
fn nested_deployments_run_and_give_their_outputs() {
    let nested = |name: &str, value: Value| {
        json!({
            "type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": name,
            "properties": {
                "mode": "Incremental",
                "expressionEvaluationOptions": { "scope": "inner" },
                "parameters": { "p": { "value": value } },
                "template": template(json!({
                    "parameters": { "p": { "type": "string" } },
                    "resources": [resource("[parameters('p')]", json!({ "properties": { "x": 1 } }))],
                    "outputs": { "o": { "type": "string", "value": "[concat(parameters('p'), reference(parameters('p')).x)]" } },
                })),
            },
        })
    };
    let expanded = expanded(json!({
        "resources": [nested("one", json!("a")), nested("two", json!("[reference('one').outputs.o.value]"))],
        "outputs": { "o": { "type": "string", "value": "[reference('two').outputs.o.value]" } },
    }))
    .unwrap();
    let mut store = Memory::default();
    let done = run(&expanded, &context(), &mut store).unwrap();
    assert_eq!(done.rounds.len(), 2);
    assert_eq!(done.outputs["o"]["value"], "a11");
    assert!(store.resource(&id("a"), "1").is_some() && store.resource(&id("a1"), "1").is_some());
    assert_eq!(store.len(), 4);
}
