//! Policy documents as the service stores them: whether they are well-formed, what they
//! name, and how they are read back. Written for this simulation alone; nothing of the
//! compiler is used.

/// An element with what is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// The tag's name.
    pub name: String,
    /// Attributes as they are written, without quotes.
    pub attributes: Vec<(String, String)>,
    /// Elements in it.
    pub children: Vec<Element>,
    /// 1-based line and column of the `<`.
    pub at: (usize, usize),
}

impl Element {
    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The element and all in it.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Element)) {
        let mut open = vec![self];
        while let Some(element) = open.pop() {
            visit(element);
            open.extend(element.children.iter().rev());
        }
    }
}

/// How deep elements may be nested.
const DEPTH: usize = 200;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        (line, before[start..].chars().count() + 1)
    }

    fn wrong(&self, what: &str) -> String {
        let (line, column) = self.place(self.at.min(self.text.len()));
        format!("{what} Line {line}, position {column}.")
    }

    /// Moves behind the next `end`.
    fn skip(&mut self, end: &str) -> Result<(), String> {
        match self.rest().find(end) {
            Some(n) => {
                self.at += n + end.len();
                Ok(())
            }
            None => Err(self.wrong("Unexpected end of file has occurred.")),
        }
    }

    /// Moves behind an expression `@(...)` or `@{...}`: C# strings, characters and comments
    /// are read over.
    fn expression(&mut self) -> Result<(), String> {
        let bytes = self.text.as_bytes();
        let mut open = Vec::new();
        self.at += 1;
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'(' | b'{' | b'[' => open.push(byte),
                b')' | b'}' | b']' => {
                    open.pop();
                    if open.is_empty() {
                        self.at += 1;
                        return Ok(());
                    }
                }
                b'"' => {
                    let verbatim =
                        self.text[..self.at].ends_with('@') || self.text[..self.at].ends_with("@$");
                    self.string(verbatim);
                    continue;
                }
                b'&' if self.rest().starts_with("&quot;") => {
                    self.at += 6;
                    if let Some(n) = self.rest().find("&quot;") {
                        self.at += n + 6;
                    }
                    continue;
                }
                b'\'' => {
                    let escaped = bytes.get(self.at + 1) == Some(&b'\\');
                    let from = self.at + if escaped { 3 } else { 2 };
                    if let Some(n) = bytes
                        .get(from..)
                        .and_then(|rest| rest.iter().take(10).position(|&b| b == b'\''))
                    {
                        self.at = from + n;
                    }
                }
                b'/' if self.rest().starts_with("//") => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                    continue;
                }
                b'/' if self.rest().starts_with("/*") => {
                    self.skip("*/")?;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        Err(self.wrong("An expression is not closed."))
    }

    /// Moves behind a string that starts here.
    fn string(&mut self, verbatim: bool) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(&byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' if !verbatim => self.at += 1,
                b'"' if verbatim && bytes.get(self.at) == Some(&b'"') => self.at += 1,
                b'"' => return,
                _ => {}
            }
        }
        self.at = self.at.min(bytes.len());
    }

    fn name(&mut self) -> String {
        let end = self
            .rest()
            .find(|c: char| c.is_whitespace() || "<>/=\"'".contains(c));
        let name = self.rest()[..end.unwrap_or(self.rest().len())].to_owned();
        self.at += name.len();
        name
    }

    fn space(&mut self) {
        let trimmed = self.rest().trim_start();
        self.at = self.text.len() - trimmed.len();
    }

    fn attribute(&mut self) -> Result<(String, String), String> {
        let name = self.name();
        if name.is_empty() {
            return Err(self.wrong("Name cannot begin here."));
        }
        self.space();
        if !self.rest().starts_with('=') {
            return Err(self.wrong("'=' was expected."));
        }
        self.at += 1;
        self.space();
        let Some(quote) = self.rest().chars().next().filter(|c| "\"'".contains(*c)) else {
            return Err(self.wrong("A quote was expected."));
        };
        self.at += 1;
        let from = self.at;
        let start = self.rest();
        if start.starts_with("@(") || start.starts_with("@{") {
            self.expression()?;
        }
        match self.rest().find(quote) {
            Some(n) => {
                let to = self.at + n;
                self.at = to + 1;
                Ok((name, self.text[from..to].to_owned()))
            }
            None => Err(self.wrong("Unexpected end of file has occurred.")),
        }
    }

    fn document(&mut self) -> Result<Element, String> {
        let mut open: Vec<Element> = Vec::new();
        let mut root = None;
        while self.at < self.text.len() {
            let rest = self.rest();
            if rest.starts_with("<!--") {
                self.skip("-->")?;
            } else if rest.starts_with("<![CDATA[") {
                self.skip("]]>")?;
            } else if rest.starts_with("<?") {
                self.skip("?>")?;
            } else if rest.starts_with("<!") {
                return Err(self.wrong("A document type is not allowed."));
            } else if rest.starts_with("</") {
                self.at += 2;
                let name = self.name();
                self.space();
                let element = open.pop().filter(|element| element.name == name);
                let Some(element) = element.filter(|_| self.rest().starts_with('>')) else {
                    return Err(self.wrong(&format!(
                        "The end tag of '{name}' does not match a start tag."
                    )));
                };
                self.at += 1;
                self.close(element, &mut open, &mut root)?;
            } else if rest.starts_with('<') {
                let at = self.place(self.at);
                self.at += 1;
                let mut element = Element {
                    name: self.name(),
                    at,
                    ..Element::default()
                };
                if element.name.is_empty() {
                    return Err(self.wrong("Name cannot begin here."));
                }
                loop {
                    self.space();
                    if self.rest().starts_with("/>") {
                        self.at += 2;
                        self.close(element, &mut open, &mut root)?;
                        break;
                    }
                    if self.rest().starts_with('>') {
                        self.at += 1;
                        open.push(element);
                        break;
                    }
                    if self.at >= self.text.len() {
                        return Err(self.wrong("Unexpected end of file has occurred."));
                    }
                    let pair = self.attribute()?;
                    element.attributes.push(pair);
                }
                if open.len() > DEPTH {
                    return Err(self.wrong("Elements are nested too deeply."));
                }
            } else if rest.starts_with("@(") || rest.starts_with("@{") {
                self.expression()?;
            } else {
                let outside = open.is_empty();
                let Some(c) = rest.chars().next() else { break };
                if outside && !c.is_whitespace() {
                    return Err(self.wrong("Data at the root level is invalid."));
                }
                self.at += c.len_utf8();
            }
        }
        if let Some(element) = open.pop() {
            return Err(self.wrong(&format!("The element '{}' is not closed.", element.name)));
        }
        root.ok_or_else(|| self.wrong("Root element is missing."))
    }

    fn close(
        &self,
        element: Element,
        open: &mut [Element],
        root: &mut Option<Element>,
    ) -> Result<(), String> {
        match open.last_mut() {
            Some(parent) => parent.children.push(element),
            None if root.is_some() => return Err(self.wrong("There are multiple root elements.")),
            None => *root = Some(element),
        }
        Ok(())
    }
}

