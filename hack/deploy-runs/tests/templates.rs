//! Deployments and stacks by template on the simulated service: what Azure says that it would
//! do is what is done, and the roles that are written have what it takes and no more.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use deploy_runs::Simulated;
use deploy_runs::bundles::{Bundle, Given, asked};
use flux_apim_deploy::template::{ByTemplate, Deny, Stack, Template};
use flux_apim_deploy::{Asked, Change, Engine, Failure, Prediction, permission};
use serde_json::json;
use std::collections::BTreeSet;

/// Who asks.
const OBJECT: &str = "oid-of-a-test";

/// What the simulation wants at the subscription from whoever follows an operation. Azure lets
/// those follow one who began it.
const FOLLOWING: [&str; 2] = [
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.ApiManagement/locations/operationsStatuses/read",
];

fn follows(service: &Simulated, object: &str) {
    let group = service.world.group();
    let subscription = group.split("/resourceGroups/").next().unwrap();
    service.assign_too(object, subscription, &FOLLOWING, &[]);
}

/// A template of tags and a secret named value, and the bundle of the same.
fn tags(names: &[&str]) -> (Template, Bundle) {
    let mut bundle = Bundle::default();
    let mut resources = Vec::new();
    for name in names {
        resources.push(json!({
            "type": "Microsoft.ApiManagement/service/tags", "apiVersion": "2024-05-01",
            "name": format!("[format('{{0}}/{name}', parameters('apimServiceName'))]"),
            "properties": {"displayName": name},
        }));
        bundle = bundle.with(&format!("tags/{name}"), json!({"displayName": name}), &[]);
    }
    resources.push(json!({
        "type": "Microsoft.ApiManagement/service/namedValues", "apiVersion": "2024-05-01",
        "name": "[format('{0}/key', parameters('apimServiceName'))]",
        "properties": {"displayName": "key", "secret": true, "value": "[parameters('key')]"},
    }));
    bundle = bundle
        .with(
            "namedValues/key",
            json!({"displayName": "key", "value": null, "secret": true}),
            &[],
        )
        .secret("/value", "key");
    let main = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"apimServiceName": {"type": "string"}, "key": {"type": "securestring"}},
        "resources": resources,
    });
    let template = Template {
        parts: vec![main],
        parameters: json!({"parameters": {}}),
    };
    (template, bundle)
}

