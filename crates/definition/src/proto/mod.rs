//! gRPC: whether a `.proto` file is one that Azure can read.

mod parser;

use crate::rules::{invalid_proto, proto_import, proto_without_service, unknown_proto_type};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Meter, nearest};

const SCALARS: [&str; 15] = [
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32",
    "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes",
];

/// Says what is wrong with the file `text`.
pub(super) fn check(file: FileId, text: &str, meter: &Meter, findings: &mut Findings) {
    let _held = meter.budget().hold(6 * text.len(), file);
    let proto = match parser::parse(file, text, meter) {
        Ok(proto) => proto,
        Err(fault) => return findings.push(invalid_proto::found(fault.span, &fault.message)),
    };
    // What every compiler brings along.
    let is_known = |path: &str| path.starts_with("google/");
    // Its types may be called by less than their names.
    let mut complete = !proto.package.starts_with("google");
    for (path, at) in &proto.imports {
        if !is_known(path) {
            complete = false;
            findings.push(proto_import::found(*at, path));
        }
    }
    if proto.services == 0 {
        findings.push(proto_without_service::found(file));
    }
    if !complete {
        return;
    }
    for named in &proto.named {
        meter.spend(1 + proto.depth(named.scope) as u64, named.at);
        let name = named.name.as_str();
        let own = SCALARS.contains(&name) || name.trim_start_matches('.').starts_with("google.");
        if !own && !proto.has(named) {
            let near = findings.hint(|| {
                let names = proto.types.iter().map(|(_, name)| *name);
                nearest(name, names.chain(SCALARS))
            });
            findings.push(unknown_proto_type::found(named.at, name, near));
        }
    }
}
