//! Every rule.

use crate::diag::Registry;

/// Every rule, found by code or name.
pub const REGISTRY: Registry = crate::diag::REGISTRY;
