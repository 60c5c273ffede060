//! Tiers of API Management, and how many resources a service of each takes.
//!
//! The figures are those of the service limits that hold since 2026. They are counted over
//! a whole service, with versions and revisions; a project that has more by itself fits
//! into none.

/// Resources that a tier limits the number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Operations of all APIs.
    Operations,
    /// Tags.
    Tags,
    /// Named values.
    NamedValues,
    /// Loggers.
    Loggers,
    /// Products.
    Products,
    /// Subscriptions.
    Subscriptions,
    /// Self-hosted gateways.
    Gateways,
    /// Workspaces.
    Workspaces,
}

impl Counted {
    /// All of them, in the order of [`Tier::most`].
    pub const ALL: [Self; 8] = [
        Self::Operations,
        Self::Tags,
        Self::NamedValues,
        Self::Loggers,
        Self::Products,
        Self::Subscriptions,
        Self::Gateways,
        Self::Workspaces,
    ];

    /// What messages call several of them.
    pub fn label(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Tags => "tags",
            Self::NamedValues => "named values",
            Self::Loggers => "loggers",
            Self::Products => "products",
            Self::Subscriptions => "subscriptions",
            Self::Gateways => "self-hosted gateways",
            Self::Workspaces => "workspaces",
        }
    }
}

/// How many a service takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Most {
    /// So many.
    Of(usize),
    /// None: the tier does not have them.
    None,
    /// The documentation does not say.
    Unsaid,
}

use Most::{Of, Unsaid};

/// A tier of API Management, with what it takes at most.
#[derive(Debug)]
pub struct Tier {
    /// As ARM names it (`sku.name`).
    pub name: &'static str,
    /// Bytes of a policy document, where that is less than elsewhere.
    pub policy: Option<usize>,
    most: [Most; 8],
}

/// Every tier that new services have.
#[rustfmt::skip]
pub static TIERS: [Tier; 8] = [
    Tier {
        name: "Consumption",
        policy: Some(16 << 10),
        most: [Of(3_000), Of(1_500), Of(5_000), Of(100), Of(100), Unsaid, Most::None, Most::None],
    },
    Tier {
        name: "Developer",
        policy: None,
        most: [Of(3_000), Of(1_500), Of(5_000), Of(100), Of(100), Of(10_000), Of(5), Unsaid],
    },
    Tier {
        name: "Basic",
        policy: None,
        most: [Of(10_000), Of(1_500), Of(5_000), Of(100), Of(200), Of(15_000), Most::None, Most::None],
    },
    Tier {
        name: "BasicV2",
        policy: None,
        most: [Of(10_000), Of(1_500), Of(5_000), Of(100), Of(200), Of(15_000), Most::None, Unsaid],
    },
    Tier {
        name: "Standard",
        policy: None,
        most: [Of(50_000), Of(2_500), Of(10_000), Of(200), Of(500), Of(25_000), Most::None, Most::None],
    },
    Tier {
        name: "StandardV2",
        policy: None,
        most: [Of(50_000), Of(2_500), Of(10_000), Of(200), Of(500), Of(25_000), Most::None, Unsaid],
    },
    Tier {
        name: "Premium",
        policy: None,
        most: [Of(75_000), Of(15_000), Of(18_000), Of(400), Of(2_000), Of(75_000), Of(100), Unsaid],
    },
    Tier {
        name: "PremiumV2",
        policy: None,
        most: [Of(75_000), Of(15_000), Of(18_000), Of(400), Of(2_000), Of(75_000), Most::None, Unsaid],
    },
];

impl Tier {
    /// The tier that is called `name`, in any case.
    pub fn named(name: &str) -> Option<&'static Self> {
        TIERS
            .iter()
            .find(|tier| tier.name.eq_ignore_ascii_case(name))
    }

    /// Names of the tiers that have what is `counted`, as far as the documentation says.
    pub fn with(counted: Counted) -> impl Iterator<Item = &'static str> {
        let having = TIERS.iter();
        let having = having.filter(move |tier| tier.most(counted) != Most::None);
        having.map(|tier| tier.name)
    }

    /// How many of `counted` a service takes.
    pub fn most(&self, counted: Counted) -> Most {
        self.most[counted as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_where_they_are_looked_for() {
        for (at, counted) in Counted::ALL.into_iter().enumerate() {
            assert_eq!(counted as usize, at);
        }
        let premium = Tier::named("premium").unwrap();
        assert_eq!(premium.most(Counted::NamedValues), Of(18_000));
        assert_eq!(premium.most(Counted::Gateways), Of(100));
    }
}
