//! Evaluates parsed Bicep files into resources.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::bicep_syntax::{Declaration, Expr, Kind, Part};
use super::{
    Files, ParamInfo, ReadBundle, ReadResource, Res, SERVICE, SERVICE_PARAM, bicep, fold_reference,
    id, local_name, reference, shared_function, to_text,
};

/// Limits of the compiler, in UTF-16 units.
pub(crate) const MAX_TEXT: usize = 131_072;
const MAX_JSON: usize = 1_048_576;
const MAX_PARAMETERS: usize = 256;
const MAX_MODULE_NAME: usize = 64;
/// Resources of a template, modules and `existing` ones counted.
const MAX_RESOURCES: usize = 800;
/// Variables of a template: each text that is loaded is one. 256 are documented.
const MAX_LOADS: usize = 250;

/// `type|name` of resources.
type Deps = BTreeSet<String>;

/// What evaluation adds up over all files.
pub(crate) struct Evaluator<'a> {
    files: &'a Files,
    /// Resources and parameters found.
    pub(crate) bundle: ReadBundle,
    /// What the linter would say.
    pub(crate) lints: Vec<String>,
    /// Files that some statement reads.
    pub(crate) used_files: BTreeSet<String>,
    depth: u32,
}

impl<'a> Evaluator<'a> {
    /// Nothing read yet.
    pub(crate) fn new(files: &'a Files) -> Self {
        Self {
            files,
            bundle: ReadBundle::default(),
            lints: Vec::new(),
            used_files: BTreeSet::new(),
            depth: 0,
        }
    }

    /// A file named relative to another; no way out of the bundle's folder.
    fn load(&mut self, from: &str, path: &str) -> Res<(String, &'a str)> {
        let mut parts: Vec<&str> = from.split('/').collect();
        parts.pop();
        for part in path.split('/') {
            match part {
                "." => {}
                ".." => drop(parts.pop()),
                "" => return Err(format!("{path} is not a relative path")),
                part if part.contains('\\') => return Err(format!("{path} has a backslash")),
                part => parts.push(part),
            }
        }
        let full = parts.join("/");
        if !full.starts_with("bicep/") {
            return Err(format!("{path} is outside the folder"));
        }
        let text = self
            .files
            .get(&full)
            .ok_or_else(|| format!("{full} is missing"))?;
        self.used_files.insert(full.clone());
        Ok((full, text.strip_prefix('\u{feff}').unwrap_or(text)))
    }
}

/// One file with its parameters bound.
pub(crate) struct Module {
    file: String,
    declarations: BTreeMap<String, Kind>,
    outputs: BTreeMap<String, Expr>,
    bound: BTreeMap<String, Value>,
    /// What everything in here waits for.
    outer: Deps,
    /// Resources of the modules that are done, by symbol.
    modules: RefCell<BTreeMap<String, Option<Done>>>,
    used: RefCell<BTreeSet<String>>,
    /// What the loop that is evaluated calls its item.
    items: RefCell<BTreeMap<String, Value>>,
    /// Files that it loads.
    loads: RefCell<BTreeSet<String>>,
}

/// A module that has been evaluated.
#[derive(Clone)]
struct Done {
    resources: Deps,
    outputs: BTreeMap<String, Value>,
}

/// A `resource` statement, evaluated but for its properties.
struct Head {
    type_: String,
    /// With the service.
    full_name: String,
    /// As the `name` property has it.
    declared_name: String,
    /// What parent, name and dependsOn bring.
    wait: Deps,
    existing: bool,
}

