//! Trees in few bytes, so that a fuzzer can change them: a short text with
//! repetitions stands for a tree of many files or long ones.
//!
//! The first byte has the flags of [`Asked`]. Files follow, each ended by `FF`. A
//! file begins with its path: as text up to the end of the line, or as two bytes,
//! `80 + k` for the k-th of [`PATHS`] and a number that stands in its place for
//! one. From `80` on the number is a count: so many files, numbered from 0.
//!
//! In the text of a file, `FE n ... FE` is what stands between, n times, and `FD` the
//! number of the repetition, or else of the file. None of the three bytes occurs
//! in UTF-8.

use crate::tree::Tree;

/// Bytes of a tree, beyond which no more is unpacked.
const MAX_BYTES: usize = 64 << 10;
/// Files of a tree, likewise.
const MAX_FILES: usize = 400;

const END: u8 = 0xff;
const REPEAT: u8 = 0xfe;
const NUMBER: u8 = 0xfd;
const TABLE: u8 = 0x80;

/// Where something is read; `#` is the number.
pub const PATHS: [&str; 36] = [
    "apis/a#/apiInformation.json",
    "apis/a#/specification.json",
    "apis/a#/specification.yaml",
    "apis/a#/policy.xml",
    "apis/a#/schemas#.json",
    "apis/a#/tags.json",
    "apis/a/apiInformation.json",
    "apis/a/specification.json",
    "apis/a/specification.yaml",
    "apis/a/policy.xml",
    "apis/a/operations/g#/policy.xml",
    "apis/a/operations/o#/operationInformation.json",
    "apis/a/diagnostics/d#/apiDiagnosticInformation.json",
    "apis/a/releases/r#/apiReleaseInformation.json",
    "apis/a/schemas/s#/apiSchemaInformation.json",
    "apis/a/shared#.json",
    "products/p#/productInformation.json",
    "products/p#/apis.json",
    "products/p#/groups.json",
    "products/p#/tags.json",
    "products/p#/policy.xml",
    "namedValues/n#/namedValueInformation.json",
    "named values/n#/namedValueInformation.json",
    "backends/b#/backendInformation.json",
    "loggers/l#/loggerInformation.json",
    "diagnostics/d#/diagnosticInformation.json",
    "tags/t#/tagInformation.json",
    "groups/g#/groupInformation.json",
    "gateways/w#/gatewayInformation.json",
    "subscriptions/s#/subscriptionInformation.json",
    "policyFragments/f#/policy.xml",
    "version sets/v#/versionSetInformation.json",
    "workspaces/w#/workspaceInformation.json",
    "policy.xml",
    "configuration.prod.yaml",
    "flux-apim.yaml",
];

/// What is to be done with a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// Whether `prod` is the environment.
    pub environment: bool,
    /// Whether errors are warnings, so that what is wrong is rendered all the same.
    pub forgiving: bool,
    /// Whether it is compared with a tree that has other figures in its texts.
    pub compared: bool,
}

impl Asked {
    fn of(flags: u8) -> Self {
        Self {
            environment: flags & 1 != 0,
            forgiving: flags & 2 != 0,
            compared: flags & 4 != 0,
        }
    }

    fn flags(self) -> u8 {
        u8::from(self.environment) | u8::from(self.forgiving) << 1 | u8::from(self.compared) << 2
    }
}

/// The tree that `packed` stands for, beside one good API, and what is asked of it.
pub fn unpack(packed: &[u8]) -> (Tree, Asked) {
    let (&flags, rest) = packed.split_first().unwrap_or((&0, &[]));
    let mut tree = Tree::project();
    let mut left = MAX_BYTES;
    let mut files = MAX_FILES;
    for file in rest.split(|byte| *byte == END) {
        let (path, numbers, text) = match file {
            [at, number, text @ ..] if *at >= TABLE => {
                let path = PATHS[usize::from(at - TABLE) % PATHS.len()];
                let numbers = match number {
                    0..TABLE => usize::from(*number)..usize::from(*number) + 1,
                    _ => 0..usize::from(number - TABLE),
                };
                (path.to_owned(), numbers, text)
            }
            _ => {
                let mut lines = file.splitn(2, |byte| *byte == b'\n');
                let path = String::from_utf8_lossy(lines.next().unwrap_or_default());
                (path.into_owned(), 0..1, lines.next().unwrap_or_default())
            }
        };
        for number in numbers {
            if path.is_empty() || left == 0 || files == 0 {
                break;
            }
            let text = expanded(text, number, left);
            let path = path.replace('#', &number.to_string());
            left = left.saturating_sub(text.len() + path.len());
            files -= 1;
            tree.put(&path, text);
        }
    }
    (tree, Asked::of(flags))
}

