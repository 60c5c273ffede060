//! Members of a type by name.

use super::Checker;
use super::types::{Ty, Type};
use super::value::Method;
use crate::table::{DefId, Member, MemberKind, TABLE, TypeKind};
use std::rc::Rc;

/// What a name means in a type.
#[derive(Debug)]
pub(super) enum Found {
    /// A property, field or event, with the type that declares it.
    Member {
        owner: Ty,
        def: DefId,
        member: &'static Member,
    },
    Methods(Vec<Method>),
    /// A value of an enum.
    EnumValue {
        def: DefId,
        value: i64,
        allowed: bool,
    },
    /// An element of a tuple or a member of an anonymous type.
    Element(Ty),
    AnonymousMember(Ty),
    /// Nothing is known about the type, or about one of its bases.
    Unknown,
    Nothing,
}

/// What a tuple has beside its elements.
const TUPLE_METHODS: [&str; 5] = ["CompareTo", "Equals", "GetHashCode", "GetType", "ToString"];

impl Checker<'_> {
    /// The types in which members of `ty` are looked for, the nearest first.
    pub(super) fn search_path(&mut self, ty: Ty) -> Rc<[Ty]> {
        let bases = self.types.bases(ty);
        if self.types.is_interface(ty) || matches!(self.types.get(ty), Type::Parameter(_)) {
            let mut path = bases.to_vec();
            path.extend(self.types.interfaces(ty).iter().copied());
            if !path.contains(&Ty::OBJECT) {
                path.push(Ty::OBJECT);
            }
            return path.into();
        }
        bases
    }

    pub(super) fn find_member(&mut self, ty: Ty, name: &str) -> Found {
        match self.types.get(ty).clone() {
            Type::Unknown | Type::Dynamic | Type::Later => return Found::Unknown,
            Type::Tuple(types, names) => {
                for (n, element) in types.iter().enumerate() {
                    let named = names.get(n).and_then(Option::as_deref) == Some(name);
                    if named
                        || name.strip_prefix("Item").and_then(|d| d.parse().ok()) == Some(n + 1)
                    {
                        return Found::Element(*element);
                    }
                }
                if !TUPLE_METHODS.contains(&name) {
                    return Found::Nothing;
                }
            }
            Type::Anonymous(members) => {
                if let Some((_, ty)) = members.iter().find(|(n, _)| &**n == name) {
                    return Found::AnonymousMember(*ty);
                }
            }
            _ => {}
        }
        let mut methods: Vec<Method> = Vec::new();
        let mut unknown = false;
        for owner in self.search_path(ty).iter().copied() {
            let Some(def) = self.types.def(owner) else {
                continue;
            };
            let entry = TABLE.def(def);
            unknown |= entry.kind == TypeKind::Opaque;
            if let Some((_, value, allowed)) = entry.values.iter().find(|(n, _, _)| *n == name) {
                return Found::EnumValue {
                    def,
                    value: *value,
                    allowed: *allowed,
                };
            }
            for (index, member) in entry.named(name) {
                match member.kind {
                    MemberKind::Method | MemberKind::Extension => {
                        let method = Method::Member { owner, def, index };
                        if !self.is_hidden(&methods, method) {
                            methods.push(method);
                        }
                    }
                    MemberKind::Property | MemberKind::Field | MemberKind::Event
                        if methods.is_empty() =>
                    {
                        return Found::Member { owner, def, member };
                    }
                    _ => {}
                }
            }
        }
        if !methods.is_empty() {
            Found::Methods(methods)
        } else if unknown {
            Found::Unknown
        } else {
            Found::Nothing
        }
    }

    /// Whether a nearer type has a method of the same parameters.
    fn is_hidden(&mut self, nearer: &[Method], method: Method) -> bool {
        if nearer.is_empty() {
            return false;
        }
        let signature = self.signature(method);
        nearer.iter().any(|other| {
            let other = self.signature(*other);
            Rc::ptr_eq(&other, &signature)
                || other.type_parameters.len() == signature.type_parameters.len()
                    && other.params.len() == signature.params.len()
                    && other
                        .params
                        .iter()
                        .zip(&signature.params)
                        .all(|(a, b)| a.ty == b.ty && a.by_ref == b.by_ref)
        })
    }

    /// The indexers of a type; those of nearer types hide the others only by
    /// fitting first.
    pub(super) fn indexers(&mut self, ty: Ty) -> (Vec<Method>, bool) {
        let mut found = Vec::new();
        let mut unknown = false;
        for owner in self.search_path(ty).iter().copied() {
            let Some(def) = self.types.def(owner) else {
                continue;
            };
            let entry = TABLE.def(def);
            unknown |= entry.kind == TypeKind::Opaque;
            for (index, member) in (0..).zip(&entry.members) {
                if member.kind == MemberKind::Indexer {
                    let method = Method::Member { owner, def, index };
                    if !self.is_hidden(&found, method) {
                        found.push(method);
                    }
                }
            }
        }
        (found, unknown)
    }

    /// Names of the members of a type, for hints.
    pub(super) fn member_names(&mut self, ty: Ty, extensions: bool) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        if let Type::Anonymous(members) = self.types.get(ty) {
            names.extend(members.iter().map(|(name, _)| name.to_string()));
        }
        for owner in self.search_path(ty).iter().copied() {
            let Some(def) = self.types.def(owner) else {
                continue;
            };
            let entry = TABLE.def(def);
            names.extend(entry.values.iter().map(|(name, _, _)| (*name).to_owned()));
            let shown = entry.members.iter().filter(|m| {
                !matches!(
                    m.kind,
                    MemberKind::Constructor
                        | MemberKind::Operator
                        | MemberKind::Conversion
                        | MemberKind::Indexer
                )
            });
            names.extend(shown.map(|m| m.name.to_owned()));
        }
        if extensions {
            names.extend(TABLE.extension_names().into_iter().map(str::to_owned));
        }
        names
    }

    /// The extension methods of this name.
    pub(super) fn extension_methods(&mut self, name: &str) -> Vec<Method> {
        let found = TABLE.extensions(name).iter();
        let owners: Vec<Method> = found
            .map(|(def, index)| {
                let owner = self.types.named(*def, &[]);
                Method::Member {
                    owner,
                    def: *def,
                    index: *index,
                }
            })
            .collect();
        owners
    }
}
