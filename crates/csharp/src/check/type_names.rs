//! Nodes that name types.

use super::Checker;
use super::hints;
use super::scope::Local;
use super::types::{Ty, Type, predefined};
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::table::{CONTEXT, DefId, TABLE};
use crate::tree::{NodeId, NodeKind};
use std::rc::Rc;

/// What a dotted name means so far.
pub(super) enum Place {
    Space(String),
    Type(Ty),
}

impl Checker<'_> {
    /// Whether a type node is the word `var`, and no type has that name.
    pub(super) fn is_var(&self, node: NodeId) -> bool {
        match self.tree.kind(node) {
            NodeKind::Name { name, types: None } => name.of(self.tree.text()) == "var",
            _ => false,
        }
    }

    /// The type that a node names. What it does not name is reported.
    pub(super) fn type_of(&mut self, node: NodeId) -> Ty {
        if !self.step(1) {
            return Ty::UNKNOWN;
        }
        let ty = self.type_of_inner(node);
        self.note_type(node, ty);
        ty
    }

    fn type_of_inner(&mut self, node: NodeId) -> Ty {
        let span = self.tree.span(node);
        match self.tree.kind(node) {
            NodeKind::Predefined => predefined(span.of(self.tree.text())),
            NodeKind::Name { .. } | NodeKind::Member { .. } | NodeKind::Alias { .. } => match self
                .place(node, true)
            {
                Some(Place::Type(ty)) => ty,
                Some(Place::Space(space)) => {
                    let message = format!("`{space}` is a namespace, and a type is wanted here");
                    self.error(Code::WrongKind, span, message);
                    Ty::UNKNOWN
                }
                None => Ty::UNKNOWN,
            },
            NodeKind::NullableType(inner) => {
                let inner = self.type_of(*inner);
                if inner == Ty::UNKNOWN || self.types.is_opaque(inner) {
                    return Ty::UNKNOWN;
                }
                if self.types.is_reference_type(inner) {
                    let at = Span::new(span.end.saturating_sub(1), span.end);
                    let shown = self.show(inner);
                    self.report(
                        Problem::new(
                            Code::LanguageVersion,
                            at,
                            format!("`{shown}?` needs C# 8; policy expressions are C# 7"),
                        )
                        .help(format!("remove the `?`: a {shown} may be null anyway")),
                    );
                    return inner;
                }
                self.types.nullable(inner)
            }
            NodeKind::ArrayType { element, rank } => {
                let rank = *rank;
                let element = self.type_of(*element);
                self.types.make(Type::Array(element, rank))
            }
            NodeKind::PointerType(inner) => {
                let inner = self.type_of(*inner);
                self.error(
                    Code::PointerContext,
                    span,
                    "policy expressions cannot use pointers",
                );
                self.types.make(Type::Pointer(inner))
            }
            NodeKind::RefType(inner) => self.type_of(*inner),
            NodeKind::TupleType(elements) => {
                let elements = elements.clone();
                let mut types = Vec::new();
                let mut names: Vec<Option<Rc<str>>> = Vec::new();
                for element in elements {
                    if let NodeKind::TupleElement { ty, name } = self.tree.kind(element) {
                        let name = name.map(|name| Rc::from(&*self.tree.name(name)));
                        types.push(self.type_of(*ty));
                        names.push(name);
                    }
                }
                self.types.make(Type::Tuple(types.into(), names.into()))
            }
            _ => Ty::UNKNOWN,
        }
    }

    /// What a dotted name means as a type or namespace.
    pub(super) fn place(&mut self, node: NodeId, report: bool) -> Option<Place> {
        match self.tree.kind(node).clone() {
            NodeKind::Name { name, types } => {
                let arguments = self.type_list(types.as_deref(), report);
                self.simple_place(name, arguments.as_deref(), report)
            }
            NodeKind::Alias { alias, name } => {
                if &*self.tree.name(alias) == "global" {
                    return self.place(name, report);
                }
                if report {
                    let message = "an alias of namespaces; policy expressions have only `global`";
                    self.error(Code::UnknownType, alias, message);
                }
                None
            }
            NodeKind::Predefined => {
                let word = self.tree.span(node).of(self.tree.text());
                Some(Place::Type(predefined(word)))
            }
            NodeKind::Member {
                target,
                name,
                types,
            } => {
                let outer = self.place(target, report)?;
                let arguments = self.type_list(types.as_deref(), report);
                self.place_inside(
                    &outer,
                    name,
                    arguments.as_deref(),
                    self.tree.span(node),
                    report,
                )
            }
            _ => None,
        }
    }

    pub(super) fn type_list(&mut self, types: Option<&[NodeId]>, report: bool) -> Option<Vec<Ty>> {
        let types = types?.to_vec();
        let mut list = Vec::new();
        for node in types {
            let ty = if report {
                self.type_of(node)
            } else {
                self.quietly(|c| c.type_of(node)).0
            };
            if report {
                self.refuse_static(ty, self.tree.span(node));
            }
            list.push(ty);
        }
        Some(list)
    }

    /// Reports a static class where values of it would be needed.
    pub(super) fn refuse_static(&mut self, ty: Ty, span: Span) {
        if self.types.is_static(ty) {
            let message = format!(
                "`{}` is a static class; there are no values of it",
                self.show(ty)
            );
            self.error(Code::StaticType, span, message);
        }
    }

    fn simple_place(
        &mut self,
        span: Span,
        arguments: Option<&[Ty]>,
        report: bool,
    ) -> Option<Place> {
        if self.tree_is_named_value(span) {
            return Some(Place::Type(Ty::UNKNOWN));
        }
        let name = self.tree.name(span).into_owned();
        let arity = arguments.map_or(0, <[Ty]>::len);
        if arguments.is_none() {
            if let Some(Local::TypeParameter(n)) = self.scopes.find(&name) {
                let n = *n;
                return Some(Place::Type(self.types.make(Type::Parameter(n))));
            }
            if name == "dynamic" {
                return Some(Place::Type(Ty::DYNAMIC));
            }
        }
        let named = TABLE.named(&name);
        let imported: Vec<DefId> = named
            .iter()
            .copied()
            .filter(|def| TABLE.is_imported(*def))
            .collect();
        let fitting: Vec<DefId> = imported
            .iter()
            .copied()
            .filter(|def| TABLE.arity(*def) == arity)
            .collect();
        match fitting.as_slice() {
            [def] => {
                return Some(Place::Type(self.constructed(
                    *def,
                    arguments.unwrap_or(&[]),
                    span,
                    report,
                )));
            }
            [] => {}
            [first, ..] => {
                if report {
                    let spaces: Vec<&str> = fitting.iter().map(|def| TABLE.space(*def)).collect();
                    let message = format!("`{name}` is in {}", spaces.join(" and in "));
                    let help = format!("write it in full: {}", TABLE.full(*first));
                    self.report(Problem::new(Code::AmbiguousName, span, message).help(help));
                }
                return None;
            }
        }
        if arguments.is_none() && name != CONTEXT && TABLE.is_namespace(&name) {
            return Some(Place::Space(name));
        }
        if report {
            self.unknown_type(&name, span, &imported, named);
        }
        None
    }

    fn unknown_type(&mut self, name: &str, span: Span, imported: &[DefId], named: &[DefId]) {
        if let Some(other) = imported.first() {
            let message = match TABLE.arity(*other) {
                0 => format!("`{name}` takes no type arguments"),
                n => format!(
                    "`{name}` takes {n} type argument{}",
                    if n == 1 { "" } else { "s" }
                ),
            };
            self.error(Code::TypeArguments, span, message);
            return;
        }
        let elsewhere = named.iter().find(|def| TABLE.space(**def) != CONTEXT);
        let mut problem = Problem::new(
            Code::UnknownType,
            span,
            format!("there is no type `{name}`"),
        );
        if let Some(def) = elsewhere {
            problem = problem.help(format!(
                "its namespace is not imported in policy expressions; write {}",
                TABLE.full(*def)
            ));
        } else if self.hints > 0
            && let Some(near) = self.near(name, TABLE.imported_names().chain(hints::WORDS))
        {
            problem = problem.meant(name, near);
        }
        self.report(problem);
    }

    /// A generic type with its arguments, or a plain one.
    fn constructed(&mut self, def: DefId, arguments: &[Ty], span: Span, report: bool) -> Ty {
        if def == super::known::KNOWN.nullable {
            let inner = arguments.first().copied().unwrap_or(Ty::UNKNOWN);
            if report && self.types.is_reference_type(inner) {
                let message = format!(
                    "`{}` has null already; Nullable is for value types",
                    self.show(inner)
                );
                self.error(Code::ValueConstraint, span, message);
                return Ty::UNKNOWN;
            }
        }
        self.types.named(def, arguments)
    }

    pub(super) fn place_inside(
        &mut self,
        outer: &Place,
        name: Span,
        arguments: Option<&[Ty]>,
        span: Span,
        report: bool,
    ) -> Option<Place> {
        let text = self.tree.name(name).into_owned();
        let arity = arguments.map_or(0, <[Ty]>::len);
        match outer {
            Place::Space(space) => {
                if let Some(def) = TABLE.find(space, &text, arity) {
                    return Some(Place::Type(self.constructed(
                        def,
                        arguments.unwrap_or(&[]),
                        name,
                        report,
                    )));
                }
                let full = format!("{space}.{text}");
                if arguments.is_none() && TABLE.is_namespace(&full) {
                    return Some(Place::Space(full));
                }
                if report {
                    let mut problem = Problem::new(
                        Code::NoNamespaceMember,
                        name,
                        format!("the namespace `{space}` has no type `{text}`"),
                    );
                    let names = if self.hints > 0 {
                        TABLE.below(space)
                    } else {
                        Vec::new()
                    };
                    if let Some(near) = self.near(&text, names.iter().map(String::as_str)) {
                        problem = problem
                            .meant(&text, near)
                            .help(format!("did you mean `{space}.{near}`?"));
                    }
                    self.report(problem);
                }
                None
            }
            Place::Type(ty) => {
                let Some(def) = self.types.def(*ty) else {
                    return Some(Place::Type(Ty::UNKNOWN));
                };
                if let Some(inner) = TABLE.find(TABLE.full(def), &text, arity) {
                    return Some(Place::Type(
                        self.types.named(inner, arguments.unwrap_or(&[])),
                    ));
                }
                if arguments.is_none()
                    && let Some(inner) = TABLE.nested(def, &text)
                {
                    let own = self.types.arguments(*ty);
                    return Some(Place::Type(self.types.named(inner, &own)));
                }
                if self.types.is_opaque(*ty) || *ty == Ty::UNKNOWN {
                    return Some(Place::Type(Ty::UNKNOWN));
                }
                if report {
                    let message = format!("`{}` has no nested type `{text}`", self.show(*ty));
                    self.error(
                        Code::NoNestedType,
                        Span::new(name.start, span.end.max(name.end)),
                        message,
                    );
                }
                None
            }
        }
    }
}
