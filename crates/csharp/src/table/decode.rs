//! One line of the table to one type. The table is made by `examples/tables.rs`
//! and checked as a whole by a test; what does not fit its form reads as nothing.

use super::{
    Allowed, DefId, Member, MemberKind, Parameter, Passing, TypeDef, TypeKind, TypeParameter,
    TypeRef, Variance,
};
use crate::hash::QuickMap;

pub(super) fn type_def(line: Option<&'static str>) -> TypeDef {
    let mut def = TypeDef {
        kind: TypeKind::Opaque,
        allowed: Allowed::None,
        parameters: Vec::new(),
        base: None,
        interfaces: Vec::new(),
        values: Vec::new(),
        members: Vec::new(),
        names: QuickMap::default(),
    };
    let Some(line) = line else {
        return def;
    };
    let mut fields = line.split('\t');
    let head = fields.next().unwrap_or("").as_bytes();
    def.kind = match head.first() {
        Some(b'c') => TypeKind::Class,
        Some(b's') => TypeKind::Static,
        Some(b'a') => TypeKind::Abstract,
        Some(b'v') => TypeKind::Struct,
        Some(b'i') => TypeKind::Interface,
        Some(b'e') => TypeKind::Enum,
        Some(b'd') => TypeKind::Delegate,
        _ => TypeKind::Opaque,
    };
    def.allowed = match head.get(1) {
        Some(b'a') => Allowed::All,
        Some(b's') => Allowed::Some,
        _ => Allowed::None,
    };
    def.parameters = type_parameters(fields.next().unwrap_or(""));
    def.base = Reader::new(fields.next().unwrap_or("")).ty();
    let interfaces = fields.next().unwrap_or("").split(';');
    def.interfaces = interfaces
        .filter_map(|text| Reader::new(text).ty())
        .collect();
    for field in fields {
        if let Some(value) = field.strip_prefix('=') {
            let (name, value) = value.split_once(' ').unwrap_or((value, "0"));
            let (name, allowed) = match name.strip_prefix('!') {
                Some(name) => (name, false),
                None => (name, true),
            };
            def.values.push((name, value.parse().unwrap_or(0), allowed));
        } else if let Some(member) = member(field) {
            let n = u16::try_from(def.members.len()).unwrap_or(u16::MAX);
            def.names.entry(member.name).or_default().push(n);
            def.members.push(member);
        }
    }
    def
}

fn type_parameters(list: &'static str) -> Vec<TypeParameter> {
    list.split(';')
        .filter(|text| !text.is_empty())
        .map(type_parameter)
        .collect()
}

fn type_parameter(text: &'static str) -> TypeParameter {
    let mut parts = text.split(':');
    let head = parts.next().unwrap_or("");
    let variance = match head.as_bytes().first() {
        Some(b'+') => Variance::Out,
        Some(b'-') => Variance::In,
        _ => Variance::None,
    };
    let mut parameter = TypeParameter {
        name: head.trim_start_matches(['+', '-']),
        variance,
        is_class: false,
        is_struct: false,
        bounds: Vec::new(),
    };
    for part in parts {
        match part {
            "c" => parameter.is_class = true,
            "s" => parameter.is_struct = true,
            _ => {
                if let Some(text) = part.strip_prefix('=') {
                    parameter.bounds.extend(Reader::new(text).ty());
                }
            }
        }
    }
    parameter
}

