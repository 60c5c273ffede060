//! Lines that start with `#`. No symbol is defined.

use super::Lexer;
use crate::problem::Code;

/// One `#if`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition {
    /// Whether one of its branches was taken.
    taken: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn preprocessor(&mut self) {
        let (start, line) = self.line();
        let body = line.trim_start_matches('#').trim();
        let (word, rest) = body.split_once([' ', '\t', '(']).unwrap_or((body, ""));
        match word {
            "if" => {
                let taken = holds(rest);
                self.conditions.push(Condition { taken });
                if !taken {
                    self.skip_branch();
                }
            }
            "elif" | "else" if !self.conditions.is_empty() => self.skip_branch(),
            "endif" if self.conditions.pop().is_some() => {}
            "region" | "endregion" | "pragma" | "line" | "nullable" | "warning" => {}
            "error" => {
                let message = format!("`#error` stops the compiler: {}", rest.trim());
                self.report(Code::Preprocessor, start, self.at, message);
            }
            _ => {
                let message = "this preprocessor line does not belong here";
                self.report(Code::Preprocessor, start, self.at, message);
            }
        }
    }

    /// Reads on to the end of the line.
    fn line(&mut self) -> (usize, &'a str) {
        let start = self.at;
        while self.at < self.bytes.len() && self.line_break(self.at) == 0 {
            self.at += 1;
        }
        (start, self.text.get(start..self.at).unwrap_or(""))
    }

    /// Skips lines up to the branch that is compiled, or to the end of the `#if`.
    fn skip_branch(&mut self) {
        let mut depth = 0_u32;
        while self.at < self.bytes.len() {
            self.at += self.line_break(self.at);
            let (_, line) = self.line();
            let line = line.trim_start();
            let Some(body) = line.strip_prefix('#') else {
                continue;
            };
            let body = body.trim();
            let word = body.split([' ', '\t', '(']).next().unwrap_or("");
            let rest = body.get(word.len()..).unwrap_or("");
            let condition = holds(rest);
            match word {
                "if" => depth += 1,
                "endif" if depth > 0 => depth -= 1,
                "endif" => {
                    self.conditions.pop();
                    return;
                }
                "elif" | "else" if depth == 0 => {
                    let Some(open) = self.conditions.last_mut() else {
                        return;
                    };
                    if !open.taken && (word == "else" || condition) {
                        open.taken = true;
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether a condition holds when no symbol is defined. Without operators other
/// than `!`; what is more is taken as not holding.
fn holds(condition: &str) -> bool {
    let condition = condition.split("//").next().unwrap_or("").trim();
    let name = condition.trim_start_matches('!');
    let negated = (condition.len() - name.len()) % 2 == 1;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain && !name.is_empty() && (name == "true") != negated
}
