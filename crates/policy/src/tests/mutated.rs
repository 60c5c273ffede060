//! Policies with a part lost, doubled or taken from another, again and again: each is read
//! whole, and checked within steps that its bytes explain.

use crate::catalogue::CATALOGUE;
use crate::tests::{made, published};
use crate::{Setting, check, parse, references, sniff};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Findings};

/// What policies are made of, to be put anywhere.
const PARTS: &[&str] = &[
    "@(",
    "@{",
    ")",
    "}",
    "{{",
    "}}",
    "{{a}}",
    "\"",
    "'",
    "$\"{",
    "@\"",
    "\"\"",
    "/*",
    "*/",
    "//",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "<a>",
    "</a>",
    "<a/>",
    "</",
    "<",
    ">",
    "/>",
    "=\"",
    "&quot;",
    "&amp;",
    "&lt;",
    "&#x41;",
    "&",
    "\0",
    "\u{feff}",
    "é",
    "😀",
    "\r\n",
    "\t",
    "{%",
    "%}",
    "context.Variables[\"a\"]",
    " ?? ",
    "?.",
    "=>",
    "(int)",
    "new[] { ",
    "if (",
    "return 1;",
    "<!DOCTYPE a>",
    "<base />",
    "<choose>",
    "</policies>",
    "((((((((",
    "[[[[[[[[",
    "{{{{{{{{",
];

/// Steps that a text may take: some, and more for each byte.
const FIXED: u64 = 1_000_000;
const PER_BYTE: u64 = 2_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// Two places, in order, not far from each other.
    fn range(&mut self, text: &str) -> (usize, usize) {
        let first = self.place(text);
        let mut second = (first + self.below(40)).min(text.len());
        while !text.is_char_boundary(second) {
            second -= 1;
        }
        (first, second.max(first))
    }
}

fn change(text: &mut String, other: &str, dice: &mut Dice) {
    let (start, end) = dice.range(text);
    match dice.below(5) {
        0 => text.replace_range(start..end, ""),
        1 => {
            let part = text[start..end].to_owned();
            text.insert_str(start, &part);
        }
        2 => {
            let (from, to) = dice.range(other);
            text.replace_range(start..end, &other[from..to]);
        }
        _ => text.insert_str(start, PARTS[dice.below(PARTS.len())]),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how many is asked for")]
fn mutated_policies_are_read_whole_and_in_bounds() {
    let asked = std::env::var("FLUX_APIM_MUTATIONS").ok();
    let count = asked.map_or(1_000, |n| n.parse().expect("a number"));
    let mut sources: Vec<String> = published().into_iter().map(|(_, text)| text).collect();
    sources.retain(|text| text.len() < 8 << 10 && sniff(text).is_some());
    let rows = CATALOGUE.rows.iter();
    sources.extend(rows.map(|entry| made::right(entry.path, entry).print()));
    let mut dice = Dice(7);
    for n in 0..count {
        let mut text = sources[n % sources.len()].clone();
        for _ in 0..=dice.below(4) {
            let other = &sources[dice.below(sources.len())];
            change(&mut text, other, &mut dice);
        }
        let Some(root) = sniff(&text) else { continue };
        let budget = Budget::default();
        let limits = Limits::default();
        let mut findings = Findings::new(&budget, &limits);
        let document = parse(FileId(0), &text, root, limits.max_depth, &mut findings);
        assert_eq!(document.print(), text);
        check(&document, Setting::default(), &mut findings);
        references(&document, &budget.meter());
        let spent = budget.spent();
        let most = FIXED + PER_BYTE * text.len() as u64;
        assert!(
            spent <= most,
            "{spent} steps for {} bytes: {text}",
            text.len()
        );
    }
}
