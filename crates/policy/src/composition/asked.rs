//! What is known of a variable at the place where it is read, for somebody who asks.

use super::state::{Known, State};
use super::{Api, Area, Service, Workspace, put_together};
use crate::facts::{Facts, Read};
use crate::{Scope, Section};
use flux_apim_diag::{Findings, Meter, Span};

/// The policies around one, as far as they are known.
#[derive(Debug, Clone, Default)]
pub struct Around<'f> {
    /// Where the policy itself is set; `None` where that is not known, and of a fragment.
    pub scope: Option<Scope>,
    /// That of the service.
    pub service: Option<&'f Facts>,
    /// That of the workspace that it is in.
    pub workspace: Option<&'f Facts>,
    /// Those of the products that its API is in.
    pub products: Vec<Option<&'f Facts>>,
    /// That of its API.
    pub api: Option<&'f Facts>,
    /// Fragments by name.
    pub fragments: Vec<(&'f str, &'f Facts)>,
}

/// What is known of a variable where it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// Every path sets it; the type where all agree and it is known.
    Always(Option<String>),
    /// Some path may set it.
    Perhaps,
    /// No path sets it.
    Never,
}

/// A read that somebody asks about, by its place.
pub(super) struct Asked {
    read: Span,
    held: Option<Held>,
}

impl Asked {
    /// The read `read` at `span` is met.
    pub(super) fn hear(&mut self, read: &Read, span: Span, state: &State<'_, '_>, meter: &Meter) {
        if span == self.read {
            self.held = Some(match state.variable(&read.name, meter) {
                Known::Set(ty) => Held::Always(ty.map(str::to_owned)),
                Known::Perhaps => Held::Perhaps,
                Known::Unset => Held::Never,
            });
        }
    }
}

/// What is known of the variable that `own` reads at `read`. `None` where nothing is read.
pub(crate) fn held(
    own: &Facts,
    around: &Around<'_>,
    read: Span,
    findings: &mut Findings,
) -> Option<Held> {
    let section;
    let own = match Section::ALL.iter().any(|name| own.section(*name).is_some()) {
        true => own,
        false => {
            section = own.as_section();
            &section
        }
    };
    let mut area = Area {
        fragments: around.fragments.clone(),
        products: around.products.clone(),
        ..Area::default()
    };
    let mut api = Api {
        policy: around.api,
        products: (0..around.products.len()).collect(),
        ..Api::default()
    };
    let (mut service, mut workspace) = (around.service, around.workspace);
    match around.scope {
        Some(Scope::Global) => service = Some(own),
        Some(Scope::Workspace) => workspace = Some(own),
        Some(Scope::Product) => area.products = vec![Some(own)],
        Some(Scope::Operation) => api.operations.push(own),
        Some(Scope::Api) | None => api.policy = Some(own),
    }
    area.apis.push(api);
    let mut all = Service {
        policy: service,
        ..Service::default()
    };
    match workspace {
        Some(_) => all.workspaces.push(Workspace {
            policy: workspace,
            area,
        }),
        None => all.area = area,
    }
    let mut asked = Asked { read, held: None };
    put_together(&all, findings, Some(&mut asked));
    asked.held
}
