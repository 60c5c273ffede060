//! What the printers print.

use super::{Documents, composed, read};
use crate::effective::{html, json, mermaid, xml};
use crate::{Root, parse};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Budget, Findings};

fn documents() -> Documents<'static> {
    read(&[
        (
            "global",
            "<policies>\n  <inbound>\n    <cors>\n      <allowed-origins />\n    </cors>\n  </inbound>\n</policies>",
        ),
        (
            "api",
            "<policies>\n  <inbound>\n    <base />\n    <include-fragment fragment-id=\"f\" />\n    \
             <include-fragment fragment-id=\"g--h\" />\n    <choose>\n      \
             <when condition=\"@(1 < 2 && \"a\" == \"b\")\">\n        <return-response />\n      </when>\n    \
             </choose>\n    <set-body>a & b</set-body>\n  </inbound>\n</policies>",
        ),
        (
            "fragment f",
            "<fragment><!-- flux-apim: x --><!-- y --><t s='1' /></fragment>",
        ),
    ])
}

#[test]
fn xml_says_where_parts_come_from() {
    let documents = documents();
    let effective = composed(&documents);
    let text = xml(&effective, &Budget::default().meter());
    let wanted = "<policies>
    <inbound>
        <!-- global, global:3 -->
        <cors>
            <allowed-origins />
        </cors>
        <!-- fragment f, fragment f:1 -->
        <!-- y -->
        <t s='1' />
        <!-- api, api:5 -->
        <!-- fragment g- -h: not among the sources -->
        <choose>
            <when condition=\"@(1 < 2 && \"a\" == \"b\")\">
                <return-response />
            </when>
        </choose>
        <!-- api, api:11 -->
        <set-body>a & b</set-body>
    </inbound>
    <backend>
    </backend>
    <outbound>
    </outbound>
    <on-error>
    </on-error>
</policies>
";
    assert_eq!(text, wanted);
    let mut findings = Findings::from(Vec::new());
    parse(FileId(0), &text, Root::Policies, 256, &mut findings);
    assert_eq!(findings.len(), 0);
}

#[test]
fn json_is_json_with_places() {
    let documents = documents();
    let effective = composed(&documents);
    let text = json(&effective, &Budget::default().meter());
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let inbound = &value["sections"]["inbound"];
    let base = serde_json::json!({
        "base": "global", "source": 1, "line": 3, "parts": [
            {"element": "cors", "source": 0, "line": 3, "parts": [
                {"element": "allowed-origins", "source": 0, "line": 4}
            ]}
        ]
    });
    assert_eq!(inbound[0], base);
    assert_eq!(inbound[1]["state"], "included");
    assert_eq!(inbound[2]["state"], "missing");
    let when = &inbound[3]["parts"][0];
    assert_eq!(
        when["attributes"]["condition"],
        "@(1 < 2 && \"a\" == \"b\")"
    );
    assert_eq!(inbound[4]["text"], "a & b");
    assert_eq!(value["sources"][2]["name"], "f");
    assert_eq!(value["sections"]["outbound"], serde_json::json!([]));
}

#[test]
fn charts_fork_and_come_together() {
    let documents = documents();
    let effective = composed(&documents);
    let text = mermaid(&effective, &Budget::default().meter());
    let wanted = "flowchart TD
  subgraph inbound
    n0[\"cors<br/>global:3\"]
    n1[\"t<br/>1<br/>fragment f:1\"]
    n0 --> n1
    n2(\"include-fragment<br/>g--h<br/>api:5\")
    n1 --> n2
    n3{\"choose<br/>api:6\"}
    n2 --> n3
    n4([\"when<br/>#64;#40;1 #60; 2 #38;#38; #34;a#34; #61;#61; #34;b#34;#41;<br/>api:7\"])
    n3 --> n4
    n5[[\"return-response<br/>api:8\"]]
    n4 --> n5
    n6[\"set-body<br/>api:11\"]
    n3 --> n6
  end
  subgraph backend
  end
  subgraph outbound
  end
  subgraph on-error
  end
";
    assert_eq!(text, wanted);
}

#[test]
fn pages_escape_what_they_show() {
    let documents = documents();
    let effective = composed(&documents);
    let page = html(&effective, &Budget::default().meter());
    assert!(page.contains("&lt;when condition=&quot;@(1 &lt; 2 &amp;&amp; &quot;a&quot;"));
    assert!(page.contains("<tr class=\"fragment\"><td>fragment f, fragment f:1</td>"));
    assert!(!page.contains("<set-body"));
    assert!(!page.contains("src=") && !page.contains("http"));
}
