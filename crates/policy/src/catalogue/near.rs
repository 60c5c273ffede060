//! What a misspelt name was meant to be.

/// The name that `wanted` is near to: of the same words in another order, else of few
/// edits.
pub(crate) fn near<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    /// Longer names are no names that anybody meant.
    const MAX: usize = 80;
    if wanted.len() > MAX {
        return None;
    }
    let words = |name: &str| {
        let mut words: Vec<String> = name
            .split(['-', '_', '.'])
            .map(str::to_ascii_lowercase)
            .collect();
        words.sort_unstable();
        words
    };
    let own = words(wanted);
    names
        .clone()
        .find(|name| words(name) == own)
        .or_else(|| flux_apim_diag::nearest(wanted, names))
}
