//! One step of a plan, done: what is written is what the plan saw, and what the service
//! adds by itself goes.

use crate::body::Wanted;
use crate::caller::{Failure, Written};
use crate::compare::{DEFAULT_POLICY, Difference, against, between};
use crate::engine::Engine;
use crate::id::Id;
use crate::live::{Live, Reading, fields, reading};
use crate::plan::{Action, Step};
use crate::planner::BUILT_IN_GATEWAY;
use crate::resources::Resource;
use crate::service::{Answer, Service};
use crate::state::Baseline;
use flux_apim_model::kinds::Kind;
use serde_json::{Value as Json, json};

/// How often a resource is read again that changes while it is written.
const STALE: usize = 4;

/// What a write left behind.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    /// It was there when it was to be made.
    pub(crate) existed: bool,
    /// It was not written itself: what is known of it goes on to be true.
    pub(crate) is_as_it_was: bool,
    /// Baseline, where they are kept.
    pub(crate) baseline: Option<Baseline>,
    pub(crate) notes: Vec<String>,
}

/// Does one step.
pub(crate) async fn write<S: Service>(
    engine: &Engine<'_, S>,
    step: &Step,
    made_above: bool,
) -> Result<Effect, Failure> {
    match step.action {
        Action::Delete => delete(engine, step).await,
        _ => put(engine, step, made_above).await,
    }
}

async fn put<S: Service>(
    engine: &Engine<'_, S>,
    step: &Step,
    made_above: bool,
) -> Result<Effect, Failure> {
    let (caller, id) = (engine.caller(), &step.id);
    let lacking = |message: String| Failure {
        attempted: format!("PUT {id}"),
        status: None,
        code: String::new(),
        message,
        in_doubt: false,
    };
    let Some(resource) = engine.resources.find(id) else {
        return Err(lacking("it is not in the bundle".to_owned()));
    };
    let only_gateway = |d: &Difference| d.path == BUILT_IN_GATEWAY;
    if step.off_built_in_gateway
        && !step.differences.is_empty()
        && step.differences.iter().all(only_gateway)
    {
        leave_gateway(engine, resource).await?;
        return Ok(Effect {
            is_as_it_was: true,
            ..Effect::default()
        });
    }
    let wanted = engine.composer().wanted(resource).map_err(lacking)?;
    let body = match &wanted.properties {
        Json::Null => None,
        properties => {
            let mut properties = properties.clone();
            // Without a reason the definition is not imported again: operations stay.
            if step.action == Action::Change
                && resource.has_definition()
                && !step.imports
                && let Some(map) = properties.as_object_mut()
            {
                for key in ["value", "format", "wsdlSelector"] {
                    map.remove(key);
                }
            }
            Some(json!({"properties": properties}))
        }
    };
    // What an import makes anew is another than the plan saw, and meant to be.
    let written = match (&step.seen, step.action) {
        (Some(seen), Action::Change) if !made_above => {
            let mut attempt = 0;
            loop {
                let Some(now) = unchanged(engine, step, seen).await? else {
                    let why = "somebody deleted it since the plan was made: plan again";
                    return Err(stale(id, why.to_owned()));
                };
                let etag = now.etag.as_deref();
                let written = caller.put(id.as_str(), etag, body.clone()).await;
                attempt += 1;
                match written {
                    // An attempt without an answer may have been the one.
                    Err(failure) if failure.is_stale() && failure.in_doubt => {
                        let now = caller.get(id.as_str(), fields(id)).await?;
                        let ours = |now: &Answer| {
                            let live = &now.body["properties"];
                            let found = against(id, &wanted.properties, live, &wanted.secrets);
                            found.iter().all(|difference| difference.uncertain)
                        };
                        match now.filter(ours) {
                            Some(answer) => {
                                break Written {
                                    answer,
                                    in_doubt: true,
                                    followed: true,
                                };
                            }
                            None => return Err(failure),
                        }
                    }
                    Err(failure) if failure.is_stale() && attempt < STALE => {}
                    written => break written?,
                }
            }
        }
        _ => caller.put(id.as_str(), None, body).await?,
    };
    let after = after_put(engine, step, &wanted, written, made_above);
    // Whatever goes wrong from here on: it was written.
    after.await.map_err(|failure| failure.doubted(true))
}

