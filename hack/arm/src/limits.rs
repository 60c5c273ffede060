//! What a template may have.
//!
//! Documented:
//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices#template-limits>.
//! Measured: what Microsoft's engine (`Azure.Deployments.*` 1.812) refuses at the
//! boundary. Where the two differ the documented one stands: who keeps to it is safe
//! with both.

use std::cell::Cell;

use crate::error::Fault;

/// The limits, each as the most that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Parameters of a template: 256, documented and measured.
    pub parameters: usize,
    /// Variables of a template, those of copy loops included: 256 documented, 512 measured.
    pub variables: usize,
    /// Resources of a template, copies included: 800, documented and measured.
    pub resources: usize,
    /// Outputs: 64, documented and measured.
    pub outputs: usize,
    /// UTF-16 units of an expression, brackets included: 24,576 documented, 81,920 measured.
    pub expression: usize,
    /// UTF-16 units of a literal inside of an expression: 131,072, measured.
    pub literal: usize,
    /// UTF-16 units of what `concat`, `format`, `join`, `replace` and the like return: 131,072,
    /// measured. `string()` has no such limit.
    pub result: usize,
    /// Iterations of a copy loop: 800, documented and measured.
    pub copies: usize,
    /// Bytes of a template: 4 MB, documented.
    pub template: usize,
    /// Bytes of a resource definition when it is expanded: 1 MB, documented.
    pub resource: usize,
    /// Length of a resource's name: 260, documented for the front door.
    pub name: usize,
    /// Length of a deployment's name: 64, documented.
    pub deployment_name: usize,
    /// What an expansion may cost, in units of about a byte that is looked at. Not Azure's:
    /// it keeps time and memory linear in the template.
    pub work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parameters: 256,
            variables: 256,
            resources: 800,
            outputs: 64,
            expression: 24_576,
            literal: 131_072,
            result: 131_072,
            copies: 800,
            template: 4 * 1024 * 1024,
            resource: 1024 * 1024,
            name: 260,
            deployment_name: 64,
            work: 128_000_000,
        }
    }
}

impl Limits {
    /// The limits as Microsoft's engine has them where its measured ones are wider than the
    /// documentation says.
    pub fn measured() -> Self {
        Self {
            variables: 512,
            expression: 81_920,
            ..Self::default()
        }
    }
}

/// How deep evaluation may go: JSON, calls, and functions that call functions, together. It
/// fits the stack that threads have by default, without optimisation too.
const MAX_LEVELS: usize = 400;

/// What is left of [`Limits::work`], and how deep evaluation is.
#[derive(Debug)]
pub(crate) struct Meter {
    left: Cell<u64>,
    levels: Cell<usize>,
}

/// A level of evaluation, until it is dropped.
pub(crate) struct Level<'m>(&'m Meter);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.levels.set(self.0.levels.get().saturating_sub(1));
    }
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            left: Cell::new(limits.work),
            levels: Cell::new(0),
        }
    }

    /// Goes one level down.
    pub(crate) fn enter(&self) -> Result<Level<'_>, Fault> {
        let level = self.levels.get() + 1;
        if level > MAX_LEVELS {
            return Err(Fault::Value(format!(
                "The template nests deeper than '{MAX_LEVELS}' levels of values and calls."
            )));
        }
        self.levels.set(level);
        Ok(Level(self))
    }

    pub(crate) fn charge(&self, units: usize) -> Result<(), Fault> {
        let left = self
            .left
            .get()
            .checked_sub(u64::try_from(units).unwrap_or(u64::MAX))
            .ok_or(Fault::Work)?;
        self.left.set(left);
        Ok(())
    }
}
