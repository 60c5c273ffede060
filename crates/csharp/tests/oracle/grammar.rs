//! Expressions and statements that nobody wrote: names of the class library, put together
//! by the grammar. One in five compiles.

/// Numbers that are the same each time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
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

/// Lambdas, where a method may take one.
const LAMBDAS: &[&str] = &[
    "Select",
    "Where",
    "Any",
    "All",
    "First",
    "FirstOrDefault",
    "OrderBy",
    "OrderByDescending",
    "Sum",
    "Max",
    "Min",
    "Count",
    "GroupBy",
    "SelectMany",
    "ToDictionary",
    "TakeWhile",
    "Average",
    "Single",
];

/// An expression, and names that it may use.
pub(crate) fn expression(dice: &mut Dice, names: &mut Vec<String>, depth: usize) -> String {
    if depth == 0 {
        return leaf(dice, names);
    }
    match dice.below(22) {
        0 | 1 => leaf(dice, names),
        2..=4 => format!(
            "({}).{}",
            expression(dice, names, depth - 1),
            dice.pick(MEMBERS)
        ),
        5 | 6 => {
            let left = expression(dice, names, depth - 1);
            let op = dice.pick(OPERATORS);
            format!("({left}) {op} ({})", expression(dice, names, depth - 1))
        }
        7 | 8 => format!(
            "({})({})",
            dice.pick(TYPES),
            expression(dice, names, depth - 1)
        ),
        9 => {
            let condition = expression(dice, names, depth - 1);
            let yes = expression(dice, names, depth - 1);
            let no = expression(dice, names, depth - 1);
            format!("({condition}) ? ({yes}) : ({no})")
        }
        10 | 11 => {
            let count = dice.below(4);
            let list: Vec<String> = (0..count)
                .map(|_| expression(dice, names, depth.saturating_sub(2)))
                .collect();
            format!("{}({})", dice.pick(CALLS), list.join(", "))
        }
        12 => {
            let target = expression(dice, names, depth - 1);
            format!("({target})[{}]", expression(dice, names, depth - 1))
        }
        13 => format!(
            "({})?.{}",
            expression(dice, names, depth - 1),
            dice.pick(MEMBERS)
        ),
        14 => {
            let op = dice.pick(&["!", "-", "~", "+"]);
            format!("{op}({})", expression(dice, names, depth - 1))
        }
        15 | 16 => {
            let target = expression(dice, names, depth - 1);
            let method = dice.pick(LAMBDAS);
            let name = format!("p{}", names.len());
            names.push(name.clone());
            let body = expression(dice, names, depth - 1);
            names.pop();
            format!("({target}).{method}({name} => {body})")
        }
        17 => {
            let op = dice.pick(&["is", "as"]);
            format!(
                "({}) {op} {}",
                expression(dice, names, depth - 1),
                dice.pick(TYPES)
            )
        }
        18 => {
            let first = expression(dice, names, depth - 1);
            let second = expression(dice, names, depth - 1);
            match dice.below(5) {
                0 => format!("new[] {{ {first}, {second} }}"),
                1 => format!("new List<{}> {{ {first}, {second} }}", dice.pick(TYPES)),
                2 => format!("new {{ a = {first}, b = {second} }}"),
                3 => format!("new JObject {{ {{ \"a\", {first} }}, {{ \"b\", {second} }} }}"),
                _ => format!(
                    "new Dictionary<string, {}> {{ [\"a\"] = {first} }}",
                    dice.pick(TYPES)
                ),
            }
        }
        19 => format!("$\"a{{({})}}b\"", expression(dice, names, depth - 1)),
        20 => {
            let from = expression(dice, names, depth - 1);
            let name = format!("p{}", names.len());
            names.push(name.clone());
            let filter = expression(dice, names, depth.saturating_sub(2));
            let select = expression(dice, names, depth - 1);
            names.pop();
            format!("(from {name} in ({from}) where ({filter}) select ({select}))")
        }
        _ => {
            let ty = dice.pick(TYPES);
            let value = expression(dice, names, depth - 1);
            match dice.below(4) {
                0 => format!("checked(({ty})({value}))"),
                1 => format!("default({ty})"),
                2 => format!("typeof({ty})"),
                _ => format!("(({value}) ?? throw new Exception(\"a\"))"),
            }
        }
    }
}

