//! Members and types of C#.

use super::Described;
use crate::check::source::Code;
use crate::composition::Around;
use crate::document::{Document, Expression, Extent};
use flux_apim_csharp::{Environment, check_metered, parse_metered};
use flux_apim_diag::{Meter, Span};

/// The longest code that is looked at: somebody waits for the answer.
const MOST_CODE: usize = 64 * 1024;

/// The namespace that the table of types gives to those of `context`, which have none.
const OF_CONTEXT: &str = "ApimStub.";

pub(super) fn describe(
    document: &Document<'_>,
    (expression, extent): (Expression, Extent),
    at: u32,
    around: &Around<'_>,
    meter: &Meter,
) -> Option<Described> {
    let whole = extent.of(document.text);
    let inside = whole.get(2..whole.len().checked_sub(1)?)?;
    if !expression.closed || inside.len() > MOST_CODE {
        return None;
    }
    let place = document.place(extent);
    let charge = |steps: u64| {
        meter.spend(steps, place);
        true
    };
    let code = Code::new(inside);
    let (tree, _) = parse_metered(&code.text, expression.form, &charge);
    let analysis = check_metered(&tree, &Environment::default(), &charge);
    let start = extent.start as usize + 2;
    let written = |span: flux_apim_csharp::Span| {
        let (from, to) = code.range(span.start, span.end);
        Span::new(document.file, start + from, start + to)
    };
    let holds = |span: Span| span.start <= at && at < span.end;
    let reads = analysis.variables.iter();
    let mut reads = reads.map(|read| (read, written(read.span)));
    if let Some((read, span)) = reads.find(|(_, span)| holds(*span))
        && let Some(name) = &read.name
    {
        let text = super::variable(document, name, span, around, meter)?;
        return Some(Described {
            of_variable: true,
            ..Described::of(span, text)
        });
    }
    let nodes = tree.nodes().map(|(id, node)| (id, written(node.span)));
    let here = nodes.filter(|(_, span)| holds(*span));
    // The smallest of which something is known: the name in a call has no type of its own.
    let known = here.filter_map(|(id, span)| {
        let member = analysis.member_of(id);
        let member = member.map(|member| member.replace(OF_CONTEXT, ""));
        let ty = analysis.type_of(id);
        (member.is_some() || ty.is_some()).then_some((id, span, member, ty))
    });
    let (id, span, member, ty) = known.min_by_key(|(_, span, ..)| span.end - span.start)?;
    let source = tree.node(id).span;
    let name = tree
        .text()
        .get(source.start as usize..source.end as usize)?;
    let short = name.len() <= 80 && !name.contains('\n');
    let mut text = String::from("```csharp\n");
    match (member, ty) {
        (Some(member), Some(ty)) => text.push_str(&format!("{member}\n// gives {ty}")),
        (Some(member), None) => text.push_str(&member),
        (None, Some(ty)) if short => text.push_str(&format!("{name} // {ty}")),
        (None, ty) => text.push_str(ty?),
    }
    text.push_str("\n```\n");
    Some(Described::of(span, text))
}
