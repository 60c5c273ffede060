//! Random requests: methods, paths of the table with names of all sorts, bodies that are
//! mutations of good ones. Nothing panics, nothing is answered with 500, refusals have
//! Azure's shape, and what is stored stays whole.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod support;

use serde_json::{Map, Value, json};
use simulated_azure::place::Place;
use support::{Asked, Sim};

/// SplitMix64: the same requests at each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

const NAMES: [&str; 16] = [
    "a",
    "A",
    "b",
    "policy",
    "default",
    "a;rev=1",
    "a;rev=2",
    "a;rev=",
    "%00",
    "%2F",
    "%F0%9F%9A%9A",
    "x%0D%0Ay",
    "'",
    "..",
    "1",
    "administrators",
];
const TEXTS: [&str; 18] = [
    "",
    "a",
    "A",
    "/apis/a",
    "/apis/a;rev=2",
    "/products/a",
    "@(",
    "{{a}}",
    "<policies><inbound/></policies>",
    "<fragment/>",
    "<a",
    "https://x",
    "openapi",
    "openapi+json",
    "wsdl",
    "Header",
    "Pool",
    "websocket",
];

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.next()),
        3 | 4 => json!(random.of(&TEXTS)),
        5 => json!("x".repeat(random.below(400))),
        6 => (0..random.below(3))
            .map(|_| value(random, depth - 1))
            .collect(),
        _ => Value::Object(
            (0..random.below(3))
                .map(|n| (format!("k{n}"), value(random, depth - 1)))
                .collect(),
        ),
    }
}

/// What deployments and stacks are asked for, with something of another kind now and then.
fn deployment(random: &mut Random) -> Value {
    let resources: Vec<Value> = (0..random.below(3))
        .map(|_| {
            let name = format!("simulated/{}", random.of(&NAMES));
            let kind = *random.of(&["tags", "apis", "products", "namedValues"]);
            json!({"type": format!("Microsoft.ApiManagement/service/{kind}"), "apiVersion": "2024-05-01", "name": name,
                   "properties": {"displayName": random.of(&TEXTS), "path": random.of(&TEXTS), "value": random.of(&TEXTS)}})
        })
        .collect();
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    let mut properties = json!({"mode": random.of(&["Incremental", "Incremental", "incremental", ""]),
        "template": {"$schema": schema, "contentVersion": "1.0.0.0", "resources": resources},
        "actionOnUnmanage": {"resources": random.of(&["delete", "detach", ""])},
        "denySettings": {"mode": random.of(&["none", "denyDelete", "denyWriteAndDelete", ""]), "applyToChildScopes": true},
        "deploymentStackResourceId": random.of(&TEXTS), "retentionInterval": "PT1H"});
    if random.below(4) == 0 {
        let names = [
            "mode",
            "template",
            "actionOnUnmanage",
            "denySettings",
            "parameters",
            "whatIfSettings",
        ];
        properties[*random.of(&names)] = value(random, 2);
    }
    json!({ "properties": properties })
}

/// A body with the properties of a model, some of them of another kind.
fn body(sim: &Sim, random: &mut Random, model: Option<&str>) -> Value {
    if random.below(12) == 0 {
        return Value::String((*random.of(&["{", "[]", "\"x\"", "\u{feff}{}", "nul"])).to_owned());
    }
    if model.is_some_and(|name| name.starts_with("Deployment")) && random.below(4) > 0 {
        return deployment(random);
    }
    let Some(model) = model.and_then(|name| sim.world.table.model(name)) else {
        return value(random, 3);
    };
    let mut out = Map::new();
    for (place, property) in &model.properties {
        if !property.required && random.below(3) > 0 {
            continue;
        }
        let made = match (random.below(6), property.values.as_deref()) {
            (0, _) => value(random, 2),
            (_, Some(name)) => json!(random.of(sim.world.table.values(name))),
            _ if property.kind == "bool" => json!(true),
            _ => json!(random.of(&TEXTS)),
        };
        match place.strip_prefix("properties.") {
            Some(name) if !name.contains('.') => {
                if let Value::Object(properties) =
                    out.entry("properties").or_insert_with(|| json!({}))
                {
                    properties.insert(name.to_owned(), made);
                }
            }
            _ => {
                out.insert(place.clone(), made);
            }
        }
    }
    Value::Object(out)
}