fn leaf(dice: &mut Dice, names: &[String]) -> String {
    if !names.is_empty() && dice.below(3) == 0 {
        let n = dice.below(names.len());
        return names.get(n).cloned().unwrap_or_default();
    }
    dice.pick(LEAVES).to_owned()
}

/// The statements of `@{...}`, with a result at their end most of the time.
pub(crate) fn body(dice: &mut Dice, depth: usize) -> String {
    let mut names = Vec::new();
    let mut out = statements(dice, &mut names, depth);
    if dice.below(8) > 0 {
        out.push_str(&format!("return {};", expression(dice, &mut names, 1)));
    }
    out
}

fn statements(dice: &mut Dice, names: &mut Vec<String>, depth: usize) -> String {
    let mut out = String::new();
    let known = names.len();
    for _ in 0..=dice.below(3) {
        out.push_str(&statement(dice, names, depth));
        out.push('\n');
    }
    // What a nested block declares ends with it; a name of it is still met at times.
    if dice.below(10) > 0 {
        names.truncate(known.max(1).min(names.len()));
    }
    out
}

fn statement(dice: &mut Dice, names: &mut Vec<String>, depth: usize) -> String {
    let value = expression(dice, names, 2);
    let inner = |dice: &mut Dice, names: &mut Vec<String>| match depth {
        0 => format!("return {};", expression(dice, names, 1)),
        _ => statements(dice, names, depth - 1),
    };
    match dice.below(14) {
        0..=3 => {
            let name = format!("v{}", names.len());
            names.push(name.clone());
            match dice.below(4) {
                0 => format!("{} {name} = {value};", dice.pick(TYPES)),
                1 => format!("{} {name};", dice.pick(TYPES)),
                _ => format!("var {name} = {value};"),
            }
        }
        4 => {
            let yes = inner(dice, names);
            format!("if ({value}) {{ {yes} }}")
        }
        5 => {
            let yes = inner(dice, names);
            let no = inner(dice, names);
            format!("if ({value}) {{ {yes} }} else {{ {no} }}")
        }
        6 => {
            let name = format!("v{}", names.len());
            names.push(name.clone());
            let inside = inner(dice, names);
            let ty = if dice.below(2) == 0 {
                "var"
            } else {
                dice.pick(TYPES)
            };
            format!("foreach ({ty} {name} in {value}) {{ {inside} }}")
        }
        7 => {
            let name = format!("v{}", names.len());
            names.push(name.clone());
            let inside = inner(dice, names);
            format!("for (int {name} = 0; {name} < 3; {name}++) {{ {inside} }}")
        }
        8 => {
            let inside = inner(dice, names);
            let caught = inner(dice, names);
            match dice.below(3) {
                0 => format!("try {{ {inside} }} finally {{ string.Empty.ToString(); }}"),
                1 => format!("try {{ {inside} }} catch (Exception) {{ {caught} }}"),
                _ => format!("try {{ {inside} }} catch {{ {caught} }}"),
            }
        }
        9 => {
            let target = leaf(dice, names);
            let op = dice.pick(&["=", "=", "=", "+=", "-=", "|="]);
            format!("{target} {op} {value};")
        }
        10 => {
            let inside = inner(dice, names);
            format!(
                "while ({value}) {{ {inside} {} }}",
                dice.pick(&["break;", "continue;", ""])
            )
        }
        11 => {
            let inside = inner(dice, names);
            let end = dice.pick(&["break;", "break;", ""]);
            format!("switch ({value}) {{ case \"a\": {inside} {end} default: break; }}")
        }
        12 => format!("{value};"),
        _ => {
            let result = dice.pick(TYPES);
            let name = format!("f{}", names.len());
            names.push(name.clone());
            format!("Func<{result}, object> {name} = q => {value};")
        }
    }
}
