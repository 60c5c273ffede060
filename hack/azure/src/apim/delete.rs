//! DELETE: what is in use stays, and links go with what they lead to.

use super::{Call, label, link_target};
use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::place::Place;
use crate::policy;
use crate::store::Entity;
use serde_json::Value;

impl Call<'_> {
    pub(super) fn delete(&mut self) -> Result<Answer, Refusal> {
        let id = self.place.id();
        let kind = self.place.kind();
        let Some(old) = self.state.store.get(&id).cloned() else {
            self.if_match_of_absent()?;
            return Ok(self.status_of([204, 200, 202]));
        };
        self.if_match(Some(&old))?;
        self.in_use(&kind, &old)?;
        self.remove(&kind, &id);
        Ok(self.status_of([200, 202, 204]))
    }

    /// `If-Match` is needed even for what is not there.
    fn if_match_of_absent(&self) -> Result<(), Refusal> {
        match self.request.header("if-match") {
            Some(_) => Ok(()),
            None => self.if_match(None),
        }
    }

    /// The first of some codes that the operation has.
    fn status_of(&self, wanted: [u16; 3]) -> Answer {
        let found = wanted
            .into_iter()
            .find(|code| self.operation.success.contains(code));
        Answer::empty(found.unwrap_or(200))
    }

    fn asks(&self, parameter: &str) -> bool {
        self.request
            .asks(parameter)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn in_use(&self, kind: &str, old: &Entity) -> Result<(), Refusal> {
        let refused = |message: String| Err(Refusal::new(400, "ValidationError", message));
        match kind {
            "groups" if old.text("type") == Some("system") && self.on(Row::SystemGroups) => {
                Err(Refusal::new(405, "MethodNotAllowed", "System entity cannot be deleted"))
            }
            "subscriptions" if old.name.eq_ignore_ascii_case("master") && self.on(Row::MasterSubscription) => {
                Err(Refusal::new(405, "MethodNotAllowed", "System entity cannot be deleted"))
            }
            "users" if old.name == "1" => Err(Refusal::new(405, "MethodNotAllowed", "System entity cannot be deleted")),
            "products" if self.on(Row::ProductInUse) && !self.asks("deleteSubscriptions") => {
                match self.subscriptions_of(&old.id).first() {
                    Some(_) => refused("Product cannot be deleted since it has existing subscriptions. Delete subscriptions before deleting the product or pass in deleteSubscriptions=true as query param".into()),
                    None => Ok(()),
                }
            }
            "apis" if self.on(Row::ApiInUse) && !self.asks("deleteRevisions") => {
                match self.revisions_of(old).is_empty() {
                    true => Ok(()),
                    false => refused("Cannot delete the current revision of an API.".into()),
                }
            }
            "policyfragments" | "backends" => {
                let (collection, row) = if kind == "backends" { ("backends", Row::BackendInUse) } else { ("policyFragments", Row::FragmentInUse) };
                let users = self.policies_that(|root, _| policy::named(root).iter().any(|named| named.collection == collection && named.name.eq_ignore_ascii_case(&old.name)));
                match users.is_empty() || !self.on(row) {
                    true => Ok(()),
                    false => refused(used(label(kind), &old.name, &self.place.service, &users)),
                }
            }
            "namedvalues" if self.on(Row::NamedValueInUse) => {
                let display = old.text("displayName").unwrap_or_default();
                let users = self.policies_that(|_, text| policy::named_values(text).iter().any(|name| name.eq_ignore_ascii_case(display)));
                match users.is_empty() {
                    true => Ok(()),
                    false => refused(used(label(kind), display, &self.place.service, &users)),
                }
            }
            _ => Ok(()),
        }
    }

    /// Ids of subscriptions whose scope is a product or API.
    pub(super) fn subscriptions_of(&self, id: &str) -> Vec<String> {
        let all = self
            .state
            .store
            .children(&format!("{}/subscriptions", self.place.scope()));
        let of = all.filter(|one| {
            one.text("scope")
                .is_some_and(|scope| scope.eq_ignore_ascii_case(id))
        });
        of.map(|one| one.id.clone()).collect()
    }

    /// Removes a resource, what is below it, and links to it.
    fn remove(&mut self, kind: &str, id: &str) {
        let mut gone = Vec::new();
        if kind == "products" {
            gone.extend(self.subscriptions_of(id));
        }
        if let ("apis", Some(api)) = (kind, self.state.store.get(id)) {
            gone.extend(self.revisions_of(api));
            gone.extend(self.subscriptions_of(id));
        }
        let scope = self.place.scope();
        let name = self.place.name().to_owned();
        for entity in self.state.store.below(&scope) {
            let place = Place::of(&entity.id);
            let link = place.as_ref().and_then(|place| link_target(&place.kind()));
            let leads = link.is_some_and(|collection| {
                kind == collection && entity.name.eq_ignore_ascii_case(&name)
            });
            let names = ["apiId", "groupId", "productId"].iter().any(|property| {
                let is_link = place
                    .as_ref()
                    .is_some_and(|place| place.kind().ends_with("links"));
                is_link
                    && entity
                        .text(property)
                        .is_some_and(|target| target.eq_ignore_ascii_case(id))
            });
            if leads || names {
                gone.push(entity.id.clone());
            }
        }
        gone.push(id.to_owned());
        for id in gone {
            self.state.store.remove(&id);
        }
    }
}

/// The sentence of Azure/apiops-cli#261, where it is about a fragment.
fn used(label: &str, name: &str, service: &str, users: &[Value]) -> String {
    let below = users
        .iter()
        .filter_map(|id| id.as_str()?.get(service.len()..));
    let below: String = below.map(|id| format!("{id}\r\n")).collect();
    format!("The {label} '{name}' is used by the following entities:\r\n{below}")
}
