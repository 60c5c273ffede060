//! Which document a text is.

/// Which root a document must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `<policies>`
    Policies,
    /// `<fragment>`
    Fragment,
    /// A data source of a GraphQL resolver, or `<policies>`.
    Resolver,
}

impl Root {
    const ALL: [Self; 3] = [Self::Policies, Self::Fragment, Self::Resolver];

    /// Names that the root element may have; the usual one first.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Policies => &["policies"],
            Self::Fragment => &["fragment"],
            Self::Resolver => &[
                "http-data-source",
                "sql-data-source",
                "cosmosdb-data-source",
                "graphql-data-source",
                "policies",
            ],
        }
    }
}

/// Which policy document `text` is, by its first element.
pub fn sniff(text: &str) -> Option<Root> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        // What opens is not part of what closes: `<!-->` is an open comment.
        let end = if let Some(inner) = rest.strip_prefix("<!--") {
            4 + inner.find("-->")? + 3
        } else if let Some(inner) = rest.strip_prefix("<?") {
            2 + inner.find("?>")? + 2
        } else {
            break;
        };
        rest = rest[end..].trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
    Root::ALL
        .into_iter()
        .find(|root| root.names().contains(&&name[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_first_element() {
        for (text, root) in [
            ("<!-->--><policies/>", Some(Root::Policies)),
            ("<!--><fragment>--><policies/>", Some(Root::Policies)),
            ("<?><fragment>?><policies/>", Some(Root::Policies)),
            (
                "\u{feff} <?xml version=\"1.0\"?> <fragment />",
                Some(Root::Fragment),
            ),
            ("<!--><policies/>", None),
        ] {
            assert_eq!(sniff(text), root, "{text}");
        }
    }
}
