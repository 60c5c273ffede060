//! Reads the table. Its lines are explained in `examples/tables.rs`.

use super::{Catalogue, Child, Count, Entry, Group, Known, Order, Role, Text, Type, Wanted, Words};
use std::collections::HashMap;

pub(super) fn decode(table: &'static str) -> Catalogue {
    let mut rows: Vec<Entry> = Vec::new();
    for line in table.lines() {
        let mut fields = line.split('|');
        let kind = fields.next().unwrap_or("");
        let mut field = || fields.next().unwrap_or("");
        if kind == "e" {
            rows.push(entry(&mut field));
        }
        let Some(row) = rows.last_mut() else {
            continue;
        };
        match kind {
            "a" => row.attributes.push(attribute(&mut field)),
            "g" | "n" => {
                let count = match field() {
                    "one" => Count::ExactlyOne,
                    "some" => Count::AtLeastOne,
                    "most" => Count::AtMostOne,
                    _ => Count::AllOrNone,
                };
                let names = Words(field());
                let group = Group { count, names };
                if kind == "g" {
                    row.groups.push(group);
                } else {
                    row.child_groups.push(group);
                }
            }
            "c" => row.children.push(Child {
                name: field(),
                min: field().parse().unwrap_or(0),
                max: field().parse().ok(),
                row: None,
            }),
            "x" => row.forbidden.push(field()),
            "d" => row.retired = Some(field()),
            "w" => row.wanted.push(Wanted {
                child: field(),
                when: field().split_once('='),
                unless: field().split_once('='),
            }),
            _ => {}
        }
    }
    let mut by_path = HashMap::new();
    let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        by_path.insert(row.path, index);
        by_name.entry(row.name()).or_default().push(index);
    }
    for row in &mut rows {
        for child in &mut row.children {
            let own = by_path.get(format!("{}/{}", row.path, child.name).as_str());
            child.row = own.or_else(|| by_path.get(child.name)).copied();
        }
    }
    Catalogue {
        rows,
        by_path,
        by_name,
    }
}

fn entry(field: &mut impl FnMut() -> &'static str) -> Entry {
    let path = field();
    let flags = field();
    let has = |flag| flags.contains(flag);
    let words = |text: &'static str| (!text.is_empty()).then_some(Words(text));
    Entry {
        path,
        role: if has('s') {
            Role::Frame
        } else if has('r') {
            Role::Resolver
        } else if has('h') {
            Role::Helper
        } else {
            Role::Policy
        },
        mixed: has('m'),
        foreign_content: has('f'),
        foreign_attributes: has('F'),
        no_text_expression: has('x'),
        sections: words(field()),
        scopes: words(field()),
        gateways: words(field()),
        order: match field() {
            "sequence" => Order::Sequence,
            _ => Order::Free,
        },
        text: match field() {
            "none" => Text::Never,
            _ => Text::Maybe,
        },
        max_per_section: field().parse().ok(),
        max_per_definition: field().parse().ok(),
        attributes: Vec::new(),
        groups: Vec::new(),
        children: Vec::new(),
        forbidden: Vec::new(),
        child_groups: Vec::new(),
        wanted: Vec::new(),
        retired: None,
    }
}

fn attribute(field: &mut impl FnMut() -> &'static str) -> Known {
    let name = field();
    let flags = field();
    let (ty, expression_type) = (field(), field());
    let (min, max) = (field().parse().ok(), field().parse().ok());
    let values = Words(field());
    Known {
        name,
        required: flags.contains('r'),
        expression: match (flags.contains('e'), flags.contains('n')) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        },
        ty: match ty {
            "bool" => Type::Bool,
            "int" => Type::Whole { min, max },
            "number" => Type::Number { min, max },
            "enum" => Type::OneOf(values),
            "datetime" => Type::Time,
            _ => Type::Text,
        },
        expression_type: (!expression_type.is_empty()).then_some(expression_type),
    }
}
