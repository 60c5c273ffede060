//! `flux-apim.yaml`, with where each value comes from.

use crate::quote::{remark, scalar};
use crate::{File, Look, Repository};
use flux_apim_diag::tree::join;
use flux_apim_diag::{HOME, Prerequisite};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How many resources are listed.
const SHOWN: usize = 100;

/// The file; `None` where the project has one.
pub(crate) fn file(look: &Look, needs: &[Prerequisite], repository: &Repository) -> Option<File> {
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
        text: text(look, needs, repository),
        adds: false,
    })
}

fn text(look: &Look, needs: &[Prerequisite], repository: &Repository) -> String {
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
    external(needs, &mut out);
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

fn external(needs: &[Prerequisite], out: &mut String) {
    out.push_str(
        "\n# Resources that are named here and managed elsewhere. Each must be on the service\n\
         # before this is deployed.\n",
    );
    // Each once, with the first file that names it; several checks may have found it.
    let mut listed: BTreeMap<&str, &str> = BTreeMap::new();
    for need in needs {
        if let Some(id) = &need.external {
            listed
                .entry(id)
                .or_insert(need.by.first().map_or("", String::as_str));
        }
    }
    out.push_str(match listed.is_empty() {
        true => "external: []\n",
        false => "external:\n",
    });
    for (id, file) in listed.into_iter().take(SHOWN) {
        let _ = writeln!(out, "  - {} # {}", scalar(id), remark(file, 160));
    }
}