fn with<T>(
    service: &Simulated,
    names: &[&str],
    stack: Option<&Stack>,
    asked: &Asked,
    run: impl AsyncFnOnce(ByTemplate<'_, Simulated>) -> T,
) -> T {
    let (template, bundle) = tags(names);
    let resources = bundle.parsed().unwrap();
    let id = service.service();
    let engine = Engine {
        service,
        service_id: &id,
        resources: &resources,
        texts: &bundle,
        secrets: &Given,
        asked,
        state: None,
    };
    let deployment = ByTemplate {
        engine: &engine,
        template: &template,
        stack,
    };
    service.block_on(run(deployment))
}

fn predict(
    service: &Simulated,
    names: &[&str],
    stack: Option<&Stack>,
) -> Result<Prediction, Failure> {
    with(service, names, stack, &asked(), async |d| d.predict().await)
}

/// Deploys, and says what came of it when that is not all.
fn deploy(service: &Simulated, names: &[&str], stack: Option<&Stack>) -> Result<(), String> {
    let done = with(service, names, stack, &asked(), async |d| d.deploy().await);
    match done.is_whole() {
        true => Ok(()),
        false => Err(done.to_human()),
    }
}

fn told(prediction: &Prediction) -> Vec<(Change, String)> {
    let changes = prediction.changes.iter();
    let short = |id: &str| {
        id.rsplit("/service/simulated/")
            .next()
            .unwrap()
            .to_lowercase()
    };
    let mut told: Vec<_> = changes.map(|c| (c.change, short(&c.id))).collect();
    told.sort();
    told
}

fn live(service: &Simulated) -> BTreeSet<String> {
    let all = service.stored();
    all.into_keys()
        .filter(|id| id.starts_with("tags/") || id == "namedvalues/key")
        .collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn a_deployment_does_what_its_what_if_says() {
    let service = Simulated::new().unwrap();
    let prediction = predict(&service, &["a", "b"], None).unwrap();
    assert_eq!(
        told(&prediction),
        [
            (Change::Create, "namedvalues/key".to_owned()),
            (Change::Create, "tags/a".to_owned()),
            (Change::Create, "tags/b".to_owned()),
        ]
    );
    assert!(live(&service).is_empty());
    deploy(&service, &["a", "b"], None).unwrap();
    assert_eq!(
        live(&service),
        set(&["namedvalues/key", "tags/a", "tags/b"])
    );
    service.person("tags/a", json!({"displayName": "by a person"}));
    let prediction = predict(&service, &["a", "b"], None).unwrap();
    let human = prediction.to_human();
    assert!(
        told(&prediction).contains(&(Change::Modify, "tags/a".to_owned())),
        "{human}"
    );
    assert!(
        human.contains("displayName: \"by a person\" -> \"a\""),
        "{human}"
    );
    assert!(
        !format!("{human}{}", prediction.to_json()).contains("correct horse"),
        "{human}"
    );
    // A deployment deletes nothing.
    deploy(&service, &["b"], None).unwrap();
    assert_eq!(
        live(&service),
        set(&["namedvalues/key", "tags/a", "tags/b"])
    );
}

#[test]
fn a_template_that_is_refused_is_said_by_resource() {
    let service = Simulated::new().unwrap();
    let long = "x".repeat(100);
    let said = deploy(&service, &["good", &long], None).unwrap_err();
    assert!(said.contains("refused: tags/xxx"), "{said}");
    assert!(live(&service).contains("tags/good"), "{said}");
}

#[test]
fn a_stack_deletes_what_it_said_and_nothing_that_is_protected() {
    let service = Simulated::new().unwrap();
    service.person("tags/other", json!({"displayName": "other"}));
    let stack = Stack {
        deletes: true,
        ..Stack::default()
    };
    let prediction = predict(&service, &["a", "b", "c"], Some(&stack)).unwrap();
    assert!(
        prediction.is_new && prediction.unpredicted.is_none(),
        "{}",
        prediction.to_human()
    );
    deploy(&service, &["a", "b", "c"], Some(&stack)).unwrap();
    assert_eq!(
        live(&service),
        set(&[
            "namedvalues/key",
            "tags/a",
            "tags/b",
            "tags/c",
            "tags/other"
        ])
    );
    let prediction = predict(&service, &["a"], Some(&stack)).unwrap();
    let gone = told(&prediction);
    let gone: Vec<_> = gone
        .iter()
        .filter(|(change, _)| *change == Change::Delete)
        .collect();
    assert_eq!(gone.len(), 2, "{}", prediction.to_human());
    assert!(prediction.problems.is_empty());
    // The question is not kept.
    let questions = "deploymentStacksWhatIfResults";
    let kept = service
        .world
        .state()
        .store
        .all()
        .any(|entity| entity.id.contains(questions));
    assert!(!kept);
    let mut asked = asked();
    asked.protect = vec!["tags/b".to_owned()];
    let guarded = with(&service, &["a"], Some(&stack), &asked, async |d| {
        d.predict().await
    });
    let problems = guarded.unwrap().problems;
    assert!(
        problems.len() == 1 && problems[0].contains("tags/b"),
        "{problems:?}"
    );
    deploy(&service, &["a"], Some(&stack)).unwrap();
    assert_eq!(
        live(&service),
        set(&["namedvalues/key", "tags/a", "tags/other"])
    );
    // Without deleting it lets go of them.
    let detach = Stack::default();
    deploy(&service, &["x"], Some(&detach)).unwrap();
    assert_eq!(
        live(&service),
        set(&["namedvalues/key", "tags/a", "tags/other", "tags/x"])
    );
    let said = with(&service, &["x"], Some(&stack), &self::asked(), async |d| {
        let prediction = d.predict_destroy(&stack).await.unwrap();
        d.destroy(&stack).await.unwrap();
        prediction
    });
    assert_eq!(said.changes.len(), 2, "{}", said.to_human());
    assert_eq!(live(&service), set(&["tags/a", "tags/other"]));
}

#[test]
fn deny_settings_keep_others_off() {
    let mut service = Simulated::new().unwrap();
    let group = service.world.group();
    service.ask_as(OBJECT);
    service.assign(OBJECT, &group, &["*"], &[]);
    follows(&service, OBJECT);
    let stack = Stack {
        denies: Deny::WriteAndDelete,
        ..Stack::default()
    };
    deploy(&service, &["a"], Some(&stack)).unwrap();
    let again = predict(&service, &["a"], Some(&stack)).unwrap();
    assert!(
        again.problems.is_empty() && !again.settings,
        "{}",
        again.to_human()
    );
    let open = predict(&service, &["a"], Some(&Stack::default())).unwrap();
    assert!(open.settings, "{}", open.to_human());
    // Requests of somebody else's: the engine that deploys by them is refused, and says so.
    service.ask_as("somebody-else");
    service.assign_too("somebody-else", &group, &["*"], &[]);
    follows(&service, "somebody-else");
    let refused = deploy(&service, &["a"], None).unwrap_err();
    assert!(refused.contains("refused: tags/a"), "{refused}");
}

/// What a mode needs, in the order in which it is done.
fn life(service: &Simulated, stack: Option<&Stack>) -> Result<(), String> {
    predict(service, &["a", "b"], stack).map_err(|failure| failure.to_string())?;
    deploy(service, &["a", "b"], stack)?;
    // Why it failed is read where it did.
    let long = "x".repeat(100);
    let failed = deploy(service, &["a", &long], stack).unwrap_err();
    if stack.is_none() && !failed.contains("refused: tags/xxx") {
        return Err(failed);
    }
    deploy(service, &["a"], stack)
}

#[test]
fn the_roles_of_templates_have_no_action_too_few() {
    let mut service = Simulated::new().unwrap();
    service.ask_as(OBJECT);
    let id = service.service();
    let group = service.world.group();
    let (_, bundle) = tags(&["a", "b"]);
    let resources = bundle.parsed().unwrap();
    let denying = Stack {
        deletes: true,
        denies: Deny::Delete,
        except: Vec::new(),
    };
    let mut found = Vec::new();
    for stack in [None, Some(&Stack::default()), Some(&denying)] {
        let needed = permission::by_template(&resources, stack);
        let own: Vec<&str> = needed.actions.iter().map(String::as_str).collect();
        let of_group: Vec<&str> = needed.group.iter().map(String::as_str).collect();
        let fresh = |own: &[&str], of_group: &[&str]| {
            service.reset();
            service.assign(OBJECT, &id, own, &[]);
            service.assign_too(OBJECT, &group, of_group, &[]);
            follows(&service, OBJECT);
        };
        fresh(&own, &of_group);
        if let Err(why) = life(&service, stack) {
            panic!("{stack:?}, with all of its actions: {why}");
        }
        let mut idle = Vec::new();
        for action in own.iter().chain(&of_group) {
            let rest = |all: &[&str]| -> Vec<String> {
                let rest = all.iter().filter(|other| *other != action);
                rest.map(|one| (*one).to_owned()).collect()
            };
            let (a, b) = (rest(&own), rest(&of_group));
            let a: Vec<&str> = a.iter().map(String::as_str).collect();
            let b: Vec<&str> = b.iter().map(String::as_str).collect();
            fresh(&a, &b);
            if life(&service, stack).is_ok() {
                idle.push((*action).to_owned());
            }
        }
        idle.retain(|action| !DOCUMENTED.contains(&action.as_str()));
        // The built-in roles for stacks have it: a stack deploys as whoever asks.
        idle.retain(|action| stack.is_none() || action != "Microsoft.Resources/deployments/write");
        found.extend(idle.into_iter().map(|action| (stack.cloned(), action)));
    }
    assert_eq!(found, []);
}

/// Actions whose need the simulation cannot show: what-if reads resources as whoever asks,
/// operations of a deployment are read as whoever deployed, a question that is not removed
/// stays for a day, what stays in the template is not deleted.
const DOCUMENTED: [&str; 6] = [
    "Microsoft.ApiManagement/service/namedValues/read",
    "Microsoft.ApiManagement/service/tags/read",
    "Microsoft.ApiManagement/service/namedValues/delete",
    "Microsoft.Resources/deployments/operations/read",
    "Microsoft.Resources/deployments/read",
    "Microsoft.Resources/deploymentStacksWhatIfResults/delete",
];