#[test]
fn random_requests_are_answered() {
    let sim = Sim::new(None);
    sim.import(
        "a",
        json!({"/a": {"get": {"operationId": "a"}}, "/b": {"get": {"operationId": "b"}}}),
    );
    sim.api("b");
    for (target, properties) in [
        ("products/a", json!({"displayName": "a"})),
        ("tags/a", json!({"displayName": "a"})),
        ("namedValues/a", json!({"displayName": "a", "value": "v"})),
        ("gateways/a", json!({"locationData": {"name": "a"}})),
        ("loggers/a", json!({"loggerType": "azureMonitor"})),
        ("groups/a", json!({"displayName": "a"})),
        ("workspaces/a", json!({"displayName": "a"})),
        (
            "workspaces/a/apis/a",
            json!({"displayName": "a", "path": "w"}),
        ),
        ("workspaces/a/products/a", json!({"displayName": "a"})),
        ("workspaces/a/tags/a", json!({"displayName": "a"})),
    ] {
        sim.made(target, properties);
    }
    let mut random = Random(19);
    let operations: Vec<(String, String, Option<String>)> = sim
        .world
        .table
        .operations()
        .iter()
        .map(|o| (o.method.clone(), o.path.clone(), o.body.clone()))
        .collect();
    let writes: Vec<_> = operations
        .iter()
        .filter(|(method, ..)| method == "PUT")
        .cloned()
        .collect();
    let mut statuses = std::collections::BTreeMap::new();
    for _ in 0..6000 {
        let list = if random.below(3) == 0 {
            &writes
        } else {
            &operations
        };
        let (method, path, model) = random.of(list).clone();
        let method = if random.below(10) == 0 {
            *random.of(&["GET", "PUT", "PATCH", "DELETE", "POST", "HEAD", "TRACE"])
        } else {
            method.as_str()
        };
        let target: Vec<String> = path
            .split('/')
            .map(|segment| match segment {
                "{subscriptionId}" => sim.world.settings.subscription.clone(),
                "{resourceGroupName}" | "{serviceName}" if random.below(30) > 0 => {
                    "simulated".to_owned()
                }
                segment if segment.starts_with('{') => (*random.of(&NAMES)).to_owned(),
                segment => segment.to_owned(),
            })
            .collect();
        let mut target = target.join("/");
        // The group and service themselves stay: else nothing is left to ask.
        if method == "DELETE"
            && (target.ends_with("/service/simulated") || target.ends_with("/simulated"))
        {
            continue;
        }
        for query in [
            "$top=1",
            "$skip=-1",
            "$filter=name eq 'a'",
            "$filter=((",
            "export=true&format=openapi",
            "format=rawxml",
            "deleteRevisions=true",
        ] {
            if random.below(14) == 0 {
                target = format!(
                    "{target}{}{query}",
                    if target.contains('?') { '&' } else { '?' }
                );
            }
        }
        let sent = if ["GET", "HEAD"].contains(&method) {
            Value::Null
        } else {
            body(&sim, &mut random, model.as_deref())
        };
        let header = *random.of(&["*", "*", "*", "\"AAAAAAAAAAE=\"", ""]);
        let answer = sim.send(method, &target, &sent, &[("if-match", header)]);
        *statuses.entry(answer.status).or_insert(0) += 1;
        assert!(
            answer.status != 500,
            "{method} {target} {sent}: {:?}",
            answer.body
        );
        if answer.status >= 400 && method != "HEAD" {
            let error = &answer.body.as_ref().unwrap()["error"];
            assert!(
                error["code"].is_string() && error["message"].is_string(),
                "{method} {target}: {error}"
            );
        }
    }
    println!("{statuses:?}");
    // Deployments run on by themselves.
    while sim.world.state().running.values().any(|one| !one.has_ended) {
        std::thread::yield_now();
    }
    assert!(
        statuses.contains_key(&200)
            && statuses.contains_key(&201)
            && statuses.contains_key(&400)
            && statuses.contains_key(&404)
    );
    whole(&sim);
}

/// What is stored stands below what is stored, and can be read and listed.
fn whole(sim: &Sim) {
    let stored: Vec<String> = sim
        .world
        .state()
        .store
        .all()
        .map(|entity| entity.id.clone())
        .collect();
    for id in stored {
        let Some(place) = Place::of(&id) else {
            continue;
        };
        let answer = sim.ask(sim.request("GET", &encoded(&id), &Value::Null, &[]), None);
        // Links have no GET in the SDK: they are asked for by HEAD.
        assert!(
            [200, 405].contains(&answer.status),
            "{id}: {:?}",
            answer.body
        );
        let parent = place.parent().filter(|parent| !parent.pairs.is_empty());
        let holder = parent.as_ref().is_some_and(|p| {
            ["portalsettings", "tenant", "notifications", "contenttypes"]
                .contains(&p.kind().as_str())
        });
        if let Some(parent) = parent.filter(|_| !holder) {
            assert!(
                sim.world.state().store.get(&parent.id()).is_some(),
                "{id} has no parent"
            );
        }
    }
}

fn encoded(id: &str) -> String {
    let segments = id.split('/').map(|s| {
        percent_encoding::utf8_percent_encode(s, percent_encoding::NON_ALPHANUMERIC).to_string()
    });
    segments.collect::<Vec<_>>().join("/")
}
