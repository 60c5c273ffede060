//! API definitions: operations, paths, components.

use crate::tree::{Tree, joined, spec_of};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "operations",
        "n operations with parameters",
        (100, 10_000),
        operations,
    ),
    Shape::new(
        "operation_ids_equal",
        "n equal operationIds",
        (200, 8_000),
        operation_ids_equal,
    ),
    Shape::new(
        "operation_ids_alike",
        "n operationIds that are equal in their first 76 characters",
        (200, 8_000),
        operation_ids_alike,
    ),
    Shape::new(
        "operation_ids_numbered",
        "n operationIds, half of which are the numbered names of the other half",
        (200, 8_000),
        operation_ids_numbered,
    ),
    Shape::new(
        "operations_unnamed",
        "n operations without operationId whose paths make the same name",
        (200, 8_000),
        operations_unnamed,
    ),
    Shape::new(
        "operation_policies",
        "n operations, each with a policy",
        (30, 3_000),
        operation_policies,
    ),
    Shape::new(
        "operation_policies_unknown",
        "n policies of operations that are none of n",
        (30, 3_000),
        operation_policies_unknown,
    ),
    Shape::new(
        "path_template",
        "a path of n parameters",
        (500, 100_000),
        path_template,
    ),
    Shape::new(
        "descriptions",
        "a description of n lines",
        (500, 40_000),
        descriptions,
    ),
    Shape::new(
        "swagger_definitions",
        "n definitions of Swagger 2.0 in YAML",
        (40, 10_000),
        swagger_definitions,
    ),
    Shape::new("many_apis", "n small APIs", (10, 2_000), many_apis),
];

fn operation(id: &str) -> String {
    format!(r#"{{"get":{{"operationId":"{id}","responses":{{"200":{{"description":"ok"}}}}}}}}"#)
}

fn paths(n: usize, id: impl Fn(usize) -> String) -> Input {
    let item = |i: usize| format!("\"/p{i}\":{}", operation(&id(i)));
    Tree::defined("specification.json", spec_of(&joined(n, ",", item))).into()
}

fn operations(n: usize) -> Input {
    let item = |i: usize| {
        format!(
            r#""/p{i}/{{id}}":{{"get":{{"operationId":"get-{i}","parameters":[{{"name":"id","in":"path","required":true,"schema":{{"type":"string"}}}},{{"name":"q","in":"query","schema":{{"type":"integer"}}}}],"responses":{{"200":{{"description":"ok"}}}}}}}}"#
        )
    };
    Tree::defined("specification.json", spec_of(&joined(n, ",", item))).into()
}

fn operation_ids_equal(n: usize) -> Input {
    paths(n, |_| "same".to_owned())
}

fn operation_ids_alike(n: usize) -> Input {
    paths(n, |i| format!("{}{i}", "a".repeat(76)))
}

fn operation_ids_numbered(n: usize) -> Input {
    paths(n, |i| {
        if i < n / 2 {
            format!("a-{}", i + 1)
        } else {
            "a".to_owned()
        }
    })
}

fn operations_unnamed(n: usize) -> Input {
    let item = |i: usize| {
        let path: String = (0..14)
            .map(|bit| if i >> bit & 1 == 0 { '!' } else { '+' })
            .collect();
        format!(r#""/p/{path}":{{"get":{{"responses":{{"200":{{"description":"ok"}}}}}}}}"#)
    };
    Tree::defined("specification.json", spec_of(&joined(n, ",", item))).into()
}

fn with_policies(n: usize, name: impl Fn(usize) -> String) -> Input {
    let item = |i: usize| format!("\"/p{i}\":{}", operation(&format!("get-{i}")));
    let mut tree = Tree::defined("specification.json", spec_of(&joined(n, ",", item)));
    for i in 0..n {
        let path = format!("apis/a/operations/{}/policy.xml", name(i));
        tree.add(&path, "<policies><inbound><base /></inbound></policies>");
    }
    tree.into()
}

fn operation_policies(n: usize) -> Input {
    with_policies(n, |i| format!("get-{i}"))
}

fn operation_policies_unknown(n: usize) -> Input {
    with_policies(n, |i| format!("got-{i}"))
}

fn path_template(n: usize) -> Input {
    let path = joined(n, "", |i| format!("/{{p{i}}}"));
    Tree::defined(
        "specification.json",
        spec_of(&format!("\"{path}\":{}", operation("g"))),
    )
    .into()
}

fn descriptions(n: usize) -> Input {
    let text = joined(n, "", |i| format!("line {i}\\n"));
    let item = format!(
        r#""/a":{{"get":{{"description":"{text}","responses":{{"200":{{"description":"ok"}}}}}}}}"#
    );
    Tree::defined("specification.json", spec_of(&item)).into()
}

fn swagger_definitions(n: usize) -> Input {
    let item = |i: usize| {
        let next = (i + 1) % n.max(1);
        format!(
            "  d{i}:\n    type: object\n    properties:\n      next: {{$ref: '#/definitions/d{next}'}}\n      p{i}: {{type: string}}\n"
        )
    };
    let text = format!(
        "swagger: '2.0'\ninfo: {{title: A, version: '1'}}\npaths:\n  /a:\n    get: {{responses: {{'200': {{description: ok}}}}}}\ndefinitions:\n{}",
        joined(n, "", item)
    );
    Tree::defined("specification.yaml", text).into()
}

fn many_apis(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.api(&format!("a{i}"), i);
    }
    tree.into()
}
