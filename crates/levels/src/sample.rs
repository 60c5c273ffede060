//! Rules for tests of this crate, which knows none of those that are found in projects.

use flux_apim_diag::{Class, Code, Evidence, Registry, Rule, Severity};

macro_rules! rules {
    ($($constant:ident $code:literal $name:literal $class:ident $severity:ident,)*) => {
        $(pub(crate) static $constant: Rule = Rule {
            code: Code($code),
            name: $name,
            former_names: &[],
            class: Class::$class,
            severity: Severity::$severity,
            evidence: Evidence::Documented,
            since: "0.1",
            summary: $name,
            shows_source: true,
            page: "",
        };)*
        static ALL: &[&Rule] = &[$(&$constant),*];
    };
}

rules! {
    UNCLAIMED_FILE 1003 "unclaimed-file" Lint Info,
    DUPLICATE_KEY 1005 "duplicate-key" Integrity Error,
    UNKNOWN_PROPERTY 1013 "unknown-property" Lint Warning,
    NO_APIS 1014 "no-apis" Lint Error,
}

pub(crate) static REGISTRY: Registry = Registry::new(ALL);
