//! Definitions that are no OpenAPI: WSDL, WADL, OData, GraphQL, protobuf.

use crate::tree::{Tree, joined};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "wsdl_ports",
        "a WSDL service with n ports and a name of n letters",
        (300, 50_000),
        wsdl_ports,
    ),
    Shape::new(
        "wsdl_namespaces",
        "n prefixes declared at the root, n elements that use the first",
        (200, 20_000),
        wsdl_namespaces,
    ),
    Shape::new(
        "wsdl_nested",
        "n elements inside each other, each declaring a prefix",
        (300, 40_000),
        wsdl_nested,
    ),
    Shape::new(
        "wsdl_attributes",
        "a port with n attributes",
        (500, 100_000),
        wsdl_attributes,
    ),
    Shape::new("wadl", "n resources of a WADL document", (75, 20_000), wadl),
    Shape::new(
        "odata",
        "n entity types of OData metadata",
        (75, 20_000),
        odata,
    ),
    Shape::new(
        "graphql",
        "n types of a GraphQL schema",
        (180, 50_000),
        graphql,
    ),
    Shape::new(
        "proto",
        "n messages of a protobuf file",
        (200, 50_000),
        proto,
    ),
    Shape::new(
        "xml_text",
        "n entities, comments and CDATA sections",
        (120, 50_000),
        xml_text,
    ),
];

const WSDL: &str = "xmlns=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\"";
const SERVICE: &str =
    "<service name=\"s\"><port name=\"p\"><soap:address location=\"https://x\"/></port></service>";

fn wsdl(attributes: &str, inside: &str) -> Input {
    let text = format!("<definitions {WSDL} {attributes}>{inside}{SERVICE}</definitions>");
    Tree::defined("specification.wsdl", text).into()
}

fn wsdl_ports(n: usize) -> Input {
    let ports = joined(n, "", |i| format!("<port name=\"p{i}\"/>"));
    wsdl(
        "",
        &format!("<service name=\"{}\">{ports}</service>", "s".repeat(n)),
    )
}

fn wsdl_namespaces(n: usize) -> Input {
    let prefixes = joined(n, " ", |i| format!("xmlns:p{i}=\"urn:{i}\""));
    wsdl(&prefixes, &joined(n, "", |_| "<p0:x/>".to_owned()))
}

fn wsdl_nested(n: usize) -> Input {
    let open = joined(n, "", |i| format!("<soap:x xmlns:q{i}=\"urn:{i}\">"));
    wsdl("", &format!("{open}{}", "</soap:x>".repeat(n)))
}

fn wsdl_attributes(n: usize) -> Input {
    let attributes = joined(n, " ", |i| format!("a{i}=\"{i}\""));
    wsdl(
        "",
        &format!("<service {attributes} name=\"t\"><port {attributes} name=\"p\"/></service>"),
    )
}

fn wadl(n: usize) -> Input {
    let resources = joined(n, "", |i| {
        format!("<resource path=\"p{i}\"><method name=\"GET\" id=\"g{i}\"/></resource>")
    });
    let text = format!(
        "<application xmlns=\"http://wadl.dev.java.net/2009/02\"><resources base=\"https://x\">{resources}</resources></application>"
    );
    Tree::defined("specification.wadl", text).into()
}

fn odata(n: usize) -> Input {
    let types = joined(n, "", |i| {
        format!("<EntityType Name=\"T{i}\"><Property Name=\"Id\" Type=\"Edm.Int32\"/></EntityType>")
    });
    let text = format!(
        "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices><Schema Namespace=\"N\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">{types}</Schema></edmx:DataServices></edmx:Edmx>"
    );
    Tree::defined("specification.edmx", text).into()
}

fn graphql(n: usize) -> Input {
    let types = joined(n, "\n", |i| {
        format!("type T{i} {{\n  id: ID!\n  next: [T{}]\n}}", i + 1)
    });
    Tree::defined(
        "specification.graphql",
        format!("type Query {{ t: T0 }}\n{types}\n"),
    )
    .into()
}

fn proto(n: usize) -> Input {
    let messages = joined(n, "\n", |i| format!("message M{i} {{ string id = 1; }}"));
    Tree::defined(
        "specification.proto",
        format!("syntax = \"proto3\";\n{messages}\n"),
    )
    .into()
}

fn xml_text(n: usize) -> Input {
    let text = joined(n, "", |i| {
        format!("&lt;{i}&amp;<!-- - {i} --><![CDATA[ ]] > {i} ]]>")
    });
    wsdl("", &format!("<documentation>{text}</documentation>"))
}
