//! Presets: levels that match what another tool checks of API Management. A preset raises
//! levels and lowers none; `rules:` of the project stands over it.

use crate::Setting;
use flux_apim_diag::{Place, Registry, Severity};

/// Levels under one name.
#[derive(Debug)]
pub struct Preset {
    /// What `preset:` calls it.
    pub name: &'static str,
    /// The tool whose checks it has, for people.
    pub tool: &'static str,
    /// Rules by name, and their levels.
    pub levels: &'static [(&'static str, Severity)],
}

use Severity::{Info, Warning};

/// Every preset.
pub static PRESETS: [Preset; 3] = [
    Preset {
        name: "psrule",
        tool: "PSRule for Azure, rules Azure.APIM.* about what a project holds",
        levels: &[
            ("http-endpoint", Warning),
            ("http-backend", Warning),
            ("missing-description", Warning),
            ("open-product", Warning),
            ("sample-product", Warning),
            ("product-without-terms", Warning),
            ("plain-named-value", Warning),
            ("cors-any-origin", Warning),
            ("secret-in-tree", Warning),
            ("missing-base", Warning),
        ],
    },
    Preset {
        name: "azure-apim-linter",
        tool: "azure-apim-linter",
        levels: &[
            ("missing-base", Warning),
            ("credential-in-clear", Warning),
            ("secret-in-tree", Warning),
            ("http-backend", Warning),
            ("hard-coded-backend", Warning),
            ("name-style", Warning),
            ("path-style", Warning),
            ("missing-description", Info),
        ],
    },
    Preset {
        name: "redocly-apim",
        tool: "Redocly's ruleset for API Management",
        levels: &[
            ("long-summary", Warning),
            ("server-chosen", Warning),
            ("changed-by-import", Warning),
            ("operation-id-style", Warning),
            ("http-server", Warning),
            ("reference-outside-schemas", Warning),
        ],
    },
];

impl Preset {
    /// The preset that is called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// Its levels of the rules of `registry`, said at `place`.
    pub fn settings<'p>(
        &'static self,
        registry: Registry,
        place: &'p Place,
    ) -> impl Iterator<Item = Setting> + 'p {
        let levels = self.levels.iter();
        let known = levels.filter_map(move |(name, level)| Some((registry.get(name)?, *level)));
        known.map(|(rule, level)| Setting {
            rule,
            level: Some(level),
            reason: None,
            until: None,
            paths: None,
            place: place.clone(),
            from: "flux-apim.yaml",
        })
    }
}