fn member(text: &'static str) -> Option<Member> {
    let (allowed, text) = match text.strip_prefix('!') {
        Some(text) => (false, text),
        None => (true, text),
    };
    let mark = *text.as_bytes().first()?;
    let kind = match mark {
        b'm' | b'M' => MemberKind::Method,
        b'x' => MemberKind::Extension,
        b'c' => MemberKind::Constructor,
        b'p' | b'P' => MemberKind::Property,
        b'i' => MemberKind::Indexer,
        b'f' | b'F' => MemberKind::Field,
        b'e' | b'E' => MemberKind::Event,
        b'o' => MemberKind::Operator,
        b'v' => MemberKind::Conversion,
        _ => return None,
    };
    let mut text = &text[1..];
    if let Some((rest, _source)) = text.rsplit_once(" @") {
        text = rest;
    }
    let mut member = Member {
        kind,
        name: "",
        allowed,
        is_static: matches!(mark, b'M' | b'P' | b'F' | b'E' | b'x' | b'o' | b'v'),
        type_parameters: Vec::new(),
        parameters: Vec::new(),
        result: None,
        can_read: true,
        can_write: true,
        is_constant: false,
    };
    let end = text.find(['<', '(', ':', ' ']).unwrap_or(text.len());
    member.name = &text[..end];
    text = &text[end..];
    if let Some(rest) = text.strip_prefix('<') {
        let end = rest.find(">(")?;
        member.type_parameters = type_parameters(&rest[..end]);
        text = &rest[end + 1..];
    }
    if let Some(rest) = text.strip_prefix('(') {
        let mut reader = Reader::new(rest);
        while let Some(parameter) = reader.parameter() {
            member.parameters.push(parameter);
            if !reader.eat(b',') {
                break;
            }
        }
        text = rest.get(reader.at..)?.strip_prefix(')')?;
    }
    if let Some(rest) = text.strip_prefix(':') {
        let mut reader = Reader::new(rest);
        member.result = reader
            .ty()
            .filter(|ty| *ty != TypeRef::Named(DefId::VOID, Vec::new()));
        text = rest.get(reader.at..)?;
    }
    match text.trim() {
        "g" => member.can_write = false,
        "s" => member.can_read = false,
        "readonly" => member.can_write = false,
        "const" => {
            member.can_write = false;
            member.is_constant = true;
        }
        _ => {}
    }
    Some(member)
}

struct Reader {
    text: &'static str,
    at: usize,
}

impl Reader {
    fn new(text: &'static str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    fn parameter(&mut self) -> Option<Parameter> {
        let passing = match self.peek() {
            b'&' => Passing::Ref,
            b'%' => Passing::Out,
            b'*' => Passing::Params,
            _ => Passing::Value,
        };
        if passing != Passing::Value {
            self.at += 1;
        }
        let ty = self.ty()?;
        if !self.eat(b' ') {
            return None;
        }
        let start = self.at;
        while !matches!(self.peek(), b',' | b')' | b'=' | 0) {
            self.at += 1;
        }
        let name = self.text.get(start..self.at)?;
        let optional = self.eat(b'=');
        Some(Parameter {
            name,
            ty,
            passing,
            optional,
        })
    }

    fn digits(&mut self) -> Option<u16> {
        let start = self.at;
        let mut n = 0_u16;
        loop {
            let digit = match self.peek() {
                byte @ b'0'..=b'9' => byte - b'0',
                byte @ b'a'..=b'z' => byte - b'a' + 10,
                byte @ b'A'..=b'Z' => byte - b'A' + 36,
                _ => break,
            };
            n = n.checked_mul(62)?.checked_add(u16::from(digit))?;
            self.at += 1;
        }
        (self.at > start).then_some(n)
    }

    fn ty(&mut self) -> Option<TypeRef> {
        let mut ty = match self.peek() {
            b'!' => {
                self.at += 1;
                TypeRef::Own(u8::try_from(self.digits()?).ok()?)
            }
            b'#' => {
                self.at += 1;
                TypeRef::Method(u8::try_from(self.digits()?).ok()?)
            }
            _ => {
                let id = DefId(self.digits()?);
                let mut arguments = Vec::new();
                if self.eat(b'<') {
                    loop {
                        arguments.push(self.ty()?);
                        if !self.eat(b',') {
                            break;
                        }
                    }
                    if !self.eat(b'>') {
                        return None;
                    }
                }
                TypeRef::Named(id, arguments)
            }
        };
        loop {
            if self.eat(b'?') {
                ty = TypeRef::Nullable(Box::new(ty));
            } else if self.eat(b'[') {
                let mut rank = 1;
                while self.eat(b',') {
                    rank += 1;
                }
                if !self.eat(b']') {
                    return None;
                }
                ty = TypeRef::Array(Box::new(ty), rank);
            } else {
                return Some(ty);
            }
        }
    }
}
