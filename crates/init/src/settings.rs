//! `flux-apim.yaml`, with where each value comes from.

use crate::quote::{remark, scalar};
use crate::{File, Look, Missing, Repository};
use flux_apim_diag::HOME;
use flux_apim_diag::tree::join;
use std::collections::BTreeSet;
use std::fmt::Write;

/// How many references are listed of each sort.
const SHOWN: usize = 100;

/// The file; `None` where the project has one.
pub(crate) fn file(look: &Look, missing: &[Missing], repository: &Repository) -> Option<File> {
    if look.config.is_some() {
        return None;
    }
    // Beside the environments, as the root and the folder above it are looked through.
    let beside = look
        .environments
        .first()
        .and_then(|environment| environment.file.rsplit_once('/'));
    let folder = match (look.environments.is_empty(), beside) {
        (false, Some((folder, _))) => folder,
        (false, None) => "",
        (true, _) => look.root.rsplit_once('/').map_or("", |(above, _)| above),
    };
    Some(File {
        path: join(&repository.source, &join(folder, "flux-apim.yaml")),
        text: text(look, missing, repository),
        adds: false,
    })
}

fn text(look: &Look, missing: &[Missing], repository: &Repository) -> String {
    let mut out = format!(
        "# yaml-language-server: $schema={HOME}/raw/main/docs/flux-apim.schema.json\n\
         # Settings of flux-apim for this project; all of them: docs/layouts.md of flux-apim.\n#\n\
         # project: {}, laid out as {}\n",
        look.place(repository),
        look.layout()
    );
    for environment in &look.environments {
        let file = remark(&environment.file, 120);
        let _ = writeln!(out, "# environment: {} ({file})", environment.name);
    }
    out.push('\n');
    service(look, &mut out);
    external(missing, &mut out);
    out
}

fn service(look: &Look, out: &mut String) {
    let named: BTreeSet<&str> = look
        .environments
        .iter()
        .filter_map(|environment| environment.service.as_deref())
        .collect();
    let all = !look.environments.is_empty()
        && look
            .environments
            .iter()
            .all(|environment| environment.service.is_some());
    if all {
        out.push_str(
            "# The API Management service: each environment names its own (`apimServiceName`).\n",
        );
    } else if let (1, Some(service)) = (named.len(), named.first()) {
        // A single name is taken to be that of the others, too.
        let _ = writeln!(
            out,
            "# The API Management service, as an environment names it (`apimServiceName`). It is\n\
             # taken where an environment names none.\nservice: {}",
            scalar(service)
        );
        return;
    } else {
        out.push_str("# The API Management service: no file names it.\n");
    }
    out.push_str("# service: NAME\n");
}

fn external(missing: &[Missing], out: &mut String) {
    let (errors, expected): (Vec<&Missing>, Vec<&Missing>) =
        missing.iter().partition(|missing| missing.is_error);
    out.push_str(
        "\n# Resources that are named here and managed elsewhere. Each must be on the service\n\
         # before this is deployed.\n",
    );
    if expected.is_empty() {
        out.push_str("external: []\n");
    } else {
        out.push_str("external:\n");
    }
    for missing in expected.iter().take(SHOWN) {
        let place = remark(&missing.place, 160);
        let _ = writeln!(out, "  - {} # {place}", scalar(&missing.id));
    }
    if errors.is_empty() {
        return;
    }
    out.push_str(
        "# What follows is named and not in the tree, which is an error. Mend the name, add the\n\
         # resource, or list it above when it is managed elsewhere:\n",
    );
    for missing in errors.iter().take(SHOWN) {
        let (place, code) = (remark(&missing.place, 160), missing.code);
        let _ = writeln!(out, "#  - {} # {code} at {place}", scalar(&missing.id));
    }
}