/// Reads a policy as `rawxml`: expressions stand as they are.
///
/// # Errors
/// What is wrong, with its line and position.
pub fn read(text: &str) -> Result<Element, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Reader { text, at: 0 }.document()
}

/// Whether a text is well-formed XML, as format `xml` needs it.
///
/// # Errors
/// What is wrong.
pub fn well_formed(text: &str) -> Result<(), String> {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut depth = 0usize;
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) if depth == 0 => return Ok(()),
            Ok(quick_xml::events::Event::Eof) => {
                return Err("Unexpected end of file has occurred.".to_owned());
            }
            Ok(quick_xml::events::Event::DocType(_)) => {
                return Err("A document type is not allowed.".to_owned());
            }
            Ok(quick_xml::events::Event::Start(tag)) => {
                depth += 1;
                attributes(&tag)?;
            }
            Ok(quick_xml::events::Event::Empty(tag)) => attributes(&tag)?,
            Ok(quick_xml::events::Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(_) => {}
            Err(error) => return Err(format!("{error}.")),
        }
    }
}

fn attributes(tag: &quick_xml::events::BytesStart<'_>) -> Result<(), String> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("{error}."))?;
        if attribute.value.contains('<') {
            return Err("'<' is an invalid attribute character.".to_owned());
        }
    }
    Ok(())
}

/// The sections of a policy document.
pub const SECTIONS: [&str; 4] = ["inbound", "backend", "outbound", "on-error"];

/// What a policy names that must be there: element, kind of resource, name, place.
#[derive(Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// The element that names it.
    pub element: &'a str,
    /// The collection below the service.
    pub collection: &'static str,
    /// What messages call it.
    pub label: &'static str,
    /// The name.
    pub name: &'a str,
    /// 1-based line and column.
    pub at: (usize, usize),
}

