//! Values of attributes that are written out.

use super::Checker;
use crate::catalogue::{Known, Type, near};
use crate::document::{Attribute, PieceKind};
use crate::rules::{policy_expression_not_allowed, wrong_policy_value};

impl<'t> Checker<'_, 't, '_, '_> {
    pub(super) fn value(&mut self, attribute: &Attribute<'t>, known: &Known) {
        let pieces = self.document.pieces(attribute);
        let expression = |kind: PieceKind| matches!(kind, PieceKind::Expression(_));
        if pieces.iter().any(|piece| expression(piece.kind)) {
            // Where text stands around it, it may be text itself.
            let whole = pieces.iter().all(|piece| {
                expression(piece.kind) || piece.extent.of(self.document.text).trim().is_empty()
            });
            if whole && known.expression == Some(false) {
                let finding = policy_expression_not_allowed::found(attribute.span, known.name);
                self.findings.push(finding);
            }
            return;
        }
        // What a named value brings is not known.
        if attribute.value.contains("{{") {
            return;
        }
        let Some(what) = refused(attribute.value.trim(), known.ty) else {
            return;
        };
        let value = attribute.value;
        let mut finding = wrong_policy_value::found(attribute.span, known.name, value, &what);
        let words: Vec<&str> = match known.ty {
            Type::OneOf(words) => words.iter().collect(),
            Type::Bool => vec!["true", "false"],
            _ => Vec::new(),
        };
        if let Some(near) = self.findings.hint(|| near(value, words.into_iter())) {
            finding = finding
                .help(format!("did you mean `{near}`?"))
                .renames(value.trim(), near);
        }
        self.findings.push(finding);
    }
}

/// What a value must be that `value` is not.
fn refused(value: &str, ty: Type) -> Option<String> {
    match ty {
        Type::Text | Type::Time => None,
        Type::Bool => {
            let words = ["true", "false", "1", "0"];
            let known = words.iter().any(|word| value.eq_ignore_ascii_case(word));
            (!known).then(|| "`true` or `false`".to_owned())
        }
        Type::Whole { min, max } => {
            let number = value.parse::<i64>();
            let within = number.is_ok_and(|number| within(number as f64, min, max));
            (!within).then(|| format!("a whole number{}", range(min, max)))
        }
        Type::Number { min, max } => {
            let number = value.parse::<f64>();
            let within = number.is_ok_and(|number| number.is_finite() && within(number, min, max));
            (!within).then(|| format!("a number{}", range(min, max)))
        }
        Type::OneOf(words) => {
            // Whether case matters is not known.
            let known = words.iter().any(|word| word.eq_ignore_ascii_case(value));
            (!known).then(|| {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            })
        }
    }
}

fn within(number: f64, min: Option<f64>, max: Option<f64>) -> bool {
    min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" of at least {min}"),
        (None, Some(max)) => format!(" of at most {max}"),
        (None, None) => String::new(),
    }
}