/// A text with its repetitions; no more than `max` bytes of it.
fn expanded(text: &[u8], file: usize, max: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut parts = text.split(|byte| *byte == REPEAT);
    while let Some(plain) = parts.next() {
        numbered(plain, file, &mut out);
        let Some([times, part @ ..]) = parts.next() else {
            continue;
        };
        for number in 0..usize::from(*times) {
            if out.len() >= max {
                break;
            }
            numbered(part, number, &mut out);
        }
    }
    out.truncate(max);
    out
}

fn numbered(text: &[u8], number: usize, out: &mut Vec<u8>) {
    for (at, part) in text.split(|byte| *byte == NUMBER).enumerate() {
        if at > 0 {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        out.extend_from_slice(part);
    }
}

/// A tree as [`unpack`] takes it; `None` when it is too large, or not what it makes.
pub fn pack(tree: &Tree, asked: Asked) -> Option<Vec<u8>> {
    let mut packed = vec![asked.flags()];
    for (path, text) in tree.files() {
        packed.extend_from_slice(path.as_bytes());
        packed.push(b'\n');
        packed.extend_from_slice(text);
        packed.push(END);
    }
    let unpacked = unpack(&packed).0;
    let of_tree = tree.files().all(|file| unpacked.files().any(|f| f == file));
    of_tree.then_some(packed)
}

#[cfg(test)]
mod tests {
    use super::{Asked, MAX_BYTES, pack, unpack};
    use crate::{Input, all, tree::Tree};

    #[test]
    fn small_shapes_come_back_as_they_were() {
        let mut packed = 0;
        for shape in all() {
            if let Input::Tree(tree) = (shape.make)(shape.small.min(8)) {
                let asked = Asked {
                    environment: shape.environment.is_some(),
                    ..Asked::default()
                };
                let Some(bytes) = pack(&tree, asked) else {
                    continue;
                };
                let (unpacked, again) = unpack(&bytes);
                assert_eq!(again, asked);
                for file in tree.files() {
                    assert!(unpacked.files().any(|f| f == file), "{}", shape.name);
                }
                packed += 1;
            }
        }
        assert!(packed > 150, "{packed}");
    }

    #[test]
    fn repetitions_and_numbers() {
        let (tree, asked) = unpack(b"\x07x/y\na\xfe\x03<\xfd>\xfeb\xfd\xff\x9a\x82n\xfd");
        assert!(asked.environment && asked.forgiving && asked.compared);
        let text = |path: &str| {
            let mut files = tree.files();
            let file = files.find(|(p, _)| *p == path).map(|(_, text)| text);
            file.map(|text| String::from_utf8_lossy(text).into_owned())
        };
        assert_eq!(text("x/y").as_deref(), Some("a<0><1><2>b0"));
        assert_eq!(text("tags/t0/tagInformation.json").as_deref(), Some("n0"));
        assert_eq!(text("tags/t1/tagInformation.json").as_deref(), Some("n1"));
        assert!(text("tags/t2/tagInformation.json").is_none());
    }

    #[test]
    fn no_bytes_make_a_large_tree() {
        let huge = [
            b"\0x\n".to_vec(),
            b"\xfe\xffaaaaaaaaaaaaaaaaaaaa\xfe".repeat(5000),
        ]
        .concat();
        let many = [b"\0".to_vec(), b"\x9a\xff\xff".repeat(5000)].concat();
        for packed in [huge, many] {
            let (tree, _) = unpack(&packed);
            let own = Tree::project().files().map(|(_, t)| t.len()).sum::<usize>();
            let bytes: usize = tree.files().map(|(_, text)| text.len()).sum();
            assert!(bytes <= MAX_BYTES + own, "{bytes}");
            assert!(tree.files().count() <= super::MAX_FILES + 2);
        }
    }
}
