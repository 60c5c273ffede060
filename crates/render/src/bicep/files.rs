//! Writes the files of a plan: the module of each API, the parts, `main.bicep`.

use super::super::arm;
use super::super::piece::Writer;
use super::super::symbol::{Names, dns};
use super::super::{Rendered, writing};
use super::Project;
use super::declare::{Call, Declarations, What, runs};
use super::plan::{Entity, Plan, is_loop};
use flux_apim_diag::{Budget, Place};
use flux_apim_link::Node;
use flux_apim_model::Key;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

const MAIN: &str = "bicep/main.bicep";

/// Writes every file; the parameters of `main.bicep`.
pub(super) fn write<'g>(
    project: &'g Project<'g>,
    plan: &'g Plan<'g>,
    rendered: &mut Rendered,
    budget: &Budget,
) -> BTreeSet<&'g str> {
    let mut files = Files {
        project,
        plan,
        rendered,
        budget,
        names: Names::default(),
        calls: BTreeMap::new(),
    };
    let apis = plan.entities.iter().enumerate();
    for (e, entity) in apis {
        if let Entity::Api(api, nodes) = entity {
            let call = files.api(api, nodes);
            files.calls.insert(e, call);
        }
    }
    files.main()
}

struct Files<'g, 'r> {
    project: &'g Project<'g>,
    plan: &'g Plan<'g>,
    rendered: &'r mut Rendered,
    budget: &'r Budget,
    /// Of files in `modules/`.
    names: Names,
    /// By entity: the module of an API.
    calls: BTreeMap<usize, Call<'g>>,
}

/// A declaration: what others may wait for in it, what it waits for, what it is.
type Item<'g> = (Vec<usize>, Vec<usize>, What<'g>);

