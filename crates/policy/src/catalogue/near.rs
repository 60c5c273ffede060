//! What a misspelt name was meant to be.

/// The name that `wanted` is near to: of the same words in another order, else of few
/// edits, else the only one that has its words and more.
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
        .or_else(|| flux_apim_diag::nearest(wanted, names.clone()))
        .or_else(|| {
            let has_all = |name: &&str| {
                let words = words(name);
                own.iter().all(|word| words.contains(word))
            };
            let mut longer = names.filter(has_all);
            longer.next().filter(|_| longer.next().is_none())
        })
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn names_that_were_meant() {
        let names = [
            "calls",
            "renewal-period",
            "tokens-consumed-header-name",
            "bandwidth",
        ];
        for (wanted, meant) in [
            ("cals", Some("calls")),
            ("Renewal_Period", Some("renewal-period")),
            ("renewal", Some("renewal-period")),
            (
                "consumed-tokens-header-name",
                Some("tokens-consumed-header-name"),
            ),
            ("name", Some("tokens-consumed-header-name")),
            ("x", None),
        ] {
            assert_eq!(near(wanted, names.into_iter()), meant, "{wanted}");
        }
    }
}
