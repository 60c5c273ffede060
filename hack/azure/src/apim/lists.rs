//! Lists: pages, filters, and those that are no collection of their own.

use super::{Call, label, not_simulated};
use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::filter::Filter;
use crate::place::{Place, revision};
use crate::store::Entity;
use serde_json::{Value, json};

/// Items of a page.
const PAGE: usize = 100;

impl Call<'_> {
    pub(super) fn list(&mut self, tail: &str) -> Result<Answer, Refusal> {
        let id = self.place.id();
        let kind = self.place.kind();
        let is_there = self.is_managed_gateway(&self.place) || self.state.store.get(&id).is_some();
        if !self.place.pairs.is_empty() && !is_there {
            return Err(Refusal::not_found(label(&kind)));
        }
        let tail = tail.to_lowercase();
        let items = match (kind.as_str(), tail.as_str()) {
            ("apis", "revisions") => self.revisions(&id),
            ("apis", "products") => self.linked(|place| {
                place.kind() == "products/apis"
                    && place.name().eq_ignore_ascii_case(self.place.name())
            }),
            ("products" | "users", "subscriptions") => self.owned_subscriptions(&kind, &id),
            ("users", "groups") => self.linked(|place| {
                place.kind() == "groups/users"
                    && place.name().eq_ignore_ascii_case(self.place.name())
            }),
            ("" | "workspaces", "apisbytags") => self.by_tag("apis/tags", "api"),
            ("" | "workspaces", "productsbytags") => self.by_tag("products/tags", "product"),
            ("apis", "operationsbytags") => self.by_tag("apis/operations/tags", "operation"),
            ("" | "workspaces", "tagresources") => {
                let pairs = [
                    ("apis/tags", "api"),
                    ("products/tags", "product"),
                    ("apis/operations/tags", "operation"),
                ];
                pairs
                    .iter()
                    .flat_map(|(kind, key)| self.by_tag(kind, key))
                    .collect()
            }
            _ if self.is_collection() => {
                let all = self.state.store.children(&format!("{id}/{tail}"));
                all.map(|entity| self.shown(entity, false)).collect()
            }
            _ => return Err(not_simulated(&self.operation.name)),
        };
        self.page(items)
    }

    /// Whether the SDK writes what this lists: else it is a view that is not simulated.
    fn is_collection(&self) -> bool {
        let mut path = self.request.path.clone();
        path.push("x".to_owned());
        let below = |name: &str| {
            let mut path = self.request.path.clone();
            path.push(name.to_owned());
            !self.world.table.at(&path).is_empty()
        };
        !self.world.table.at(&path).is_empty() || below("default") || below("signin")
    }

    fn page(&self, items: Vec<Value>) -> Result<Answer, Refusal> {
        let number = |name: &str| match self.request.asks(name).map(str::parse::<usize>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(Refusal::new(
                400,
                "InvalidParameters",
                format!("'{name}' must be a number that is not negative."),
            )),
        };
        let mut items = items;
        if let Some(filter) = self
            .request
            .asks("$filter")
            .filter(|filter| !filter.is_empty() && self.on(Row::Filtering))
        {
            let filter = Filter::read(filter).map_err(|error| {
                Refusal::new(400, "InvalidParameters", format!("$filter: {error}"))
            })?;
            items.retain(|item| filter.takes(item));
        }
        let count = items.len();
        let skip = number("$skip")?.unwrap_or(0);
        let top = number("$top")?;
        let size = match self.on(Row::Paging) {
            true => top.unwrap_or(PAGE).min(PAGE),
            false => top.unwrap_or(usize::MAX),
        };
        let more = skip.saturating_add(size) < count && size > 0;
        let page: Vec<Value> = items.into_iter().skip(skip).take(size).collect();
        let mut body = json!({"value": page, "count": count});
        if more && top.is_none_or(|top| top > size) {
            body["nextLink"] = json!(self.next(skip + size, top.map(|top| top - size)));
        }
        Ok(Answer::json(200, body))
    }

    /// The address of the next page.
    fn next(&self, skip: usize, top: Option<usize>) -> String {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        };
        let path = self
            .request
            .path
            .iter()
            .map(|segment| format!("/{}", encode(segment)));
        let mut link = format!(
            "{}{}?$skip={skip}",
            self.request.origin,
            path.collect::<String>()
        );
        if let Some(top) = top {
            link.push_str(&format!("&$top={top}"));
        }
        for (name, value) in &self.request.query {
            if !["$skip", "$top"].contains(&name.to_lowercase().as_str()) {
                link.push_str(&format!("&{name}={}", encode(value)));
            }
        }
        link
    }

    fn revisions(&self, id: &str) -> Vec<Value> {
        let root = revision(id).0;
        let Some(api) = self.state.store.get(root) else {
            return Vec::new();
        };
        let others = self.revisions_of(api);
        let others = others.iter().filter_map(|id| self.state.store.get(id));
        std::iter::once(api)
            .chain(others)
            .map(|api| {
                let number = api.text("apiRevision").unwrap_or("1");
                let path = api.id.find("/apis/").map_or("", |at| &api.id[at..]);
                let current = api.property("isCurrent") == Some(&Value::Bool(true));
                let name = if current { format!("{path};rev={number}") } else { path.to_owned() };
                json!({"apiId": name, "apiRevision": number, "description": api.property("apiRevisionDescription"),
                       "createdDateTime": "2024-01-01T00:00:00Z", "updatedDateTime": "2024-01-01T00:00:00Z",
                       "privateUrl": format!("/{};rev={number}", api.text("path").unwrap_or_default()),
                       "isOnline": true, "isCurrent": current})
            })
            .collect()
    }

    /// What stands above links, for lists that go the other way.
    fn linked(&self, test: impl Fn(&Place) -> bool) -> Vec<Value> {
        let scope = self.place.scope();
        let links = self
            .state
            .store
            .below(&scope)
            .filter_map(|entity| Place::of(&entity.id));
        let above = links
            .filter(|place| test(place))
            .filter_map(|place| place.parent());
        let found: Vec<&Entity> = above
            .filter_map(|place| self.state.store.get(&place.id()))
            .collect();
        found
            .into_iter()
            .map(|entity| self.shown(entity, false))
            .collect()
    }

    fn owned_subscriptions(&self, kind: &str, id: &str) -> Vec<Value> {
        let property = if kind == "users" { "ownerId" } else { "scope" };
        let all = self
            .state
            .store
            .children(&format!("{}/subscriptions", self.place.scope()));
        all.filter(|one| {
            one.text(property).is_some_and(|text| {
                text.eq_ignore_ascii_case(id) || id.to_lowercase().ends_with(&text.to_lowercase())
            })
        })
        .map(|one| self.shown(one, false))
        .collect()
    }

    fn by_tag(&self, kind: &str, key: &str) -> Vec<Value> {
        let id = self.place.id();
        let links = self
            .state
            .store
            .below(&id)
            .filter_map(|entity| Some((entity, Place::of(&entity.id)?)));
        links
            .filter(|(_, place)| place.kind() == kind)
            .filter_map(|(link, place)| {
                let above = self.state.store.get(&place.parent()?.id())?;
                let tag = self.state.store.get(&format!("{}/tags/{}", place.scope(), link.name))?;
                let mut shown = above.body.get("properties").cloned().unwrap_or_else(|| json!({}));
                shown["id"] = json!(above.id.strip_prefix(&self.place.service).unwrap_or(&above.id));
                shown["name"] = above.property("displayName").cloned().unwrap_or(Value::Null);
                Some(json!({"tag": {"id": format!("/tags/{}", tag.name), "name": tag.property("displayName")}, key: shown}))
            })
            .collect()
    }
}
