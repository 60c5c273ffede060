//! What the compiler and the engine behind it take.

/// UTF-16 units of a text that an expression, a literal or `loadTextContent` takes.
pub(super) const MAX_TEXT: usize = 131_072;
/// UTF-16 units of a file that `loadJsonContent` takes.
pub(super) const MAX_JSON: usize = 1_048_576;
/// Values may be nested so deeply in what the compiler reads: it takes 60, and has levels
/// of its own.
pub(super) const MAX_DEPTH: usize = 50;
/// A template may have 800 resources, modules and `existing` ones counted.
pub(super) const MAX_RESOURCES: usize = 800;
/// Each text that a file loads becomes a variable; 256 are documented.
pub(super) const MAX_LOADS: usize = 250;
/// A compiled template may have 4 MB, that of its modules counted.
pub(super) const MAX_TEMPLATE: usize = 4 * 1024 * 1024;
/// A resource may have 1 MB.
pub(super) const MAX_RESOURCE: usize = 1024 * 1024;

/// Whether `text` has more UTF-16 units than `max`.
pub(super) fn exceeds(text: &str, max: usize) -> bool {
    text.len() > max && text.encode_utf16().nth(max).is_some()
}

/// What a declaration takes of the limits of its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) resources: usize,
    pub(super) loads: usize,
}

impl Weight {
    /// What every file declares beside its own: the service.
    pub(super) const FILE: Self = Self {
        resources: 1,
        loads: 0,
    };

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            resources: self.resources + other.resources,
            loads: self.loads + other.loads,
        }
    }

    pub(super) fn fits(self) -> bool {
        self.resources <= MAX_RESOURCES && self.loads <= MAX_LOADS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_at_the_boundary() {
        let letters = "é".repeat(MAX_TEXT);
        assert!(!exceeds(&letters, MAX_TEXT));
        assert!(exceeds(&format!("{letters}x"), MAX_TEXT));
        // One character of two units.
        let pairs = "😀".repeat(MAX_TEXT / 2);
        assert!(!exceeds(&pairs, MAX_TEXT));
        assert!(exceeds(&format!("{pairs}x"), MAX_TEXT));
    }

    #[test]
    fn a_file_has_its_limits() {
        let with = |resources, loads| Weight { resources, loads }.fits();
        assert!(with(800, 250));
        assert!(!with(801, 0) && !with(0, 251));
    }
}
