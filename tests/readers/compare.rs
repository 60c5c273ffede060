use serde_json::{Value, json};

use crate::refused;
use crate::support::compare::{
    Order, aso_differences, assert_aso_subset, assert_equivalent, differences,
};
use crate::support::{ParamInfo, ReadBundle, ReadResource};

fn bundle(resources: &[(&str, &str, Value, &[&str])]) -> ReadBundle {
    let mut bundle = ReadBundle::default();
    for (type_, name, properties, depends_on) in resources {
        let depends_on = depends_on.iter().map(|d| (*d).to_owned()).collect();
        let (type_, name) = ((*type_).to_owned(), (*name).to_owned());
        bundle
            .insert(ReadResource {
                type_,
                name,
                properties: properties.clone(),
                depends_on,
                condition: None,
            })
            .unwrap();
    }
    bundle
}

fn sample(direct: &[&str]) -> ReadBundle {
    bundle(&[
        (
            "t",
            "a",
            json!({"x": [1, {"k/y": "one two three"}], "z": null}),
            &[],
        ),
        ("t", "b", json!({}), &["t|a"]),
        ("t", "c", json!({}), direct),
    ])
}

#[test]
fn same_order_by_another_way() {
    assert_equivalent(&sample(&["t|b"]), &sample(&["t|a", "t|b"]));
}

#[test]
fn every_difference_is_named() {
    let left = sample(&["t|b"]);
    let changed = |change: &dyn Fn(&mut ReadBundle)| {
        let mut right = left.clone();
        change(&mut right);
        let found = differences(&left, &right, Order::Same).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    };
    let a = ("t".to_owned(), "a".to_owned());
    let properties = |b: &mut ReadBundle, v: Value| {
        b.resources
            .get_mut(&("t".into(), "a".into()))
            .unwrap()
            .properties = v;
    };
    let diff = changed(&|b| properties(b, json!({"z": null, "x": [1, {"k/y": "one two 3"}]})));
    assert_eq!(
        diff,
        "t|a#/x/1/k~1y: from character 0: \"one two three\" / \"one two 3\""
    );
    assert_eq!(
        changed(&|b| properties(b, json!({"x": [1, {"k/y": "one two three"}]}))),
        "t|a#/z: null / absent"
    );
    assert_eq!(
        changed(&|b| properties(b, json!({"x": [1], "z": null}))),
        "t|a#/x: [1,{\"k/y\":\"one two three\"}] / [1]"
    );
    assert_eq!(
        changed(&|b| drop(b.resources.remove(&("t".into(), "c".into())))),
        "t|c: only left"
    );
    let depends = |b: &mut ReadBundle, on: &[&str]| {
        b.resources
            .get_mut(&("t".into(), "c".into()))
            .unwrap()
            .depends_on = on.iter().map(|d| (*d).to_owned()).collect();
    };
    assert_eq!(
        changed(&|b| depends(b, &["t|a"])),
        "t|c: waits for t|b only left"
    );
    let info = ParamInfo {
        secure: true,
        value: None,
    };
    assert!(
        changed(&|b| drop(b.parameters.insert("p".into(), info.clone())))
            .starts_with("parameter p")
    );
    assert!(left.resources.contains_key(&a));
}

#[test]
fn a_weaker_rule_for_the_order() {
    let (less, more) = (sample(&["t|a"]), sample(&["t|b"]));
    assert_eq!(differences(&less, &more, Order::AtLeast).unwrap().len(), 0);
    assert_eq!(differences(&less, &more, Order::Same).unwrap().len(), 1);
    assert_eq!(differences(&more, &less, Order::AtLeast).unwrap().len(), 1);
}

#[test]
fn no_order_at_all() {
    refused(sample(&["t|none"]).closures(), "not a resource here");
    refused(sample(&["t|c"]).closures(), "depends on itself");
}

#[test]
#[should_panic(expected = "t|c: only left")]
fn assert_equivalent_panics() {
    assert_equivalent(
        &sample(&[]),
        &bundle(&[
            (
                "t",
                "a",
                json!({"x": [1, {"k/y": "one two three"}], "z": null}),
                &[],
            ),
            ("t", "b", json!({}), &["t|a"]),
        ]),
    );
}

#[test]
fn aso_is_a_subset() {
    let arm = bundle(&[
        (
            "t",
            "a",
            json!({"secret": "param:s", "key": "param:k", "deep": [{"p": "param:x", "u": 1}], "credentials": {"k": "{{nv}}"}}),
            &[],
        ),
        ("u", "b", json!({}), &[]),
    ]);
    let aso = bundle(&[(
        "t",
        "a",
        json!({"key": "secret:s/k", "deep": [{"u": 1}], "credentials": "secretmap:s"}),
        &[],
    )]);
    assert_aso_subset(&arm, &aso, &["u"]);
    assert_aso_subset(&arm, &aso, &["u|b"]);
    assert_eq!(aso_differences(&arm, &aso, &[]), ["u|b: not in ASO"]);
    let clear = bundle(&[(
        "t",
        "a",
        json!({"key": "clear", "deep": [{"u": 1}], "credentials": "secretmap:s"}),
        &[],
    )]);
    assert_eq!(aso_differences(&arm, &clear, &["u"]).len(), 1);
    let more = bundle(&[
        (
            "t",
            "a",
            json!({"key": "secret:s/k", "deep": [{"u": 2}], "new": 1, "credentials": "secretmap:s"}),
            &[],
        ),
        ("t", "z", json!({}), &[]),
    ]);
    let found = aso_differences(&arm, &more, &["u"]);
    assert_eq!(
        found,
        [
            "t|a#/deep/0/u: 1 / 2",
            "t|a#/new: absent / 1",
            "t|z: only in ASO"
        ]
    );
}
