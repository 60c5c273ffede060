//! Resource ids as APIOps trees write them.

use super::{Key, Kind};

/// What an id in a property names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// A resource of the service.
    Resource(Key),
    /// The service itself, or all of its APIs.
    Service,
    /// A resource of another Azure provider, or a kind that is not ours.
    External,
}

/// Reads `/loggers/x`, `loggers/x`, or a full ARM id of any service
/// (`/subscriptions/…/service/<name>/loggers/x`): trees are extracted from one
/// instance and rendered for another, so the service's name says nothing.
pub fn parse_id(id: &str) -> Identified {
    let segments: Vec<&str> = id
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let own = match segments
        .iter()
        .position(|segment| segment.eq_ignore_ascii_case("Microsoft.ApiManagement"))
    {
        Some(provider) => segments.get(provider + 3..).unwrap_or(&[]),
        None if segments.iter().any(|s| s.eq_ignore_ascii_case("providers")) => {
            return Identified::External;
        }
        None => &segments[..],
    };
    let (workspace, own) = match own {
        [word, name, rest @ ..] if word.eq_ignore_ascii_case("workspaces") && !rest.is_empty() => {
            (Some(*name), rest)
        }
        _ => (None, own),
    };
    if own.is_empty() || matches!(own, [word] if word.eq_ignore_ascii_case("apis")) {
        return Identified::Service;
    }
    if own.len() % 2 != 0 {
        return Identified::External;
    }
    let arm: Vec<&str> = own.iter().step_by(2).copied().collect();
    let names: Vec<&str> = own.iter().skip(1).step_by(2).copied().collect();
    match Kind::by_arm(&arm.join("/")) {
        Some(kind) if kind.row().singleton.is_none() => {
            Identified::Resource(Key::new(workspace, kind, &names))
        }
        _ => Identified::External,
    }
}

/// An ARM id below some APIM service, as a path below any: `/users/1`. Trees
/// carry the ids of the instance that they were extracted from.
pub fn below_service(id: &str) -> Option<String> {
    let mut segments = id
        .split('/')
        .skip_while(|segment| !segment.eq_ignore_ascii_case("Microsoft.ApiManagement"));
    segments.next()?;
    segments
        .next()
        .filter(|kind| kind.eq_ignore_ascii_case("service"))?;
    segments.next()?;
    let rest: Vec<&str> = segments.collect();
    (id.starts_with('/') && !rest.is_empty()).then(|| format!("/{}", rest.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_another_instance() {
        let service =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x";
        assert_eq!(
            below_service(&format!("{service}/users/1")).as_deref(),
            Some("/users/1")
        );
        assert_eq!(
            below_service(&format!("{service}/apis")).as_deref(),
            Some("/apis")
        );
        for other in [
            service,
            "/users/1",
            "text about Microsoft.ApiManagement/service/x/y",
        ] {
            assert_eq!(below_service(other), None, "{other}");
        }
    }
}