const REFERENCES: [(&str, &str, &str, &str); 5] = [
    (
        "include-fragment",
        "fragment-id",
        "policyFragments",
        "Policy fragment",
    ),
    ("set-backend-service", "backend-id", "backends", "Backend"),
    (
        "authentication-certificate",
        "certificate-id",
        "certificates",
        "Certificate",
    ),
    ("log-to-eventhub", "logger-id", "loggers", "Logger"),
    (
        "get-authorization-context",
        "provider-id",
        "authorizationProviders",
        "Authorization provider",
    ),
];

/// Resources that a policy names by attributes. What is an expression or a named value is
/// not known before a request runs.
pub fn named(root: &Element) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    root.walk(&mut |element| {
        for (name, attribute, collection, label) in REFERENCES {
            let value = element
                .attribute(attribute)
                .filter(|_| element.name == name);
            if let Some(value) = value.filter(|v| !v.starts_with('@') && !v.contains("{{")) {
                found.push(Named {
                    element: &element.name,
                    collection,
                    label,
                    name: value,
                    at: element.at,
                });
            }
        }
    });
    found
}

/// Display names of named values between `{{` and `}}`. Liquid templates use the same
/// braces, so what has a space or a dot-path in a liquid body is left alone.
pub fn named_values(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let liquid = text.contains("template=\"liquid\"");
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        rest = &rest[start + 2..];
        let Some(end) = rest.find("}}") else { break };
        let name = &rest[..end];
        let plain = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if plain && !(liquid && name.contains('.')) {
            found.push(name);
        }
    }
    found
}

/// The text as it is kept: without a byte order mark and with CRLF line ends.
pub fn stored(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// A raw policy as well-formed XML: what stands in expressions is escaped.
pub fn escaped(text: &str) -> String {
    let mut reader = Reader { text, at: 0 };
    let mut out = String::with_capacity(text.len());
    while reader.at < text.len() {
        let rest = reader.rest();
        let from = reader.at;
        if rest.starts_with("<!--") {
            // What is not closed is copied to the end, below.
            if reader.skip("-->").is_err() {
                reader.at = text.len();
            }
        } else if rest.starts_with("<![CDATA[") {
            if reader.skip("]]>").is_err() {
                reader.at = text.len();
            }
        } else if (rest.starts_with("@(") || rest.starts_with("@{")) && reader.expression().is_ok()
        {
            let quoted = text[..from].ends_with('"');
            let expression = &text[from..reader.at];
            for (n, c) in expression.char_indices() {
                match c {
                    '&' if !is_entity(&expression[n..]) => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    '"' if quoted => out.push_str("&quot;"),
                    _ => out.push(c),
                }
            }
            continue;
        } else {
            let Some(c) = text[from..].chars().next() else {
                break;
            };
            reader.at = from + c.len_utf8();
        }
        out.push_str(&text[from..reader.at]);
    }
    out
}

/// Whether a text starts with one of XML's own entities.
fn is_entity(text: &str) -> bool {
    ["&lt;", "&gt;", "&amp;", "&quot;", "&apos;", "&#"]
        .iter()
        .any(|entity| text.starts_with(entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_over() {
        for text in [
            r#"<policies><inbound><set-variable name="v" value="@("a>b" + '"' + @"c""d")" /></inbound></policies>"#,
            "<policies><inbound><set-body>@{ // a comment with \" and )\n return \"</x>\"; }</set-body></inbound></policies>",
            "<policies><!-- <open> --><inbound><![CDATA[<x>]]></inbound></policies>",
            "<policies><inbound><set-variable name='v' value='@(1 < 2 /* ) */)' /></inbound></policies>",
        ] {
            assert!(read(text).is_ok(), "{text}: {:?}", read(text));
        }
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a b></a>",
            "<a/><a/>",
            "<!DOCTYPE a><a/>",
            "<a b=\"@(\"/>",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_escaped_is_well_formed() {
        let raw = r#"<policies><inbound><set-variable name="v" value="@(1 < 2 && "a" == "b")" /><set-body>@("<x>" + 1)</set-body></inbound></policies>"#;
        assert!(well_formed(raw).is_err());
        assert_eq!(well_formed(&escaped(raw)), Ok(()));
        assert_eq!(escaped("<a>&lt;</a>"), "<a>&lt;</a>");
    }

    #[test]
    fn places_are_lines_and_columns() {
        let root = read("<fragment>\r\n  <include-fragment fragment-id=\"f\" /></fragment>");
        let root = root.as_ref();
        assert_eq!(root.map(|root| named(root)[0].at), Ok((2, 3)));
    }

    #[test]
    fn named_values_are_between_braces() {
        assert_eq!(named_values("{{a}} {{ b }} {{c-d._e}} {{"), ["a", "c-d._e"]);
    }
}