impl Module {
    fn open(eval: &mut Evaluator<'_>, file: &str) -> Res<Self> {
        let mut declarations = BTreeMap::new();
        let mut outputs = BTreeMap::new();
        eval.used_files.insert(file.to_owned());
        for Declaration { name, kind } in bicep::parse(eval.files, file)? {
            match kind {
                Kind::Output(value) => drop(outputs.insert(name, value)),
                Kind::Using(_) | Kind::Param { type_: None, .. } => {
                    return Err(format!("{file}: {name} belongs into a parameters file"));
                }
                kind => drop(declarations.insert(name, kind)),
            }
        }
        if declarations
            .values()
            .filter(|k| matches!(k, Kind::Param { .. }))
            .count()
            > MAX_PARAMETERS
        {
            return Err(format!("{file}: more than {MAX_PARAMETERS} parameters"));
        }
        Ok(Self {
            file: file.into(),
            declarations,
            outputs,
            bound: BTreeMap::new(),
            outer: Deps::new(),
            modules: RefCell::default(),
            used: RefCell::default(),
            items: RefCell::default(),
            loads: RefCell::default(),
        })
    }

    /// The main file, with what the parameters file assigns.
    pub(crate) fn root(
        eval: &mut Evaluator<'_>,
        file: &str,
        assigned: &BTreeMap<String, Expr>,
    ) -> Res<Self> {
        let mut module = Self::open(eval, file)?;
        if let Some(name) = assigned
            .keys()
            .find(|n| !matches!(module.declarations.get(*n), Some(Kind::Param { .. })))
        {
            return Err(format!(
                "parameters file: {name} is not a parameter of {file}"
            ));
        }
        for (name, kind) in &module.declarations {
            let Kind::Param {
                default, secure, ..
            } = kind
            else {
                continue;
            };
            let outside = |e: &Expr| matches!(e, Expr::Call(f, _) if f == "readEnvironmentVariable" || f == "getSecret" || f == "externalInput");
            let expr = assigned.get(name).or(default.as_ref());
            if expr.is_none() {
                eval.lints
                    .push(format!("BCP258: {name} has neither default nor assignment"));
            }
            let expr = expr.filter(|e| !outside(e));
            let value = expr
                .map(|e| module.value(eval, e, &mut Deps::new()))
                .transpose()?;
            if *secure && value.as_ref().is_some_and(|v| v.as_str() != Some("")) {
                return Err(format!("secure parameter {name} has its value in clear"));
            }
            let value = value.filter(|_| !secure);
            let bound = value
                .clone()
                .unwrap_or_else(|| format!("param:{name}").into());
            let bound = if name == SERVICE_PARAM {
                SERVICE.into()
            } else {
                bound
            };
            eval.bundle.parameters.insert(
                name.clone(),
                ParamInfo {
                    secure: *secure,
                    value,
                },
            );
            module.bound.insert(name.clone(), bound);
        }
        Ok(module)
    }

    /// Adds every resource of the file and of its modules.
    pub(crate) fn resources(&self, eval: &mut Evaluator<'_>) -> Res<Deps> {
        let mut keys = Deps::new();
        let mut count = 0;
        for (symbol, kind) in &self.declarations {
            let context = |e: String| format!("{}: {symbol}: {e}", self.file);
            match kind {
                Kind::Resource {
                    existing: true,
                    condition: None,
                    each: None,
                    ..
                } => count += 1,
                Kind::Resource { existing: true, .. } => {
                    return Err(context("an existing resource in a loop".into()));
                }
                Kind::Resource { .. } => {
                    let own = self.declared(eval, symbol).map_err(context)?;
                    count += own.len();
                    keys.extend(own);
                }
                Kind::Module { .. } => {
                    count += 1;
                    keys.extend(self.module(eval, symbol).map_err(context)?.resources);
                }
                _ => {}
            }
        }
        if count > MAX_RESOURCES {
            return Err(format!("{}: {count} resources", self.file));
        }
        let loads = self.loads.borrow().len();
        if loads > MAX_LOADS {
            return Err(format!("{}: {loads} texts are loaded", self.file));
        }
        for (symbol, kind) in &self.declarations {
            let used = self.used.borrow().contains(symbol);
            if !used
                && !matches!(
                    kind,
                    Kind::Resource {
                        existing: false,
                        ..
                    } | Kind::Module { .. }
                )
            {
                eval.lints.push(format!(
                    "{}: {symbol} is declared but never used",
                    self.file
                ));
            }
        }
        Ok(keys)
    }

