//! What API Management refuses in a policy that can be read.

mod attributes;
mod children;
mod code;
mod expressions;
pub(crate) mod source;
mod values;

pub(crate) use code::expression_finding;
pub use expressions::{Expressions, Worker};

use crate::catalogue::{CATALOGUE, Role, Row};
use crate::document::{Document, Element, NodeKind};
use crate::facts::{Evaluated, Facts, collect};
use crate::rules::{policy_gateway, policy_scope, policy_section, retired_policy};
use flux_apim_diag::{Findings, Meter, Span};
use std::collections::HashMap;

/// Where a policy document is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole service.
    Global,
    /// A workspace.
    Workspace,
    /// A product.
    Product,
    /// An API.
    Api,
    /// An operation.
    Operation,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [
        Self::Global,
        Self::Workspace,
        Self::Product,
        Self::Api,
        Self::Operation,
    ];

    /// Its name in the policy reference.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Workspace => "workspace",
            Self::Product => "product",
            Self::Api => "api",
            Self::Operation => "operation",
        }
    }
}

/// What runs a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    /// Of a service in a classic tier.
    Classic,
    /// Of a service in a tier of the second version.
    V2,
    /// Of a service in the tier Consumption.
    Consumption,
    /// A container of one's own.
    SelfHosted,
    /// Of a workspace.
    Workspace,
}

impl Gateway {
    /// Every gateway.
    pub const ALL: [Self; 5] = [
        Self::Classic,
        Self::V2,
        Self::Consumption,
        Self::SelfHosted,
        Self::Workspace,
    ];

    /// The gateway that a service has by its tier, which is named as ARM names it
    /// (`sku.name`). Some tiers have self-hosted gateways and those of workspaces beside it.
    pub fn of_tier(tier: &str) -> Option<Self> {
        const TIERS: [(&str, Gateway); 9] = [
            ("Developer", Gateway::Classic),
            ("Basic", Gateway::Classic),
            ("Standard", Gateway::Classic),
            ("Premium", Gateway::Classic),
            ("Isolated", Gateway::Classic),
            ("Consumption", Gateway::Consumption),
            ("BasicV2", Gateway::V2),
            ("StandardV2", Gateway::V2),
            ("PremiumV2", Gateway::V2),
        ];
        let mut tiers = TIERS.into_iter();
        let found = tiers.find(|(name, _)| name.eq_ignore_ascii_case(tier));
        found.map(|(_, gateway)| gateway)
    }

    /// Its name in the policy reference.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::V2 => "v2",
            Self::Consumption => "consumption",
            Self::SelfHosted => "self-hosted",
            Self::Workspace => "workspace",
        }
    }
}

/// What is known of where a document is used. What is not known is not judged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting {
    /// Where it is set; none for a fragment.
    pub scope: Option<Scope>,
    /// What runs it.
    pub gateway: Option<Gateway>,
}

/// Checks elements, attributes, values and expressions of `document`. What it says
/// together with other documents is for [`crate::compose`], which reads the facts.
pub fn check(document: &Document<'_>, setting: Setting, findings: &mut Findings) -> Facts {
    let known = Expressions::new(findings.budget());
    check_with(document, setting, &mut known.worker(), findings)
}

/// The same, by a worker that checks other documents of the run too.
pub fn check_with(
    document: &Document<'_>,
    setting: Setting,
    worker: &mut Worker<'_>,
    findings: &mut Findings,
) -> Facts {
    let meter = findings.budget().meter();
    let bytes = document.elements.len() * size_of::<Place>();
    let held = meter.budget().hold(bytes, document.file);
    let mut checker = Checker {
        document,
        setting,
        places: Vec::with_capacity(document.elements.len()),
        once: HashMap::new(),
        evaluated: Vec::new(),
        worker,
        meter,
        findings,
    };
    for element in &document.elements {
        checker.element(element);
    }
    let row = |index: usize| match checker.places.get(index)?.state {
        State::Known(row) => Some(row),
        State::Foreign | State::Unknown => None,
    };
    let facts = collect(document, &row, &checker.evaluated, &checker.meter);
    drop(held);
    facts
}

/// What an element is in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Known(Row),
    /// It is of another vocabulary: nothing is known of it, and nothing is looked for.
    Foreign,
    /// It has a finding, or stands in what has.
    Unknown,
}

