//! What a text in an information file or an environment file names: a named value, or
//! another resource.

use crate::go_to::with_document;
use crate::names::{Named, Names};
use crate::work::World;
use flux_apim_model::Kind;
use flux_apim_syntax::NodeRef;

/// Something that is named, and the bytes that name it.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) span: (u32, u32),
    workspace: Option<String>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// `{{name}}`
    NamedValue(String),
    /// What it may be, the likeliest first.
    Resource(Vec<(Kind, Vec<String>)>),
}

impl Reference {
    /// What it is in the project, if it is there.
    pub(crate) fn find<'n>(&self, names: &'n Names) -> Option<&'n Named> {
        let workspace = self.workspace.as_deref();
        match &self.what {
            What::NamedValue(name) => names.named_value(workspace, name),
            What::Resource(list) => list
                .iter()
                .find_map(|(kind, id)| names.with_id(workspace, *kind, id)),
        }
    }
}

/// The way from the root of a document to a text in it.
#[derive(Debug, Default)]
struct Trail<'d> {
    /// Keys, and objects that are items of a list.
    steps: Vec<Step<'d>>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'d> {
    Key(&'d str),
    Item(NodeRef<'d>),
}

/// What the text at the byte `at` names.
pub(crate) fn named(world: &dyn World, path: &str, text: &str, at: usize) -> Option<Reference> {
    with_document(world, path, text, |document| {
        let root = document.root();
        // A definition has names and paths of its own.
        if ["openapi", "swagger"]
            .iter()
            .any(|key| root.get(key).is_some())
        {
            return None;
        }
        let (value, trail) = trail(root, at)?;
        let said = value.as_scalar()?;
        let span = value.span();
        let (workspace, entry) = trail.entry();
        let workspace = workspace.or_else(|| workspace_of(path));
        let whole = |what: What| Reference {
            span: (span.start, span.end),
            workspace: workspace.clone(),
            what,
        };
        if let Some((start, end, name)) = named_value(text, span.start, span.end, at) {
            return Some(Reference {
                span: (start, end),
                workspace: workspace.clone(),
                what: What::NamedValue(name),
            });
        }
        if said.contains('/') {
            let (workspace, list) = by_path(said);
            let reference = whole(What::Resource(list));
            return Some(Reference {
                workspace: workspace.or(reference.workspace),
                ..reference
            });
        }
        if trail.key() == Some("name")
            && let Some((kind, names)) = entry
        {
            return Some(whole(What::Resource(vec![(kind, names)])));
        }
        let list = by_key(&trail, path).map(|kind| (kind, vec![said.to_owned()]));
        Some(whole(What::Resource(list.collect())))
    })
}

/// The text at the byte `at`, and the way there.
fn trail(root: NodeRef<'_>, at: usize) -> Option<(NodeRef<'_>, Trail<'_>)> {
    let holds = |node: NodeRef<'_>| {
        let span = node.span();
        span.start as usize <= at && at < span.end as usize
    };
    let mut trail = Trail::default();
    let mut node = root;
    loop {
        if let Some((key, value)) = node.entries().find(|(_, value)| holds(*value)) {
            trail.steps.push(Step::Key(key.as_str()?));
            node = value;
        } else if let Some(item) = node.items().find(|item| holds(*item)) {
            trail.steps.push(Step::Item(item));
            node = item;
        } else {
            return node.as_scalar().map(|_| (node, trail));
        }
    }
}

impl<'d> Trail<'d> {
    /// The key of the text, or of the list that it is in.
    fn key(&self) -> Option<&'d str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(*key),
            Step::Item(_) => None,
        })
    }

    /// The entry of an environment file around: the workspace, the kind and the names.
    fn entry(&self) -> (Option<String>, Option<(Kind, Vec<String>)>) {
        let (mut workspace, mut found) = (None, None);
        let (mut parent, mut names) = (None, Vec::new());
        for pair in self.steps.windows(2) {
            let [Step::Key(section), Step::Item(entry)] = *pair else {
                continue;
            };
            let kind = Kind::sections(parent).find(|(_, own)| *own == section);
            let name = entry.get("name").and_then(NodeRef::as_scalar);
            let (Some((kind, _)), Some(name)) = (kind, name) else {
                break;
            };
            if kind == Kind::Workspace {
                workspace = Some(name.to_owned());
                found = Some((kind, vec![name.to_owned()]));
                continue;
            }
            names.push(name.to_owned());
            parent = Some(kind);
            found = Some((kind, names.clone()));
        }
        // A workspace itself lies in the service.
        let inside = workspace.filter(|_| !matches!(found, Some((Kind::Workspace, _))));
        (inside, found)
    }
}

