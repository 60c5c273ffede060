//! Names that must differ from each other.

use std::collections::{HashMap, HashSet};

/// Names that are taken. Giving one takes the same time however many are.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// For names that were asked for again: the number to try next.
    next: HashMap<String, u64>,
    bytes: usize,
}

impl Names {
    /// What a name takes beside its text, once in each table.
    const OVERHEAD: usize = 64;

    /// Takes `name`. `false` when it is taken.
    pub(super) fn take(&mut self, name: &str) -> bool {
        let taken = self.taken.insert(name.to_owned());
        if taken {
            self.bytes += name.len() + Self::OVERHEAD;
        }
        taken
    }

    /// `base`, or with `separator` and the first number from `first` on that makes it
    /// another name.
    pub(super) fn unique(&mut self, base: &str, separator: char, first: u64) -> String {
        if self.take(base) {
            return base.to_owned();
        }
        // A number that was tried once stays taken. A name ends in one number at
        // most, so that each is in the way of one base only.
        let mut n = self.next.get(base).copied().unwrap_or(first);
        loop {
            let name = format!("{base}{separator}{n}");
            n += 1;
            if self.take(&name) {
                if self.next.insert(base.to_owned(), n).is_none() {
                    self.bytes += base.len() + Self::OVERHEAD;
                }
                return name;
            }
        }
    }

    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn the_first_number_that_is_free() {
        let mut names = Names::default();
        for (base, given) in [
            ("a", "a"),
            ("a", "a-1"),
            ("a-3", "a-3"),
            ("a", "a-2"),
            ("a", "a-4"),
            ("a-1", "a-1-1"),
            ("a-1", "a-1-2"),
            ("", ""),
            ("", "-1"),
        ] {
            assert_eq!(names.unique(base, '-', 1), given);
        }
        assert!(!names.take("a-4") && names.take("a-5"));
        assert_eq!(names.unique("a", '-', 1), "a-6");
    }
}
