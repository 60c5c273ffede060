//! Every member of the table, used once with arguments of just its types.

use super::{Environment, check};
use crate::parser::parse;
use crate::problem::{Code, Severity};
use crate::table::{
    CONTEXT, DefId, Member, MemberKind, Passing, TABLE, TypeKind, TypeParameter, TypeRef,
};
use crate::tree::Form;

/// A type argument that satisfies the constraints of a parameter.
fn argument(parameter: &TypeParameter) -> String {
    match parameter.bounds.first() {
        Some(bound) => name(bound, &[], &[]),
        None if parameter.is_struct => "int".to_owned(),
        None => "string".to_owned(),
    }
}

fn definition(def: DefId, arguments: &[String]) -> String {
    let full = TABLE.full(def);
    // The types of `context` have no namespace that could be written.
    let full = full.strip_prefix(CONTEXT).map_or(full, |rest| &rest[1..]);
    if def == DefId::VOID {
        return "void".to_owned();
    }
    let simple = TABLE.simple(def);
    if let Some((_, inner)) = simple.split_once('.') {
        let outer = full.strip_suffix(inner).unwrap().trim_end_matches('.');
        let own = match TABLE.arity(def) {
            _ if !arguments.is_empty() => arguments.join(", "),
            1 => "string".to_owned(),
            _ => "string, string".to_owned(),
        };
        return format!("{outer}<{own}>.{inner}");
    }
    match arguments {
        [] => full.to_owned(),
        list => format!("{full}<{}>", list.join(", ")),
    }
}

fn name(ty: &TypeRef, own: &[String], method: &[String]) -> String {
    match ty {
        TypeRef::Named(def, list) => {
            let list: Vec<String> = list.iter().map(|ty| name(ty, own, method)).collect();
            definition(*def, &list)
        }
        TypeRef::Own(n) => own[usize::from(*n)].clone(),
        TypeRef::Method(n) => method[usize::from(*n)].clone(),
        TypeRef::Array(inner, 1) => format!("{}[]", name(inner, own, method)),
        TypeRef::Array(inner, _) => format!("{}[,]", name(inner, own, method)),
        TypeRef::Nullable(inner) => format!("{}?", name(inner, own, method)),
    }
}

/// Statements that use a member.
fn statements(def: DefId, member: &Member) -> Option<String> {
    let entry = TABLE.def(def);
    let own: Vec<String> = entry.parameters.iter().map(argument).collect();
    let method: Vec<String> = member.type_parameters.iter().map(argument).collect();
    let owner = definition(def, &own);
    let mut before = String::new();
    let mut list = Vec::new();
    for (n, parameter) in member.parameters.iter().enumerate() {
        let ty = name(&parameter.ty, &own, &method);
        match parameter.passing {
            Passing::Out | Passing::Ref => {
                before.push_str(&format!("{ty} v{n} = default({ty}); "));
                let word = if parameter.passing == Passing::Out {
                    "out"
                } else {
                    "ref"
                };
                list.push(format!("{word} v{n}"));
            }
            _ => list.push(format!("default({ty})")),
        }
    }
    let target = if member.is_static {
        owner.clone()
    } else {
        format!("default({owner})")
    };
    let generic = if method.is_empty() {
        String::new()
    } else {
        format!("<{}>", method.join(", "))
    };
    let arguments = list.join(", ");
    let use_of = match member.kind {
        MemberKind::Method | MemberKind::Extension => {
            format!("{target}.{}{generic}({arguments});", member.name)
        }
        MemberKind::Constructor if entry.kind == TypeKind::Abstract => return None,
        MemberKind::Constructor if entry.kind == TypeKind::Delegate || def == DefId::VOID => {
            return None;
        }
        MemberKind::Constructor => format!("new {owner}({arguments});"),
        MemberKind::Property if !member.can_read => format!(
            "{target}.{} = default({});",
            member.name,
            name(member.result.as_ref()?, &own, &method)
        ),
        MemberKind::Property | MemberKind::Field => format!("var r = {target}.{};", member.name),
        MemberKind::Indexer => format!("var r = {target}[{arguments}];"),
        MemberKind::Conversion => {
            let result = name(member.result.as_ref()?, &own, &method);
            format!("var r = ({result}){arguments};")
        }
        MemberKind::Event | MemberKind::Operator => return None,
    };
    Some(format!("{before}{use_of} return 1;"))
}

#[test]
fn every_member_can_be_used() {
    let mut failed = Vec::new();
    let mut used = 0;
    for def in TABLE.known() {
        let entry = TABLE.def(def);
        for member in &entry.members {
            let Some(text) = statements(def, member) else {
                continue;
            };
            used += 1;
            let (tree, problems) = parse(&text, Form::Body);
            let analysis = check(&tree, &Environment::default());
            let wrong = problems
                .into_iter()
                .chain(analysis.problems)
                .find(|problem| {
                    let permitted =
                        matches!(problem.code, Code::TypeNotAllowed | Code::MemberNotAllowed);
                    problem.severity == Severity::Error && !permitted
                });
            if let Some(problem) = wrong {
                failed.push(format!(
                    "{text}\n    {} {}",
                    problem.code.id(),
                    problem.message
                ));
            }
        }
    }
    assert!(used > 5000, "only {used} members were used");
    assert!(
        failed.is_empty(),
        "{} of {used} fail:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// The table reads to its end: no member is lost.
#[test]
fn the_table_is_whole() {
    let lines = include_str!("../../data/types.txt").lines();
    for line in lines.filter(|line| line.starts_with('T')) {
        let mut fields = line.split('\t');
        let number: u16 = fields.next().unwrap()[1..].parse().unwrap();
        let def = TABLE.def(DefId(number));
        let listed = fields.skip(4).count();
        assert_eq!(def.members.len() + def.values.len(), listed, "{line:.80}");
    }
}

#[test]
fn known_types_are_in_the_table() {
    use super::known::KNOWN;
    let all = [
        KNOWN.nullable,
        KNOWN.array,
        KNOWN.value_type,
        KNOWN.enumeration,
        KNOWN.multicast,
        KNOWN.exception,
        KNOWN.disposable,
        KNOWN.enumerable,
        KNOWN.enumerable_of,
        KNOWN.enumerator,
        KNOWN.enumerator_of,
        KNOWN.list_of,
        KNOWN.collection_of,
        KNOWN.read_only_list,
        KNOWN.read_only_collection,
        KNOWN.formattable,
        KNOWN.formattable_string,
        KNOWN.ty,
        KNOWN.task,
        KNOWN.task_of,
        KNOWN.value_tuple,
        KNOWN.context,
        KNOWN.guid,
        KNOWN.date_time,
        KNOWN.time_span,
        KNOWN.uri,
        KNOWN.token,
        KNOWN.grouping,
    ];
    for def in all {
        assert_ne!(def, DefId::OBJECT);
    }
}