/// The workspace that a file lies in.
fn workspace_of(path: &str) -> Option<String> {
    let mut parts = path.split('/');
    parts.find(|part| *part == "workspaces")?;
    let name = parts.next().filter(|_| parts.next().is_some());
    name.map(str::to_owned)
}

/// The `{{name}}` around the byte `at`, between two bytes of the text.
fn named_value(text: &str, start: u32, end: u32, at: usize) -> Option<(u32, u32, String)> {
    let (start, end) = (start as usize, end as usize);
    let before = text.get(start..at)?;
    let open = start
        + before.rfind("{{").or_else(|| {
            // The first brace itself is pointed at.
            text.get(at..end)?.starts_with("{{").then_some(at - start)
        })?;
    let inside = text.get(open + 2..end)?;
    let len = inside.find("}}")?;
    let close = open + 2 + len + 2;
    let name = inside.get(..len)?.trim();
    (at < close && !name.is_empty())
        .then(|| {
            Some((
                u32::try_from(open).ok()?,
                u32::try_from(close).ok()?,
                name.to_owned(),
            ))
        })
        .flatten()
}

/// What an id means: `/products/p`, also with what stands before it in ARM. Longer parts
/// come first.
fn by_path(id: &str) -> (Option<String>, Vec<(Kind, Vec<String>)>) {
    let mut parts: Vec<&str> = id.split('/').filter(|part| !part.is_empty()).collect();
    let service = parts
        .iter()
        .position(|part| part.eq_ignore_ascii_case("service"));
    if let Some(service) = service {
        parts.drain(..(service + 2).min(parts.len()));
    }
    let mut workspace = None;
    if let [first, name, _, ..] = parts[..]
        && first.eq_ignore_ascii_case("workspaces")
    {
        workspace = Some(name.to_owned());
        parts.drain(..2);
    }
    let mut list = Vec::new();
    for count in (1..=parts.len() / 2).rev() {
        let pairs = parts.chunks(2).take(count);
        let (kinds, names): (Vec<&str>, Vec<String>) = pairs
            .filter_map(|pair| Some((*pair.first()?, (*pair.get(1)?).to_owned())))
            .unzip();
        list.extend(Kind::by_arm(&kinds.join("/")).map(|kind| (kind, names)));
    }
    (workspace, list)
}

/// Kinds that a bare name may be of: by the key that it stands under, or by the list that
/// the file is.
fn by_key<'t>(trail: &'t Trail<'_>, path: &'t str) -> impl Iterator<Item = Kind> + 't {
    let key = trail.key().unwrap_or("");
    let last = |path: &'static str| path.rsplit(['.', ']']).next().unwrap_or(path);
    let rows = Kind::ALL.iter().map(|kind| kind.row());
    let of_row = rows.flat_map(move |row| {
        let references = row.references.iter();
        let references = references.filter(move |own| last(own.path) == key);
        let names = row.names.iter().filter(move |(path, _)| last(path) == key);
        let references = references.flat_map(|own| own.targets.iter().copied());
        references.chain(names.map(|(_, kind)| *kind))
    });
    // `products/p/apis.json` has the names of APIs.
    let file = path.rsplit('/').next().unwrap_or(path);
    let listed = file.strip_suffix(".json").and_then(Kind::by_arm);
    let listed = listed.filter(|_| matches!(key, "" | "name"));
    of_row.chain(listed)
}
