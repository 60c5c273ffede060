//! Expressions that nobody wrote, held against a compiler.
//!
//! `FLUX_APIM_CSHARP_ORACLE` names a program that reads JSON lines `{id, kind,
//! text}` from a file and writes `{id, ok}` to another: `python3 ORACLE IN OUT`.
//! `FLUX_APIM_CSHARP_CASES` is how many expressions are made (300),
//! `FLUX_APIM_CSHARP_SEED` makes others.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says so when it fails"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads what the library does not"
)]

use flux_apim_csharp::{Environment, Evidence, Form, Severity, check, parse};
use std::collections::BTreeMap;

/// Numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const LEAVES: &[&str] = &[
    "1",
    "2.5",
    "3L",
    "1.5m",
    "\"a\"",
    "'c'",
    "true",
    "null",
    "context.Request.Method",
    "context.Response.StatusCode",
    "context.Variables[\"a\"]",
    "context.Elapsed",
    "context.Timestamp",
    "context.RequestId",
    "context.User",
    "context.Subscription.EndDate",
    "context.Product.State",
    "new[] { 1, 2 }",
    "new[] { \"a\", \"b\" }",
    "new JObject()",
    "JArray.Parse(\"[]\")",
    "JObject.Parse(\"{}\")[\"a\"]",
    "new List<string> { \"a\" }",
    "new Dictionary<string, int>()",
    "context.Request.Headers",
    "DateTime.UtcNow",
    "Guid.NewGuid()",
    "(int?)1",
    "(object)\"a\"",
    "new { a = 1, b = \"x\" }",
    "context.Request.Body.As<JObject>()",
    "context.Request.Url.Query",
    "XElement.Parse(\"<a/>\")",
    "Encoding.UTF8",
    "context.Api.Protocols",
    "new byte[0]",
    "typeof(int)",
    "StringComparison.Ordinal",
    "string.Empty",
    "7u",
];
const MEMBERS: &[&str] = &[
    "ToString()",
    "Length",
    "Count",
    "Count()",
    "First()",
    "Value",
    "Trim()",
    "Split(',')",
    "Select(x => x.ToString())",
    "Where(x => x != null)",
    "ToList()",
    "Any()",
    "Substring(1)",
    "Contains(\"a\")",
    "ContainsKey(\"a\")",
    "GetValueOrDefault(\"a\")",
    "GetValueOrDefault(\"a\", \"b\")",
    "ToArray()",
    "OrderBy(x => x)",
    "Sum()",
    "Max()",
    "Sum(x => 1)",
    "Aggregate((a, b) => a)",
    "Cast<string>()",
    "Value<string>(\"a\")",
    "SelectToken(\"a\")",
    "Children()",
    "Equals(\"a\")",
    "AddDays(1)",
    "CompareTo(1)",
    "TotalSeconds",
    "HasValue",
    "Name",
    "Keys",
    "Values",
    "Key",
    "ToDictionary(x => x)",
    "GroupBy(x => x)",
    "SelectMany(x => x)",
    "Distinct()",
    "Skip(1)",
    "FirstOrDefault(x => true)",
    "All(x => x.Length > 1)",
    "Zip(new[] { 1 }, (a, b) => b)",
    "Concat(new[] { \"a\" })",
    "ToLower()",
    "IndexOf('a')",
    "Replace(\"a\", \"b\")",
    "Replace('a', 'b')",
    "GetBytes(\"a\")",
    "a",
    "Type",
    "Properties()",
    "Descendants(\"a\")",
    "Select((x, i) => i)",
    "ToObject<int>()",
    "Add(1)",
    "Elements()",
    "Year",
    "ToString(\"N\")",
    "StartsWith(\"a\")",
];
const OPERATORS: &[&str] = &[
    "+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", "&&", "||", "&", "|", "^", "??", "<<",
    ">>",
];
const TYPES: &[&str] = &[
    "string",
    "int",
    "long",
    "bool",
    "double",
    "decimal",
    "object",
    "JObject",
    "JArray",
    "JToken",
    "byte",
    "char",
    "int?",
    "DateTime",
    "Guid",
    "List<string>",
    "IEnumerable<string>",
    "string[]",
    "StringComparison",
    "IResponse",
    "uint",
    "float",
];
const CALLS: &[&str] = &[
    "string.Join",
    "string.Format",
    "string.Concat",
    "string.IsNullOrEmpty",
    "Math.Max",
    "Math.Round",
    "int.Parse",
    "Convert.ToInt32",
    "Convert.ToString",
    "JObject.Parse",
    "JToken.FromObject",
    "Guid.Parse",
    "DateTime.Parse",
    "TimeSpan.FromSeconds",
    "Regex.IsMatch",
    "Enumerable.Range",
    "new JProperty",
    "new JArray",
    "new JObject",
    "new Uri",
    "new string",
    "new DateTime",
    "JsonConvert.SerializeObject",
    "Array.IndexOf",
    "Encoding.UTF8.GetBytes",
    "string.Compare",
    "context.Variables.GetValueOrDefault",
    "context.Request.Headers.GetValueOrDefault",
    "char.IsDigit",
    "Tuple.Create",
];