/// An element's place in the language.
#[derive(Debug, Clone, Copy)]
struct Place {
    state: State,
    /// The section of the document that it is in.
    section: Option<&'static str>,
    /// Whether the document is a fragment.
    fragment: bool,
}

struct Checker<'d, 't, 'f, 'r> {
    document: &'d Document<'t>,
    setting: Setting,
    /// Of the elements that were seen, in order.
    places: Vec<Place>,
    /// Elements that a document takes once, where they stand.
    once: HashMap<Row, (u32, Span)>,
    /// What expressions give and read, in order.
    evaluated: Vec<Evaluated<'t>>,
    worker: &'d mut Worker<'r>,
    meter: Meter,
    findings: &'f mut Findings,
}

impl<'t> Checker<'_, 't, '_, '_> {
    fn element(&mut self, element: &Element<'t>) {
        self.meter.spend(4, element.span);
        let place = self.place(element);
        self.places.push(place);
        let entry = match place.state {
            State::Foreign => return,
            State::Unknown => None,
            State::Known(row) => CATALOGUE.rows.get(row),
        };
        if let Some(entry) = entry {
            if let Some(instead) = entry.retired {
                let finding = retired_policy::found(element.span, entry.name(), instead);
                self.findings.push(finding);
            }
            self.attributes(element, entry);
            self.children(element, entry, place);
        }
        self.expressions(element, entry);
    }

    /// What `element` is, by what is around it.
    fn place(&mut self, element: &Element<'t>) -> Place {
        let around = self.document.node(element.node).parent;
        let around = around.and_then(|node| match self.document.node(node).kind {
            NodeKind::Element(id) => self.places.get(id.0 as usize).copied(),
            _ => None,
        });
        let Some(around) = around else {
            let row = CATALOGUE.top(element.name);
            return Place {
                state: row.map_or(State::Unknown, State::Known),
                section: None,
                fragment: element.name == "fragment",
            };
        };
        let mut place = around;
        match around.state {
            State::Foreign => {}
            State::Unknown => {
                let row = CATALOGUE.policy(element.name);
                place.state = row.map_or(State::Unknown, State::Known);
            }
            State::Known(row) => {
                let Some(parent) = CATALOGUE.rows.get(row) else {
                    return place;
                };
                place.state = self.child(element, parent, around.fragment);
                if parent.mixed
                    && let State::Known(row) = place.state
                {
                    self.usage(element, row, around.section);
                }
                if let State::Known(row) = place.state
                    && let Some(entry) = CATALOGUE.rows.get(row)
                    && entry.role == Role::Frame
                    && parent.name() == "policies"
                {
                    place.section = Some(entry.name());
                }
            }
        }
        place
    }

    /// Whether the policy may stand in this section, at this scope, on this gateway.
    fn usage(&mut self, element: &Element<'t>, row: Row, section: Option<&'static str>) {
        let Some(entry) = CATALOGUE.rows.get(row) else {
            return;
        };
        if entry.role == Role::Frame {
            return;
        }
        if let (Some(section), Some(sections)) = (section, entry.sections)
            && !sections.has(section)
        {
            let sections: Vec<_> = sections.iter().map(|name| format!("`<{name}>`")).collect();
            let sections = sections.join(", ");
            let finding = policy_section::found(element.span, entry.name(), section, &sections);
            self.findings.push(finding);
        }
        if let (Some(scope), Some(scopes)) = (self.setting.scope, entry.scopes)
            && !scopes.has(scope.name())
        {
            let scopes: Vec<_> = scopes.iter().collect();
            let scopes = scopes.join(", ");
            let finding = policy_scope::found(element.span, entry.name(), scope.name(), &scopes);
            self.findings.push(finding);
        }
        if let (Some(gateway), Some(gateways)) = (self.setting.gateway, entry.gateways)
            && !gateways.has(gateway.name())
        {
            let gateways: Vec<_> = gateways.iter().collect();
            let gateways = gateways.join(", ");
            let (name, gateway) = (entry.name(), gateway.name());
            let finding = policy_gateway::found(element.span, name, gateway, &gateways);
            self.findings.push(finding);
        }
    }
}
