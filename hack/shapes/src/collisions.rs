//! Names that become the same name in an output.

use crate::tree::{API, SPEC, Tree};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "symbols_collide",
        "n tags whose names make one symbol of Bicep",
        (40, 4_000),
        symbols_collide,
    ),
    Shape::new(
        "symbols_long",
        "n tags whose names are alike in their first 200 letters",
        (40, 4_000),
        symbols_long,
    ),
    Shape::new(
        "parameters_collide",
        "n secrets whose names make one parameter",
        (30, 3_000),
        parameters_collide,
    ),
    Shape::new(
        "contents_collide",
        "n APIs whose names make one file name",
        (10, 1_500),
        contents_collide,
    ),
    Shape::new(
        "objects_collide",
        "n products whose names make one name of an object",
        (30, 4_000),
        objects_collide,
    ),
    Shape::new(
        "plain_collide",
        "n plain documents whose names make one API",
        (15, 2_000),
        plain_collide,
    ),
];

/// `i` in two signs of punctuation, which names are made without.
fn punctuated(i: usize, signs: [char; 2]) -> String {
    (0..16).map(|bit| signs[i >> bit & 1]).collect()
}

fn tags(n: usize, name: impl Fn(usize) -> String) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("tags/{}/tagInformation.json", name(i)),
            r#"{"properties":{"displayName":"t"}}"#,
        );
    }
    tree.forgiving(&[1010]).into()
}

fn symbols_collide(n: usize) -> Input {
    tags(n, |i| format!("a{}b", punctuated(i, ['-', '.'])))
}

fn symbols_long(n: usize) -> Input {
    tags(n, |i| format!("{}{i}", "a".repeat(200)))
}

fn parameters_collide(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        let name = punctuated(i, ['-', '.']);
        tree.add(
            &format!("namedValues/a{name}b/namedValueInformation.json"),
            format!("{{\"properties\":{{\"displayName\":\"nv{i}\",\"secret\":true}}}}"),
        );
    }
    tree.forgiving(&[1010, 7002]).into()
}

fn contents_collide(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        let name = punctuated(i, ['!', '=']);
        let api = API.replace(r#""path":"a""#, &format!("\"path\":\"a{i}\""));
        tree.add(&format!("apis/a{name}b/apiInformation.json"), api);
        tree.add(&format!("apis/a{name}b/specification.json"), SPEC);
    }
    tree.forgiving(&[1010]).into()
}

fn objects_collide(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        let name = punctuated(i, ['-', '.']);
        tree.add(
            &format!("products/a{name}b/productInformation.json"),
            r#"{"properties":{"displayName":"p"}}"#,
        );
    }
    tree.forgiving(&[1010]).into()
}

fn plain_collide(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.add(&format!("x{i}/a b/openapi.json"), SPEC);
    }
    tree.into()
}