impl<'g> Files<'g, '_> {
    /// The module of an API.
    fn api(&mut self, api: &'g Key, nodes: &'g [usize]) -> Call<'g> {
        let label = match &api.workspace {
            Some(workspace) => format!("{workspace}-{}", self.project.labels.of(api.name())),
            None => self.project.labels.of(api.name()).to_owned(),
        };
        let name = self.names.numbered(&dns(&label, 80));
        let file = format!("{name}.bicep");
        let path: Arc<str> = format!("bicep/modules/{file}").into();
        let all = self.project.graph.nodes();
        let mut items: Vec<Item<'g>> = Vec::new();
        for run in runs(nodes, |a, b| is_loop(self.project.graph, a, b)) {
            let waits = run.iter().flat_map(|&i| all[i].depends_on.iter().copied());
            let waits: BTreeSet<usize> = waits.collect();
            let what = self.what(run, &path);
            items.push((run.to_vec(), waits.into_iter().collect(), what));
        }
        let is_whole = nodes.iter().any(|&i| all[i].key == *api);
        let mut declarations = Declarations::new(self.project, "../", Some(api));
        let mut body = self.declarations(&mut declarations, &items);
        if is_whole {
            let id = declarations.id(api);
            body.push(&format!(
                "\n@description('Id of the API.')\noutput id string = {id}\n"
            ));
        }
        let title = format!("API {}", self.project.labels.of(api.name()));
        let parameters = self.finish(declarations, body, &title, &path);
        Call {
            words: vec!["api".to_owned(), label],
            file,
            parameters,
            id_of: is_whole.then(|| api.clone()),
        }
    }

    /// A resource, a loop of links, or a call of the ARM template that a resource is.
    fn what(&mut self, run: &[usize], path: &Arc<str>) -> What<'g> {
        let graph = self.project.graph;
        if let [first, _, ..] = run {
            for &i in run {
                self.rendered.carries(path, i);
            }
            debug_assert!(self.project.measures[*first].weight.loads == 0);
            return What::Loop(run.iter().map(|&i| &graph.nodes()[i]).collect());
        }
        let i = run[0];
        let node = &graph.nodes()[i];
        if self.project.measures[i].is_template {
            return What::Call(self.template(i, node));
        }
        self.rendered.carries(path, i);
        What::Resource(node)
    }

    /// Writes the ARM template that a resource is.
    fn template(&mut self, i: usize, node: &'g Node) -> Call<'g> {
        let key = &node.key;
        let label = |name: &String| self.project.labels.of(name).to_owned();
        let workspace = key.workspace.iter().cloned();
        let names = workspace.chain(key.names.iter().map(label));
        let words = std::iter::once(key.kind.label().to_owned()).chain(names);
        let words: Vec<String> = words.collect();
        let name = self.names.numbered(&dns(&words.join("-"), 80));
        let file = format!("{name}.json");
        let path: Arc<str> = format!("bicep/modules/{file}").into();
        let (template, parameters) = arm::module(self.project.graph, i, &path, self.budget);
        self.rendered.push(template);
        self.rendered.carries(&path, i);
        let kind = key.kind.name().to_owned();
        Call {
            words: std::iter::once(kind)
                .chain(key.names.iter().map(label))
                .collect(),
            file,
            parameters,
            id_of: Some(key.clone()),
        }
    }

    /// `main.bicep`, and the parts that it calls; its parameters.
    fn main(mut self) -> BTreeSet<&'g str> {
        let plan = self.plan;
        if plan.parts.is_empty() {
            let parameters = self.entities(&(0..plan.entities.len()), "", MAIN, TITLE);
            return parameters.into_iter().collect();
        }
        let parts = plan.parts.iter().enumerate();
        let parts = parts.map(|(n, part)| self.part(n, part));
        let parts: Vec<Item<'g>> = parts.collect();
        let mut declarations = Declarations::new(self.project, "", None);
        let body = self.declarations(&mut declarations, &parts);
        let parameters = self.finish(declarations, body, TITLE, MAIN);
        parameters.into_iter().collect()
    }

    fn part(&mut self, n: usize, part: &Range<usize>) -> Item<'g> {
        let collection = self.plan.collection(part).unwrap_or("shared");
        let mut label = String::new();
        for c in collection.chars() {
            if c.is_ascii_uppercase() {
                label.push('-');
            }
            label.push(c.to_ascii_lowercase());
        }
        let name = self.names.numbered(&label);
        let file = format!("{name}.bicep");
        let title = format!("{TITLE}: {}", label.replace('-', " "));
        let path = format!("bicep/modules/{file}");
        let parameters = self.entities(part, "../", &path, &title);
        let call = Call {
            words: vec![name],
            file,
            parameters,
            id_of: None,
        };
        let waits = self.plan.parts_before(n).into_iter().collect();
        (vec![n], waits, What::Call(call))
    }

    /// A file of entities; its parameters.
    fn entities(
        &mut self,
        range: &Range<usize>,
        up: &'static str,
        path: &str,
        title: &str,
    ) -> Vec<&'g str> {
        let (plan, graph) = (self.plan, self.project.graph);
        let shared: Arc<str> = path.into();
        let ids: Vec<usize> = range.clone().collect();
        let is_loop = |a: usize, b: usize| match (&plan.entities[a], &plan.entities[b]) {
            (Entity::Resource(a), Entity::Resource(b)) => is_loop(graph, *a, *b),
            _ => false,
        };
        let mut items: Vec<Item<'g>> = Vec::new();
        for run in runs(&ids, is_loop) {
            let members = run[0]..run[run.len() - 1] + 1;
            let waits = plan.waits_for(&members);
            let nodes = run.iter().filter_map(|&e| match &plan.entities[e] {
                Entity::Resource(node) => Some(*node),
                Entity::Api(..) => None,
            });
            let nodes: Vec<usize> = nodes.collect();
            let what = match self.calls.get(&run[0]) {
                Some(call) => What::Call(call.clone()),
                None => self.what(&nodes, &shared),
            };
            items.push((run.to_vec(), waits, what));
        }
        let mut declarations = Declarations::new(self.project, up, None);
        let body = self.declarations(&mut declarations, &items);
        self.finish(declarations, body, title, path)
    }

    /// The declarations of `items`, which are in deployment order.
    fn declarations(&self, file: &mut Declarations<'g>, items: &[Item<'g>]) -> Writer {
        for (ids, _, what) in items {
            file.declare(ids, what);
        }
        let mut body = Writer::default();
        for (ids, waits, what) in items {
            let text = file.write(ids[0], what, waits);
            self.budget.spend(writing(text.len()), Place::Source);
            body.push(&text);
        }
        body
    }

    /// Adds the file; its parameters.
    fn finish(
        &mut self,
        file: Declarations<'g>,
        mut body: Writer,
        title: &str,
        path: &str,
    ) -> Vec<&'g str> {
        let steps = 20 * self.project.graph.parameters().len() as u64;
        self.budget.spend(steps, Place::Source);
        file.scope.finish(&mut body, title);
        self.rendered.push(body.file(path));
        file.scope.parameters.into_iter().collect()
    }
}

const TITLE: &str = "API Management configuration";
