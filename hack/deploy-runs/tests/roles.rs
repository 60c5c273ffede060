//! What an identity may do, known before the first write: the simulation holds each request
//! against role assignments by its own table of paths and methods, the engine asks what they
//! allow, and both come to the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use deploy_runs::Simulated;
use deploy_runs::bundles::{Bundle, twenty};
use deploy_runs::runs::{Owner, is_whole, told};
use flux_apim_deploy::permission::{self, Needed, ROLES};
use flux_apim_deploy::{Error, Id};

/// Who asks.
const OBJECT: &str = "oid-of-a-test";

/// A role: its name, actions and what is not among them.
type Row = (String, Vec<String>, Vec<String>);

/// The built-in roles that deployments meet, and the one that is written for a bundle.
fn roles(needed: &Needed) -> Vec<Row> {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let built_in = ROLES.iter().filter(|role| !role.actions.is_empty());
    let mut roles: Vec<Row> = built_in
        .map(|role| {
            (
                role.name.to_owned(),
                owned(role.actions),
                owned(role.not_actions),
            )
        })
        .collect();
    roles.push((
        "written for the bundle".to_owned(),
        needed.actions.iter().cloned().collect(),
        Vec::new(),
    ));
    roles
}

fn assign(service: &Simulated, scope: &str, actions: &[String], not_actions: &[String]) {
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    let not_actions: Vec<&str> = not_actions.iter().map(String::as_str).collect();
    service.assign(OBJECT, scope, &actions, &not_actions);
}

/// The actions that a plan was refused for, if that is why there is none.
fn is_forbidden(error: &Error) -> bool {
    matches!(error, Error::Read(failure) if failure.status == Some(403))
}

#[test]
fn the_verdict_before_the_first_write_is_what_then_happens() {
    let mut service = Simulated::new().unwrap();
    service.ask_as(OBJECT);
    let (mut allowed, mut refused, mut least) = (0, 0, usize::MAX);
    for (name, bundle) in twenty() {
        let needed = permission::needed(&bundle.parsed().unwrap());
        let roles = roles(&needed);
        least = least.min(roles.len());
        let id = service.service();
        let group = id.split("/providers/").next().unwrap().to_owned();
        let subscription = group.split("/resourceGroups/").next().unwrap().to_owned();
        let elsewhere = format!("{subscription}/resourceGroups/elsewhere");
        for (role, actions, not_actions) in &roles {
            for scope in [&subscription, &group, &id, &elsewhere] {
                service.reset();
                // What they may do, they may ask.
                let mut actions = actions.clone();
                actions.push("Microsoft.Authorization/permissions/read".to_owned());
                assign(&service, scope, &actions, not_actions);
                let mut owner = Owner::new(&service);
                let what = format!("{name}, {role} at {scope}");
                let verdict = match owner.plan(&service, &bundle) {
                    Ok(plan) => {
                        let of_plan = permission::of_plan(&plan);
                        owner.lacks(&service, &bundle, &of_plan).unwrap()
                    }
                    // Nothing can be planned by who may not read, nor asked by who may nothing.
                    Err(error) => {
                        assert!(is_forbidden(&error), "{what}: {error}");
                        let lacks = owner.lacks(&service, &bundle, &needed);
                        lacks.unwrap_or_else(|failure| {
                            assert_eq!(failure.status, Some(403), "{what}: {failure}");
                            permission::missing(&id, &needed.actions, &[])
                        })
                    }
                };
                let deployed = owner.deploy(&service, &bundle);
                assert_eq!(
                    verdict.is_empty(),
                    is_whole(&deployed),
                    "{what}: lacks {verdict:?}\n{}",
                    told(&deployed)
                );
                match verdict.is_empty() {
                    true => allowed += 1,
                    false => refused += 1,
                }
            }
        }
    }
    assert!(least >= 12, "{least} roles");
    assert!(
        allowed >= 20 * 6 && refused >= 20 * 6,
        "{allowed} {refused}"
    );
}

/// All that an owner does with a bundle: deploys it, takes each resource out and back in, and
/// destroys it. Says what failed.
fn life(service: &Simulated, bundle: &Bundle) -> Result<(), String> {
    let mut owner = Owner::new(service);
    owner.asked.allow_delete = bundle.ids().iter().filter_map(|id| Id::parse(id)).collect();
    let step = |owner: &mut Owner, bundle: &Bundle| {
        let deployed = owner.deploy(service, bundle);
        match is_whole(&deployed) {
            true => Ok(()),
            false => Err(told(&deployed)),
        }
    };
    step(&mut owner, bundle)?;
    for resource in &bundle.resources {
        let mut less = bundle.clone();
        less.drop_all(resource["id"].as_str().unwrap());
        // What others refer to stays as long as they do.
        if less.resources.len() + 1 == bundle.resources.len() && !is_referred(bundle, resource) {
            step(&mut owner, &less)?;
            step(&mut owner, bundle)?;
        }
    }
    owner.asked.destroy = true;
    step(&mut owner, bundle)
}

/// Whether another resource of the bundle needs it.
fn is_referred(bundle: &Bundle, resource: &serde_json::Value) -> bool {
    let id = resource["id"].as_str().unwrap();
    let name = id.rsplit('/').next().unwrap();
    bundle.resources.iter().any(|other| {
        let refers = other["references"].to_string().contains(id);
        let links = other["properties"].is_null() && other["id"].as_str().unwrap().ends_with(name);
        let includes = bundle
            .texts
            .values()
            .any(|text| text.contains(&format!("\"{name}\"")));
        other["id"] != resource["id"] && (refers || links || includes)
    })
}

#[test]
fn the_role_that_is_written_has_no_action_too_many_and_none_too_few() {
    let mut service = Simulated::new().unwrap();
    service.ask_as(OBJECT);
    let id = service.service();
    let mut actions_tried = 0;
    for (name, bundle) in twenty() {
        let needed = permission::needed(&bundle.parsed().unwrap());
        let all: Vec<String> = needed.actions.iter().cloned().collect();
        service.reset();
        assign(&service, &id, &all, &[]);
        // What the role may do cannot be asked with it: that is no part of deploying.
        let unread = Owner::new(&service).lacks(&service, &bundle, &needed);
        assert!(
            unread.is_err_and(|failure| failure.status == Some(403)),
            "{name}"
        );
        if let Err(why) = life(&service, &bundle) {
            panic!("{name}, with all of its actions: {why}");
        }
        for action in &all {
            let rest: Vec<String> = all.iter().filter(|a| *a != action).cloned().collect();
            service.reset();
            assign(&service, &id, &rest, &[]);
            assert!(
                life(&service, &bundle).is_err(),
                "{name} does not need {action}"
            );
            actions_tried += 1;
        }
    }
    assert!(actions_tried > 200, "{actions_tried}");
}