/// What is left to do with a resource that was written, and what is learnt of it.
async fn after_put<S: Service>(
    engine: &Engine<'_, S>,
    step: &Step,
    wanted: &Wanted,
    written: Written,
    made_above: bool,
) -> Result<Effect, Failure> {
    let (caller, id) = (engine.caller(), &step.id);
    // An earlier attempt without an answer may have made it, and so may an import above it.
    let existed = step.action == Action::Create
        && written.answer.status == 200
        && !written.in_doubt
        && !written.followed
        && !made_above;
    let mut effect = Effect {
        existed,
        ..Effect::default()
    };
    if existed {
        effect.notes.push(
            "somebody made it since the plan: it was written, and counts as theirs".to_owned(),
        );
    }
    if id.types() == "products" && written.answer.status == 201 && step.action == Action::Create {
        effect.notes.extend(tidy_product(engine, id).await?);
    }
    if step.off_built_in_gateway
        && let Some(resource) = engine.resources.find(id)
    {
        leave_gateway(engine, resource).await?;
    }
    if id.is_link() || wanted.properties.is_null() {
        return Ok(effect);
    }
    // Answers to writes show texts in another form than questions do.
    let mut answer = written.answer;
    let alone = matches!(reading(id), Reading::Alone(_));
    if alone || written.followed || !answer.body["properties"].is_object() {
        if engine.state.is_none() && !written.followed {
            return Ok(effect);
        }
        let before = answer.etag.take();
        let Some(now) = caller.get(id.as_str(), fields(id)).await? else {
            let why = "the service said that it was written, and it is not there";
            return Err(stale(id, why.to_owned()));
        };
        if before.is_some() && now.etag.is_some() && before != now.etag {
            effect
                .notes
                .push("somebody changed it since it was written".to_owned());
            return Ok(effect);
        }
        answer = now;
    }
    let properties = answer.body["properties"].take();
    let stored = against(id, &wanted.properties, &properties, &wanted.secrets);
    for difference in stored.iter().filter(|difference| !difference.uncertain) {
        effect.notes.push(format!(
            "the service took it and stored another `{}` than was sent",
            difference.path
        ));
    }
    if engine.state.is_some() {
        let baseline = Baseline::new(
            id,
            &step.digest,
            &wanted.properties,
            &properties,
            &wanted.secrets,
        );
        effect.baseline = Some(baseline);
    }
    Ok(effect)
}

/// The resource as it is now, if that is still what the plan saw; `None` when it is gone.
async fn unchanged<S: Service>(
    engine: &Engine<'_, S>,
    step: &Step,
    seen: &Live,
) -> Result<Option<Answer>, Failure> {
    let id = &step.id;
    let now = engine.caller().get(id.as_str(), fields(id)).await?;
    let Some(now) = now else {
        return Ok(None);
    };
    let found = between(id, &seen.properties, &now.body["properties"]);
    // A single answer may say more than the list that the plan was made of.
    let contradicts = match seen.listed {
        true => found.iter().any(|difference| difference.wanted.is_some()),
        false => !found.is_empty(),
    };
    match contradicts {
        false => Ok(Some(now)),
        true => {
            let places: Vec<&str> = found.iter().map(|d| d.path.as_str()).take(5).collect();
            Err(stale(
                id,
                format!(
                    "somebody changed it since the plan was made ({}): plan again",
                    places.join(", ")
                ),
            ))
        }
    }
}

fn stale(id: &Id, message: String) -> Failure {
    Failure {
        attempted: format!("write {id}"),
        status: Some(412),
        code: String::new(),
        message,
        in_doubt: false,
    }
}

/// Takes an API off the gateway that is built into the service.
async fn leave_gateway<S: Service>(
    engine: &Engine<'_, S>,
    resource: &Resource,
) -> Result<(), Failure> {
    if let Some(link) = resource.built_in_gateway() {
        engine.caller().delete(link.as_str(), &[], None).await?;
    }
    Ok(())
}

/// Removes what Azure adds to a new product: the link to `administrators`, and a
/// subscription. Both are there from the moment on at which the product is.
async fn tidy_product<S: Service>(engine: &Engine<'_, S>, id: &Id) -> Result<Vec<String>, Failure> {
    let caller = engine.caller();
    let mut notes = Vec::new();
    let group = id.child("groups", "administrators");
    if let Some(group) = group.filter(|group| engine.resources.place(group).is_none()) {
        caller.delete(group.as_str(), &[], None).await?;
    }
    let mut subscriptions = Vec::new();
    let take = |item: Json| {
        let name = item["name"].as_str().unwrap_or("");
        subscriptions.extend(Id::parse(&format!("subscriptions/{name}")));
    };
    caller
        .list(&format!("{id}/subscriptions"), &[], take)
        .await?;
    for subscription in subscriptions {
        // What the bundle describes is made later: it was there before.
        if engine.resources.place(&subscription).is_none() {
            caller.delete(subscription.as_str(), &[], Some("*")).await?;
            notes.push(format!(
                "{subscription}, which Azure made with it, was removed"
            ));
        }
    }
    Ok(notes)
}

async fn delete<S: Service>(engine: &Engine<'_, S>, step: &Step) -> Result<Effect, Failure> {
    let (caller, id) = (engine.caller(), &step.id);
    let allowed = engine.asked.allow_delete.contains(id);
    let query: &[(&str, &str)] = match id.kind() {
        Some(Kind::Product) if allowed => &[("deleteSubscriptions", "true")],
        Some(Kind::Api) if !id.is_revision() => &[("deleteRevisions", "true")],
        _ => &[],
    };
    if id.is_link() {
        caller.delete(id.as_str(), query, None).await?;
        return Ok(Effect::default());
    }
    let Some(seen) = &step.seen else {
        return Ok(Effect::default());
    };
    let mut attempt = 0;
    while let Some(now) = unchanged(engine, step, seen).await? {
        let etag = now.etag.as_deref().unwrap_or("*");
        attempt += 1;
        let done = match id.kind() {
            // Every service has one: it goes back to that of a new one.
            Some(Kind::ServicePolicy) if id.depth() == 1 => {
                let properties = json!({"format": "xml", "value": DEFAULT_POLICY});
                let body = Some(json!({"properties": properties}));
                caller.put(id.as_str(), Some(etag), body).await
            }
            _ => caller.delete(id.as_str(), query, Some(etag)).await,
        };
        match done {
            Err(failure) if failure.is_stale() && attempt < STALE => {}
            done => {
                done?;
                break;
            }
        }
    }
    Ok(Effect::default())
}