fn expression(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return dice.pick(LEAVES).to_owned();
    }
    let inner = |dice: &mut Dice| expression(dice, depth - 1);
    match dice.below(14) {
        0 | 1 => dice.pick(LEAVES).to_owned(),
        2..=4 => format!("({}).{}", inner(dice), dice.pick(MEMBERS)),
        5 | 6 => format!(
            "({}) {} ({})",
            inner(dice),
            dice.pick(OPERATORS),
            inner(dice)
        ),
        7 => format!("({})({})", dice.pick(TYPES), inner(dice)),
        8 => format!("({}) ? ({}) : ({})", inner(dice), inner(dice), inner(dice)),
        9 | 10 => {
            let count = dice.below(4);
            let list: Vec<String> = (0..count)
                .map(|_| expression(dice, depth.saturating_sub(2)))
                .collect();
            format!("{}({})", dice.pick(CALLS), list.join(", "))
        }
        11 => format!("({})[{}]", inner(dice), inner(dice)),
        12 => format!("({})?.{}", inner(dice), dice.pick(MEMBERS)),
        _ => format!("{}({})", dice.pick(&["!", "-", "~", "+"]), inner(dice)),
    }
}

#[test]
fn a_compiler_agrees() {
    let Some(oracle) = std::env::var_os("FLUX_APIM_CSHARP_ORACLE") else {
        println!("FLUX_APIM_CSHARP_ORACLE is not set: no compiler is asked");
        return;
    };
    let count = std::env::var("FLUX_APIM_CSHARP_CASES").map_or(300, |n| n.parse().unwrap());
    let seed = std::env::var("FLUX_APIM_CSHARP_SEED").map_or(42, |n| n.parse().unwrap());
    let mut dice = Dice(seed);
    let texts: Vec<String> = (0..count)
        .map(|n| expression(&mut dice, 1 + n % 4))
        .collect();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (asked, answered) = (
        folder.join("oracle-in.jsonl"),
        folder.join("oracle-out.jsonl"),
    );
    let lines: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| serde_json::json!({"id": n, "kind": "single", "text": text}).to_string())
        .collect();
    std::fs::write(&asked, lines.join("\n") + "\n").unwrap();
    let status = std::process::Command::new("python3")
        .arg(oracle)
        .arg(&asked)
        .arg(&answered)
        .status()
        .unwrap();
    assert!(status.success(), "the compiler did not run: {status}");
    let mut verdicts: BTreeMap<usize, bool> = BTreeMap::new();
    for line in std::fs::read_to_string(&answered).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        verdicts.insert(
            row["id"].as_u64().unwrap() as usize,
            row["ok"].as_bool().unwrap(),
        );
    }
    assert_eq!(verdicts.len(), texts.len());
    let mut wrong = Vec::new();
    let mut good = 0;
    for (n, text) in texts.iter().enumerate() {
        let (tree, mut problems) = parse(text, Form::Expression);
        problems.extend(check(&tree, &Environment::default()).problems);
        // The compiler knows the language, not what API Management allows.
        let refused = problems
            .iter()
            .find(|p| p.severity == Severity::Error && p.evidence == Evidence::Language);
        good += usize::from(verdicts[&n]);
        match (verdicts[&n], refused) {
            (true, Some(problem)) => wrong.push(format!(
                "refused: {text}\n    {} {}",
                problem.code.id(),
                problem.message
            )),
            (false, None) => wrong.push(format!("accepted: {text}")),
            _ => {}
        }
    }
    println!(
        "{} expressions, {good} good, {} disagreements
{}",
        texts.len(),
        wrong.len(),
        wrong.join(
            "
"
        )
    );
    // The compiler behind it differs from Roslyn in one of a hundred.
    assert!(wrong.len() * 100 <= texts.len(), "{}", wrong.join("\n"));
}
