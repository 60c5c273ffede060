//! Archives: what costs before there is a tree.

use crate::tar::{Tar, gzip};
use crate::tree::{API, SPEC};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new("tar_files", "n empty files", (500, 90_000), tar_files),
    Shape::new("tar_folders", "n folders", (500, 90_000), tar_folders),
    Shape::new(
        "tar_long_name",
        "a GNU name of n KiB",
        (100, 100_000),
        tar_long_name,
    ),
    Shape::new(
        "tar_long_names",
        "n GNU names of 900 bytes",
        (100, 50_000),
        tar_long_names,
    ),
    Shape::new(
        "tar_long_names_again",
        "n GNU names of 100 KiB, one after the other",
        (2, 2_000),
        tar_long_names_again,
    ),
    Shape::new(
        "tar_pax_path",
        "an extended header with a path of n KiB",
        (100, 100_000),
        tar_pax_path,
    ),
    Shape::new(
        "tar_pax_records",
        "an extended header of n records",
        (2_000, 1_000_000),
        tar_pax_records,
    ),
    Shape::new(
        "tar_pax_global",
        "n global headers",
        (500, 400_000),
        tar_pax_global,
    ),
    Shape::new(
        "tar_pax_each",
        "n files, each with an extended header",
        (200, 50_000),
        tar_pax_each,
    ),
    Shape::new(
        "gzip_members",
        "n gzip members with nothing in them, behind the tree",
        (1_000, 1_600_000),
        gzip_members,
    ),
    Shape::new(
        "gzip_members_small",
        "the tree in gzip members of a byte each, n files",
        (2, 400),
        gzip_members_small,
    ),
    Shape::new(
        "gzip_zeroes",
        "n KiB of zeroes behind the tree",
        (200, 200_000),
        gzip_zeroes,
    ),
    Shape::new(
        "gzip_garbage",
        "n bytes behind the tree that are no gzip",
        (10_000, 2_000_000),
        gzip_garbage,
    ),
];

fn project() -> Tar {
    let mut tar = Tar::default();
    tar.file("apis/a/apiInformation.json", API.as_bytes());
    tar.file("apis/a/specification.json", SPEC.as_bytes());
    tar
}

fn packed(tar: Tar) -> Input {
    Input::Archive(gzip(&tar.finish()))
}

fn tar_files(n: usize) -> Input {
    let mut tar = project();
    for i in 0..n {
        tar.file(&format!("n/{i}"), b"");
    }
    packed(tar)
}

fn tar_folders(n: usize) -> Input {
    let mut tar = project();
    for i in 0..n {
        tar.folder(&format!("n/{i}/"));
    }
    packed(tar)
}

fn tar_long_name(n: usize) -> Input {
    let mut tar = project();
    tar.file(&format!("n/{}", "a".repeat(n * 1024)), b"");
    packed(tar)
}

fn tar_long_names(n: usize) -> Input {
    let mut tar = project();
    for i in 0..n {
        tar.file(&format!("n/{i:06}{}", "a".repeat(900)), b"");
    }
    packed(tar)
}

fn tar_long_names_again(n: usize) -> Input {
    let mut tar = project();
    for _ in 0..n {
        tar.gnu_long_name(&"a".repeat(100 * 1024));
    }
    tar.file("n", b"");
    packed(tar)
}

fn tar_pax_path(n: usize) -> Input {
    let mut tar = project();
    tar.pax(&[("path", &format!("n/{}", "a".repeat(n * 1024)))]);
    tar.file("n", b"");
    packed(tar)
}

fn tar_pax_records(n: usize) -> Input {
    let mut tar = project();
    tar.pax(&vec![("comment", "x"); n]);
    tar.file("n", b"");
    packed(tar)
}

fn tar_pax_global(n: usize) -> Input {
    let mut tar = project();
    for _ in 0..n {
        tar.pax_global(&[("comment", "x")]);
    }
    packed(tar)
}

fn tar_pax_each(n: usize) -> Input {
    let mut tar = project();
    for i in 0..n {
        tar.pax(&[("mtime", "1.5"), ("path", &format!("n/{i}"))]);
        tar.file("n", b"");
    }
    packed(tar)
}

fn gzip_members(n: usize) -> Input {
    let mut bytes = gzip(&project().finish());
    let empty = gzip(b"");
    for _ in 0..n {
        bytes.extend_from_slice(&empty);
    }
    Input::Archive(bytes)
}

fn gzip_members_small(n: usize) -> Input {
    let mut tar = project();
    for i in 0..n {
        tar.file(&format!("n/{i}"), b"");
    }
    Input::Archive(
        tar.finish()
            .iter()
            .flat_map(|byte| gzip(&[*byte]))
            .collect(),
    )
}

fn gzip_zeroes(n: usize) -> Input {
    let mut bytes = project().finish();
    bytes.resize(bytes.len() + n * 1024, 0);
    Input::Archive(gzip(&bytes))
}

fn gzip_garbage(n: usize) -> Input {
    let mut bytes = gzip(&project().finish());
    bytes.resize(bytes.len() + n, b'x');
    Input::Archive(bytes)
}
