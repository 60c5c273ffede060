//! Names that are made: where two are alike, the later ones get a number.

use std::collections::{HashMap, HashSet};

/// Gives each thing a name that no other has, compared without case.
#[derive(Debug, Default)]
pub struct Numbered {
    taken: HashSet<String>,
    /// By name that was wanted: the number that was given last. What lies below
    /// it is taken, and is not tried again.
    last: HashMap<String, u64>,
}

impl Numbered {
    /// `wanted`, or what `with` makes of the first number from 2 on that is free.
    pub fn take(&mut self, wanted: &str, with: impl Fn(u64) -> String) -> String {
        let folded = wanted.to_lowercase();
        if self.taken.insert(folded.clone()) {
            return wanted.to_owned();
        }
        let last = self.last.entry(folded).or_insert(1);
        loop {
            *last += 1;
            let name = with(*last);
            if self.taken.insert(name.to_lowercase()) {
                return name;
            }
        }
    }

    /// Whether something has the name already.
    pub fn is_taken(&self, name: &str) -> bool {
        self.taken.contains(&name.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::Numbered;
    use std::cell::Cell;

    #[test]
    fn numbers_follow_and_are_not_tried_again() {
        let mut names = Numbered::default();
        let tried = Cell::new(0);
        let mut take = |wanted: &str| {
            names.take(wanted, |n| {
                tried.set(tried.get() + 1);
                format!("{wanted}{n}")
            })
        };
        assert_eq!(take("a"), "a");
        assert_eq!(take("a3"), "a3");
        assert_eq!([take("A"), take("a"), take("a")], ["A2", "a4", "a5"]);
        for _ in 0..1000 {
            take("a");
        }
        assert_eq!(tried.get(), 1004);
    }
}