    /// The resources of a declaration: one, or those of a loop.
    fn declared(&self, eval: &mut Evaluator<'_>, symbol: &str) -> Res<Vec<String>> {
        let Some(Kind::Resource { each, body, .. }) = self.declarations.get(symbol) else {
            return Err(format!("{symbol} is not a resource"));
        };
        if each.is_none() {
            return Ok(vec![self.resource(eval, symbol, body)?]);
        }
        let mut before: Option<String> = None;
        self.each(eval, symbol, |eval| {
            let key = self.resource(eval, symbol, body)?;
            // `@batchSize(1)`: one after the other.
            let batch = each.as_ref().and_then(|each| each.batch);
            if let (Some(1), Some(before)) = (batch, &before) {
                let key = key
                    .split_once('|')
                    .map(|(t, n)| (t.to_owned(), n.to_owned()));
                let resource = key.and_then(|key| eval.bundle.resources.get_mut(&key));
                resource
                    .ok_or("a link that is not there")?
                    .depends_on
                    .insert(before.clone());
            }
            before = Some(key.clone());
            Ok(key)
        })
    }

    /// Runs `run` with the item of a loop bound to each of its list.
    fn each<T>(
        &self,
        eval: &mut Evaluator<'_>,
        symbol: &str,
        mut run: impl FnMut(&mut Evaluator<'_>) -> Res<T>,
    ) -> Res<Vec<T>> {
        let Some(Kind::Resource {
            each: Some(each), ..
        }) = self.declarations.get(symbol)
        else {
            return Err(format!("{symbol} is not a loop"));
        };
        let list = self.value(eval, &each.list, &mut Deps::new())?;
        let list = list.as_array().ok_or("a loop over no array")?.clone();
        if list.is_empty() || list.len() > MAX_RESOURCES {
            return Err(format!("a loop over {} items", list.len()));
        }
        let mut done = Vec::new();
        for item in list {
            let outer = self.items.borrow_mut().insert(each.item.clone(), item);
            let result = run(eval);
            let mut items = self.items.borrow_mut();
            match outer {
                Some(outer) => drop(items.insert(each.item.clone(), outer)),
                None => drop(items.remove(&each.item)),
            }
            done.push(result?);
        }
        Ok(done)
    }

    /// The parameter that must not be empty for a resource to be deployed.
    fn condition(&self, eval: &mut Evaluator<'_>, symbol: &str) -> Res<Option<String>> {
        let Some(Kind::Resource {
            condition: Some(condition),
            ..
        }) = self.declarations.get(symbol)
        else {
            return Ok(None);
        };
        let parameter = match condition {
            Expr::Not(inner) => match &**inner {
                Expr::Call(name, args) if name == "empty" => args.first(),
                _ => None,
            },
            _ => None,
        };
        let parameter = parameter.ok_or_else(|| format!("condition {condition:?}"))?;
        let value = self.value(eval, parameter, &mut Deps::new())?;
        Ok(value.as_str().map(str::to_owned))
    }

    fn resource(&self, eval: &mut Evaluator<'_>, symbol: &str, body: &Expr) -> Res<String> {
        let head = self.head(eval, symbol)?;
        let mut deps = self.outer.clone();
        deps.extend(head.wait);
        let properties = match member(body, "properties") {
            Some(properties) => self.value(eval, properties, &mut deps)?,
            None => Map::new().into(),
        };
        let mut explicit = Deps::new();
        if let Some(depends_on) = member(body, "dependsOn") {
            self.depends_on(eval, depends_on, &deps, &mut explicit)?;
        }
        deps.extend(explicit);
        let name = local_name(&head.type_, &head.full_name)?;
        let key = id(&head.type_, &name);
        let condition = self.condition(eval, symbol)?;
        eval.bundle.insert(ReadResource {
            type_: head.type_,
            name,
            properties,
            depends_on: deps,
            condition,
        })?;
        Ok(key)
    }

    fn depends_on(
        &self,
        eval: &mut Evaluator<'_>,
        list: &Expr,
        implicit: &Deps,
        out: &mut Deps,
    ) -> Res<()> {
        let Expr::Array(items) = list else {
            return Err("dependsOn is not an array".into());
        };
        for item in items {
            let Expr::Name(name) = item else {
                return Err(format!("dependsOn entry {item:?} is not a symbol"));
            };
            let mut deps = Deps::new();
            self.symbol_deps(eval, name, &mut deps)?;
            if !deps.is_empty() && deps.iter().all(|d| implicit.contains(d)) {
                eval.lints
                    .push(format!("{}: unnecessary dependsOn entry {name}", self.file));
            }
            out.extend(deps);
        }
        Ok(())
    }

    fn head(&self, eval: &mut Evaluator<'_>, symbol: &str) -> Res<Head> {
        self.guard(eval, |eval| {
            self.used.borrow_mut().insert(symbol.to_owned());
            let Some(Kind::Resource {
                type_,
                existing,
                body,
                ..
            }) = self.declarations.get(symbol)
            else {
                return Err(format!("{symbol} is not a resource"));
            };
            let (type_, version) = type_
                .split_once('@')
                .ok_or_else(|| format!("type {type_} has no version"))?;
            if !version.starts_with("20") {
                return Err(format!("API version {version}"));
            }
            let Expr::Object(members) = body else {
                return Err("body is not an object".into());
            };
            let known: &[&str] = if *existing {
                &["parent", "name"]
            } else {
                &["parent", "name", "properties", "dependsOn"]
            };
            if let Some((key, _)) = members.iter().find(
                |(k, _)| !matches!(k.as_slice(), [Part::Text(t)] if known.contains(&t.as_str())),
            ) {
                return Err(format!("unknown resource element {key:?}"));
            }
            let mut wait = Deps::new();
            let name = self.value(
                eval,
                member(body, "name").ok_or("resource without name")?,
                &mut wait,
            )?;
            let declared_name = name.as_str().ok_or("name is not text")?.to_owned();
            let full_name = match member(body, "parent") {
                None => declared_name.clone(),
                Some(Expr::Name(parent)) => {
                    if declared_name.contains('/') {
                        return Err(format!("name {declared_name} has a slash beside a parent"));
                    }
                    let head = self.head(eval, parent)?;
                    if type_.rsplit_once('/').map(|(t, _)| t) != Some(&head.type_) {
                        return Err(format!("a {type_} cannot be the child of a {}", head.type_));
                    }
                    self.symbol_deps(eval, parent, &mut wait)?;
                    format!("{}/{declared_name}", head.full_name)
                }
                Some(other) => return Err(format!("parent {other:?} is not a symbol")),
            };
            reference(type_, &full_name)?;
            Ok(Head {
                type_: type_.into(),
                full_name,
                declared_name,
                wait,
                existing: *existing,
            })
        })
    }

    /// What something waits for that uses this symbol.
    fn symbol_deps(&self, eval: &mut Evaluator<'_>, symbol: &str, deps: &mut Deps) -> Res<()> {
        match self.declarations.get(symbol) {
            Some(Kind::Resource { each: Some(_), .. }) => {
                let all = self.each(eval, symbol, |eval| {
                    let head = self.head(eval, symbol)?;
                    Ok(id(&head.type_, &local_name(&head.type_, &head.full_name)?))
                })?;
                deps.extend(all);
                Ok(())
            }
            Some(Kind::Resource { .. }) => {
                let head = self.head(eval, symbol)?;
                if head.existing {
                    deps.extend(head.wait);
                } else {
                    deps.insert(id(&head.type_, &local_name(&head.type_, &head.full_name)?));
                }
                Ok(())
            }
            Some(Kind::Module { .. }) => {
                deps.extend(self.module(eval, symbol)?.resources);
                Ok(())
            }
            _ => Err(format!("{symbol} is neither resource nor module")),
        }
    }

    fn module(&self, eval: &mut Evaluator<'_>, symbol: &str) -> Res<Done> {
        match self.modules.borrow().get(symbol) {
            Some(Some(done)) => return Ok(done.clone()),
            Some(None) => return Err(format!("module {symbol} waits for itself")),
            None => {}
        }
        self.modules.borrow_mut().insert(symbol.into(), None);
        let Some(Kind::Module { path, body }) = self.declarations.get(symbol) else {
            return Err(format!("{symbol} is not a module"));
        };
        let Expr::Object(members) = body else {
            return Err("body is not an object".into());
        };
        let mut outer = Deps::new();
        let mut explicit = None;
        let mut params = None;
        for (key, expr) in members {
            match key.as_slice() {
                [Part::Text(key)] if key == "name" => {
                    let name = to_text(&self.value(eval, expr, &mut outer)?);
                    if name.is_empty() || name.encode_utf16().count() > MAX_MODULE_NAME {
                        return Err(format!(
                            "module name '{name}' is empty or longer than {MAX_MODULE_NAME}"
                        ));
                    }
                }
                [Part::Text(key)] if key == "params" => params = Some(expr),
                [Part::Text(key)] if key == "dependsOn" => explicit = Some(expr),
                other => return Err(format!("unknown module element {other:?}")),
            }
        }
        let (file, _) = eval.load(&self.file, path)?;
        if file.ends_with(".json") {
            return self.template(eval, symbol, &file, (params, explicit, outer));
        }
        let mut module = Self::open(eval, &file)?;
        self.bind(eval, &mut module, params, &mut outer)?;
        if let Some(explicit) = explicit {
            let mut deps = Deps::new();
            self.depends_on(eval, explicit, &outer, &mut deps)?;
            outer.extend(deps);
        }
        module.outer = &self.outer | &outer;
        let resources = module.resources(eval)?;
        let mut outputs = BTreeMap::new();
        for (name, expr) in &module.outputs {
            outputs.insert(name.clone(), module.value(eval, expr, &mut Deps::new())?);
        }
        let done = Done { resources, outputs };
        self.modules
            .borrow_mut()
            .insert(symbol.into(), Some(done.clone()));
        Ok(done)
    }

    /// A module that is an ARM template.
    fn template(
        &self,
        eval: &mut Evaluator<'_>,
        symbol: &str,
        file: &str,
        (params, explicit, mut outer): (Option<&Expr>, Option<&Expr>, Deps),
    ) -> Res<Done> {
        let Some(Expr::Object(members)) = params else {
            return Err(format!("{symbol} gets no parameters"));
        };
        let mut bound = BTreeMap::new();
        for (key, expr) in members {
            let [Part::Text(key)] = key.as_slice() else {
                return Err("interpolated parameter name".into());
            };
            bound.insert(key.clone(), self.value(eval, expr, &mut outer)?);
        }
        if let Some(explicit) = explicit {
            let mut deps = Deps::new();
            self.depends_on(eval, explicit, &outer, &mut deps)?;
            outer.extend(deps);
        }
        let outer = &self.outer | &outer;
        let is_secure = |name: &str| eval.bundle.parameters.get(name).is_some_and(|p| p.secure);
        let (found, outputs) = super::arm::module(eval.files, file, bound, &is_secure)?;
        let mut resources = Deps::new();
        for mut resource in found {
            resources.insert(id(&resource.type_, &resource.name));
            resource.depends_on.extend(outer.iter().cloned());
            eval.bundle.insert(resource)?;
        }
        let done = Done { resources, outputs };
        let mut modules = self.modules.borrow_mut();
        modules.insert(symbol.into(), Some(done.clone()));
        Ok(done)
    }

    fn bind(
        &self,
        eval: &mut Evaluator<'_>,
        module: &mut Self,
        params: Option<&Expr>,
        outer: &mut Deps,
    ) -> Res<()> {
        let members = match params {
            None => &[][..],
            Some(Expr::Object(members)) => members,
            Some(other) => return Err(format!("params is not an object: {other:?}")),
        };
        for (key, expr) in members {
            let [Part::Text(key)] = key.as_slice() else {
                return Err("interpolated parameter name".into());
            };
            let Some(Kind::Param { secure, type_, .. }) = module.declarations.get(key) else {
                return Err(format!("{} has no parameter {key}", module.file));
            };
            let value = self.value(eval, expr, outer)?;
            let secret = value.as_str().and_then(|v| v.strip_prefix("param:"));
            if !secure
                && secret.is_some_and(|s| eval.bundle.parameters.get(s).is_some_and(|p| p.secure))
            {
                return Err(format!("secret handed to {key}, which is not secure"));
            }
            let fits = match type_.as_deref() {
                Some("string") => value.is_string(),
                Some("int") => value.is_i64(),
                Some("bool") => value.is_boolean(),
                Some("array") => value.is_array(),
                _ => value.is_object(),
            };
            if !fits && secret.is_none() {
                return Err(format!(
                    "parameter {key} of type {type_:?} cannot be {value}"
                ));
            }
            module.bound.insert(key.clone(), value);
        }
        for (name, kind) in &module.declarations {
            if let Kind::Param { default, .. } = kind
                && !module.bound.contains_key(name)
            {
                let default = default
                    .as_ref()
                    .ok_or_else(|| format!("parameter {name} gets no value"))?;
                let value = module.value(eval, default, &mut Deps::new())?;
                module.bound.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    fn guard<T>(
        &self,
        eval: &mut Evaluator<'_>,
        run: impl FnOnce(&mut Evaluator<'_>) -> Res<T>,
    ) -> Res<T> {
        if eval.depth > 200 {
            return Err(format!("{}: something is defined by itself", self.file));
        }
        eval.depth += 1;
        let result = run(eval);
        eval.depth -= 1;
        result
    }

    fn value(&self, eval: &mut Evaluator<'_>, expr: &Expr, deps: &mut Deps) -> Res<Value> {
        self.guard(eval, |eval| match expr {
            Expr::Null => Ok(Value::Null),
            Expr::Bool(value) => Ok((*value).into()),
            Expr::Int(value) => Ok((*value).into()),
            Expr::Str(parts) => {
                if matches!(parts.as_slice(), [Part::Hole(_)]) {
                    eval.lints.push(format!(
                        "{}: interpolation of nothing but {:?}",
                        self.file, parts[0]
                    ));
                }
                Ok(fold_reference(self.text(eval, parts, deps)?).into())
            }
            Expr::Array(items) => items
                .iter()
                .map(|i| self.value(eval, i, deps))
                .collect::<Res<Vec<_>>>()
                .map(Value::Array),
            Expr::Object(members) => {
                let mut map = Map::new();
                for (key, item) in members {
                    let key = self.text(eval, key, deps)?;
                    let item = self.value(eval, item, deps)?;
                    if map.insert(key.clone(), item).is_some() {
                        return Err(format!("the key {key} stands twice"));
                    }
                }
                Ok(map.into())
            }
            Expr::Name(name) => self.symbol(eval, name, deps),
            Expr::Member(object, name) => self.member(eval, object, name, deps),
            Expr::Call(name, args) => self.call(eval, name, args, deps),
            Expr::Not(_) => Err("a negation outside of a condition".into()),
        })
    }

    fn text(&self, eval: &mut Evaluator<'_>, parts: &[Part], deps: &mut Deps) -> Res<String> {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(t) => text.push_str(t),
                Part::Hole(expr) => text.push_str(&to_text(&self.value(eval, expr, deps)?)),
            }
        }
        if text.encode_utf16().count() > MAX_TEXT {
            return Err(format!(
                "{}: a text of more than {MAX_TEXT} characters is joined, or a literal",
                self.file
            ));
        }
        Ok(text)
    }

    fn symbol(&self, eval: &mut Evaluator<'_>, name: &str, deps: &mut Deps) -> Res<Value> {
        if let Some(item) = self.items.borrow().get(name) {
            return Ok(item.clone());
        }
        self.used.borrow_mut().insert(name.to_owned());
        match self.declarations.get(name) {
            Some(Kind::Param { .. }) => self
                .bound
                .get(name)
                .cloned()
                .ok_or_else(|| format!("parameter {name} is not bound yet")),
            Some(Kind::Var(expr)) => self.value(eval, expr, deps),
            Some(_) => Err(format!("{name} is used as a value")),
            None => Err(format!("{name} is not declared")),
        }
    }

    fn member(
        &self,
        eval: &mut Evaluator<'_>,
        object: &Expr,
        name: &str,
        deps: &mut Deps,
    ) -> Res<Value> {
        if let Expr::Name(symbol) = object
            && let Some(Kind::Resource { .. }) = self.declarations.get(symbol)
        {
            self.symbol_deps(eval, symbol, deps)?;
            let head = self.head(eval, symbol)?;
            return match name {
                "id" => reference(&head.type_, &head.full_name).map(Value::from),
                "name" => Ok(head.declared_name.into()),
                "type" => Ok(head.type_.into()),
                _ => Err(format!("{symbol}.{name} is known only after deployment")),
            };
        }
        if let Expr::Member(module, outputs) = object
            && let Expr::Name(symbol) = &**module
            && let Some(Kind::Module { .. }) = self.declarations.get(symbol)
            && outputs == "outputs"
        {
            let done = self.module(eval, symbol)?;
            deps.extend(done.resources);
            return done
                .outputs
                .get(name)
                .cloned()
                .ok_or_else(|| format!("{symbol} has no output {name}"));
        }
        let value = self.value(eval, object, deps)?;
        value
            .get(name)
            .cloned()
            .ok_or_else(|| format!("there is no member {name}"))
    }

    fn call(
        &self,
        eval: &mut Evaluator<'_>,
        name: &str,
        args: &[Expr],
        deps: &mut Deps,
    ) -> Res<Value> {
        if name == "loadTextContent" || name == "loadJsonContent" {
            let [Expr::Str(path)] = args else {
                return Err(format!("{name} takes one literal path"));
            };
            let [Part::Text(path)] = path.as_slice() else {
                return Err(format!("{name} takes a literal path"));
            };
            let (full, text) = eval.load(&self.file, path)?;
            let limit = if name == "loadTextContent" {
                MAX_TEXT
            } else {
                MAX_JSON
            };
            let length = text.encode_utf16().count();
            if length > limit {
                return Err(format!(
                    "{full} has {length} characters, {name} takes {limit}"
                ));
            }
            self.loads.borrow_mut().insert(full.clone());
            if name == "loadTextContent" {
                return Ok(text.into());
            }
            let value = serde_json::from_str(text).map_err(|e| format!("{full}: {e}"))?;
            return match changed(&value) {
                Some(what) => Err(format!("{full}: {what}")),
                None => Ok(value),
            };
        }
        let args = args
            .iter()
            .map(|a| self.value(eval, a, deps))
            .collect::<Res<Vec<_>>>()?;
        shared_function(name, &args).unwrap_or_else(|| Err(format!("function {name} is not known")))
    }
}

/// What the compiler does not take of JSON, or reads as something else.
fn changed(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.encode_utf16().count() > MAX_TEXT => {
            Some("a text is too long".into())
        }
        Value::Number(number) if number.as_i64().is_none() && !number.is_f64() => {
            Some(format!("{number} has more than 64 bits"))
        }
        Value::Number(number)
            if number
                .as_f64()
                .is_some_and(|n| n.fract() == 0.0 && number.is_f64()) =>
        {
            Some(format!("{number} becomes an integer"))
        }
        Value::Array(items) => items.iter().find_map(changed),
        Value::Object(map) => map.values().find_map(changed),
        _ => None,
    }
}

/// A member of an object by its literal key.
fn member<'e>(object: &'e Expr, name: &str) -> Option<&'e Expr> {
    let Expr::Object(members) = object else {
        return None;
    };
    members
        .iter()
        .find(|(key, _)| matches!(key.as_slice(), [Part::Text(t)] if t == name))
        .map(|(_, expr)| expr)
}
