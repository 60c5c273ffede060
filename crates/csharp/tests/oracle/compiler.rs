//! Mono's C# compiler, asked about many expressions at once.

use flux_apim_csharp::Form;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The types of `context`, and members that the library here lacks.
const SOURCES: [(&str, &str); 2] = [
    (
        "Context.cs",
        include_str!("../../../../hack/csharp-oracle/Context.cs"),
    ),
    (
        "Missing.cs",
        include_str!("../../../../hack/csharp-oracle/Missing.cs"),
    ),
];

/// Where Debian puts Newtonsoft.Json.
const NEWTONSOFT: &str = "/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll";

/// What every policy expression imports, and the types of `context`.
const USINGS: &str = "using System; using System.Collections.Generic; using System.IO; \
    using System.Linq; using System.Security.Cryptography; \
    using System.Security.Cryptography.X509Certificates; using System.Text; \
    using System.Text.RegularExpressions; using System.Threading; using System.Threading.Tasks; \
    using System.Xml; using System.Xml.Linq; using Newtonsoft.Json; using Newtonsoft.Json.Linq;";

/// Files that one run of the compiler takes, and runs until it has nothing to say. Each
/// run says what one of its phases finds.
const AT_ONCE: usize = 500;
const MOST_RUNS: usize = 30;

pub(crate) struct Compiler {
    folder: PathBuf,
}

impl Compiler {
    /// One that works below `folder`; `None` where none is installed.
    pub(crate) fn new(folder: &Path) -> Option<Self> {
        let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
        if !has("mcs") || !Path::new(NEWTONSOFT).is_file() {
            return None;
        }
        let folder = folder.join("oracle");
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in SOURCES {
            fs::write(folder.join(name), text).unwrap();
        }
        let compiler = Self { folder };
        let made = compiler.run(&["-out:Context.dll", "Context.cs", "Missing.cs"]);
        assert!(
            made.contains("succeeded") || !made.contains("error"),
            "{made}"
        );
        Some(compiler)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let out = Command::new("mcs")
            .args(["-langversion:7.2", "-t:library", "-warn:0"])
            .arg(format!(
                "-r:System.Core,System.Xml,System.Xml.Linq,Microsoft.CSharp,{NEWTONSOFT}"
            ))
            .args(arguments)
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let (out, trouble) = (out.stdout, out.stderr);
        String::from_utf8_lossy(&[out, trouble].concat()).into_owned()
    }

    /// Which of the expressions it takes.
    pub(crate) fn accepted(&self, all: &[(Form, String)]) -> Vec<bool> {
        let mut accepted = vec![true; all.len()];
        let numbers: Vec<usize> = (0..all.len()).collect();
        for part in numbers.chunks(AT_ONCE) {
            for n in part {
                let (form, text) = &all[*n];
                let body = match form {
                    Form::Expression => format!("=>\n{text}\n;"),
                    Form::Body => format!("{{\n{text}\n}}"),
                };
                // Inside the namespace its own extension methods come first.
                let source = format!(
                    "{USINGS} namespace ApimStub {{ static class E{n} {{ \
                     static object M(IProxyRequestContext context) {body} }} }}\n"
                );
                fs::write(self.folder.join(format!("e{n}.cs")), source).unwrap();
            }
            let mut left: BTreeSet<usize> = part.iter().copied().collect();
            for _ in 0..MOST_RUNS {
                let wrong = self.wrong(&left);
                if wrong.is_empty() {
                    break;
                }
                for n in wrong {
                    accepted[n] = false;
                    left.remove(&n);
                }
            }
        }
        accepted
    }

    /// Those that it finds something in.
    fn wrong(&self, left: &BTreeSet<usize>) -> BTreeSet<usize> {
        if left.is_empty() {
            return BTreeSet::new();
        }
        let files: Vec<String> = left.iter().map(|n| format!("e{n}.cs")).collect();
        fs::write(self.folder.join("files"), files.join("\n")).unwrap();
        let said = self.run(&["-r:Context.dll", "-out:out.dll", "@files"]);
        let wrong: BTreeSet<usize> = said.lines().filter_map(file_of_error).collect();
        if wrong.is_empty() && said.contains("error") {
            // It failed without a place: the file is found by halves.
            let all: Vec<usize> = left.iter().copied().collect();
            if let [one] = all.as_slice() {
                return BTreeSet::from([*one]);
            }
            let (first, second) = all.split_at(all.len() / 2);
            let mut wrong = self.wrong(&first.iter().copied().collect());
            wrong.extend(self.wrong(&second.iter().copied().collect()));
            return wrong;
        }
        wrong
    }
}

/// The number in `e7.cs(2,5): error CS1525: ...`.
fn file_of_error(line: &str) -> Option<usize> {
    let (file, rest) = line.split_once(".cs(")?;
    rest.contains("): error ")
        .then(|| file.rsplit('/').next()?.strip_prefix('e')?.parse().ok())
        .flatten()
}
