//! Members as a reader knows them: `string.Join(string, object[])`.

use super::{DefId, Member, MemberKind, Passing, TABLE, TypeRef};
use crate::check::keyword;

/// A member with its declaring type and the types of its parameters.
pub(crate) fn member(def: DefId, member: &Member) -> String {
    let entry = TABLE.def(def);
    let own: Vec<&str> = entry.parameters.iter().map(|p| p.name).collect();
    let method: Vec<&str> = member.type_parameters.iter().map(|p| p.name).collect();
    let owner = match keyword(def) {
        Some(word) => word.to_owned(),
        None => format!("{}{}", TABLE.full(def), list(&own)),
    };
    let parameters = || -> String {
        let shown = member.parameters.iter().map(|p| {
            let word = match p.passing {
                Passing::Value => "",
                Passing::Ref => "ref ",
                Passing::Out => "out ",
                Passing::Params => "params ",
            };
            format!("{word}{}", ty(&p.ty, &own, &method))
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    match member.kind {
        MemberKind::Constructor => format!("{owner}.{}({})", TABLE.simple(def), parameters()),
        MemberKind::Indexer => format!("{owner}.this[{}]", parameters()),
        MemberKind::Extension => {
            format!(
                "{owner}.{}{}(this {})",
                member.name,
                list(&method),
                parameters()
            )
        }
        MemberKind::Method => format!("{owner}.{}{}({})", member.name, list(&method), parameters()),
        _ => format!("{owner}.{}", member.name),
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("<{}>", names.join(", "))
    }
}

fn ty(reference: &TypeRef, own: &[&str], method: &[&str]) -> String {
    match reference {
        TypeRef::Named(def, arguments) => {
            let name = keyword(*def).unwrap_or_else(|| TABLE.full(*def));
            if arguments.is_empty() {
                return name.to_owned();
            }
            let shown = arguments.iter().map(|a| ty(a, own, method));
            format!("{name}<{}>", shown.collect::<Vec<_>>().join(", "))
        }
        TypeRef::Own(n) => own.get(usize::from(*n)).copied().unwrap_or("T").to_owned(),
        TypeRef::Method(n) => method
            .get(usize::from(*n))
            .copied()
            .unwrap_or("T")
            .to_owned(),
        TypeRef::Array(inner, rank) => {
            let commas = ",".repeat(usize::from(rank.saturating_sub(1)));
            format!("{}[{commas}]", ty(inner, own, method))
        }
        TypeRef::Nullable(inner) => format!("{}?", ty(inner, own, method)),
    }
}
