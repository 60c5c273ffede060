//! The names that the files and folders of one source have taken, compared as
//! file systems do that ignore case and the ways to write an accent.

use crate::diag::excerpt;
use crate::tree::folded;
use std::collections::HashMap;

/// Names that are taken. A folder is kept once, whatever lies below it: memory
/// follows the segments that are new.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// By the folder that holds it (0 for the top) and the folded name.
    taken: HashMap<(u32, Box<str>), Name>,
}

#[derive(Debug, Clone)]
struct Name {
    /// Stands for the folder in the keys of what lies below.
    id: u32,
    /// As it was given; none when that is the folded form.
    spelling: Option<Box<str>>,
    is_folder: bool,
}

/// Memory of a name beside its letters: key, entry, allocations.
const NAME: usize = 128;

impl Names {
    /// Takes `path` and the folders above it. The bytes that this took.
    ///
    /// # Errors
    /// Why the path cannot stand beside what is there.
    pub(super) fn claim(&mut self, path: &str, folder: bool) -> Result<usize, String> {
        let mut parent = 0;
        let mut bytes = 0;
        let mut start = 0;
        let ends = path.match_indices('/').map(|(at, _)| (at, true));
        for (end, is_folder) in ends.chain([(path.len(), folder)]) {
            let given = &path[start..end];
            let as_one = folded(given);
            let next = u32::try_from(self.taken.len() + 1).unwrap_or(u32::MAX);
            let known = (parent, as_one.into_boxed_str());
            match self.taken.get(&known) {
                None => {
                    let spelling = (*known.1 != *given).then(|| given.into());
                    bytes += NAME + 2 * given.len();
                    let name = Name {
                        id: next,
                        spelling,
                        is_folder,
                    };
                    self.taken.insert(known, name);
                    parent = next;
                }
                Some(name) => {
                    let spelled = name.spelling.as_deref().unwrap_or(&known.1);
                    if spelled != given {
                        let other = format!("{}{spelled}", &path[..start]);
                        return Err(format!(
                            "it differs from `{}` in case or accents' encoding only",
                            excerpt(&other, 200)
                        ));
                    }
                    match (name.is_folder, is_folder) {
                        (true, true) => {}
                        (false, true) => {
                            return Err("a file of the same name is there already".to_owned());
                        }
                        _ => return Err("it is there twice".to_owned()),
                    }
                    parent = name.id;
                }
            }
            start = end + 1;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_are_told_apart_as_file_systems_do() {
        let mut names = Names::default();
        for (path, folder) in [("a/b", false), ("a", true), ("a/c/d", false), ("É", false)] {
            assert!(names.claim(path, folder).is_ok(), "{path}");
        }
        for (path, folder, why) in [
            ("a/b", false, "twice"),
            ("a", false, "twice"),
            ("a/b/c", false, "same name"),
            ("a/B", false, "`a/b`"),
            ("A/x", false, "`a`"),
            ("e\u{301}", false, "`É`"),
        ] {
            let refused = names.claim(path, folder).unwrap_err();
            assert!(refused.contains(why), "{path}: {refused}");
        }
    }

    #[test]
    fn memory_follows_new_segments() {
        let deep = |n: usize| {
            let mut names = Names::default();
            let above = "x/".repeat(60);
            (0..n)
                .map(|i| names.claim(&format!("{above}{i:05}"), false).unwrap())
                .sum::<usize>()
        };
        assert!(deep(2000) <= deep(1000) * 2);
        assert!(deep(1000) < 1000 * 300);
    }
}
