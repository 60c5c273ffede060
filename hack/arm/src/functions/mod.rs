//! The functions of templates: one table, and a file for each page of the documentation.
//!
//! Source: <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions>
//! and the pages below it; the functions that the pages do not have yet are those that the
//! official Bicep compiler (0.49.2) declares for templates.
//!
//! What must not evaluate all of its arguments, or knows names, is in
//! [`crate::evaluate`]: `if`, `and`, `or`, `lambda`, `parameters`, `reference` and their
//! like.

#![allow(
    clippy::needless_pass_by_value,
    reason = "all rows of the table have one signature, and some functions keep their arguments"
)]

mod arrays;
mod cidr;
mod composite;
mod dates;
mod json;
mod numbers;
mod objects;
mod resources;
mod strings;
mod uris;

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{FUNCTIONS, Fault};
use crate::limits::{Limits, Meter};
use crate::names::Names;
use crate::syntax::utf16;
use crate::value::type_name;

pub(crate) use strings::{name_based_guid, seeded_guid};

/// An argument or result.
pub(crate) type Item<'e> = Cow<'e, Value>;

/// What a function may look at.
pub(crate) struct Call<'e> {
    /// As it is written in the expression.
    pub(crate) name: &'e str,
    pub(crate) names: &'e Names,
    pub(crate) limits: &'e Limits,
    pub(crate) meter: &'e Meter,
}

/// Evaluates a function of evaluated arguments, as many as the row allows.
type Apply = for<'e> fn(&Call<'e>, Vec<Item<'e>>) -> Result<Item<'e>, Fault>;

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    Exactly(usize),
    Between(usize, usize),
    AtLeast(usize),
}

/// A row of the table.
pub(crate) struct Function {
    /// As the documentation writes it.
    pub(crate) name: &'static str,
    pub(crate) arity: Arity,
    /// Whether it may stand only in the default value of a parameter.
    pub(crate) defaults_only: bool,
    pub(crate) apply: Apply,
}

const fn row(name: &'static str, arity: Arity, apply: Apply) -> Function {
    Function {
        name,
        arity,
        defaults_only: false,
        apply,
    }
}

const fn default_row(name: &'static str, arity: Arity, apply: Apply) -> Function {
    Function {
        name,
        arity,
        defaults_only: true,
        apply,
    }
}

use Arity::{AtLeast, Between, Exactly};

/// All functions that evaluate their arguments first, sorted by lower-case name.
pub(crate) static FUNCTION_TABLE: &[Function] = &[
    row("add", Exactly(2), numbers::add),
    row("array", Exactly(1), arrays::array),
    row("base64", Exactly(1), strings::base64),
    row("base64ToJson", Exactly(1), strings::base64_to_json),
    row("base64ToString", Exactly(1), strings::base64_to_string),
    row("bool", Exactly(1), numbers::bool),
    row("buildUri", Exactly(1), uris::build_uri),
    row("cidrHost", Exactly(2), cidr::host),
    row("cidrSubnet", Exactly(3), cidr::subnet),
    row("concat", AtLeast(1), arrays::concat),
    row("contains", Exactly(2), arrays::contains),
    row("createArray", AtLeast(0), arrays::create_array),
    row("createObject", AtLeast(0), objects::create_object),
    row("dataUri", Exactly(1), uris::data_uri),
    row("dataUriToString", Exactly(1), uris::data_uri_to_string),
    row("dateTimeAdd", Between(2, 3), dates::add),
    row("dateTimeFromEpoch", Exactly(1), dates::from_epoch),
    row("dateTimeToEpoch", Exactly(1), dates::to_epoch),
    row("deployer", Exactly(0), resources::deployer),
    row("deployment", Exactly(0), resources::deployment),
    row("distinct", Exactly(1), arrays::distinct),
    row("div", Exactly(2), numbers::div),
    row("empty", Exactly(1), arrays::empty),
    row("endsWith", Exactly(2), strings::ends_with),
    row("environment", Exactly(0), resources::environment),
    row("equals", Exactly(2), objects::equals),
    row(
        "extensionResourceId",
        AtLeast(3),
        resources::extension_resource_id,
    ),
    row("fail", Exactly(1), objects::fail),
    row("false", Exactly(0), objects::r#false),
    row("first", Exactly(1), arrays::first),
    row("flatten", Exactly(1), arrays::flatten),
    row("float", Exactly(1), numbers::float),
    row("format", AtLeast(1), strings::format),
    row("greater", Exactly(2), objects::greater),
    row("greaterOrEquals", Exactly(2), objects::greater_or_equals),
    row("guid", AtLeast(1), strings::guid),
    row("indexFromEnd", Exactly(2), arrays::index_from_end),
    row("indexOf", Exactly(2), arrays::index_of),
    row("int", Exactly(1), numbers::int),
    row("intersection", AtLeast(1), objects::intersection),
    row("items", Exactly(1), objects::items),
    row("join", Exactly(2), strings::join),
    row("json", Exactly(1), objects::json),
    row("last", Exactly(1), arrays::last),
    row("lastIndexOf", Exactly(2), arrays::last_index_of),
    row("length", Exactly(1), arrays::length),
    row("less", Exactly(2), objects::less),
    row("lessOrEquals", Exactly(2), objects::less_or_equals),
    row("like", Exactly(2), strings::like),
    row("managementGroup", Exactly(0), resources::management_group),
    row(
        "managementGroupResourceId",
        AtLeast(2),
        resources::management_group_resource_id,
    ),
    row("max", AtLeast(1), numbers::max),
    row("min", AtLeast(1), numbers::min),
    row("mod", Exactly(2), numbers::modulo),
    row("mul", Exactly(2), numbers::mul),
    default_row("newGuid", Exactly(0), strings::new_guid),
    row("not", Exactly(1), objects::not),
    row("null", Exactly(0), objects::null),
    row("objectKeys", Exactly(1), objects::object_keys),
    row("padLeft", Between(2, 3), strings::pad_left),
    row("parseCidr", Exactly(1), cidr::parse),
    row("parseUri", Exactly(1), uris::parse_uri),
    row("pickZones", Between(3, 5), resources::pick_zones),
    row("range", Exactly(2), numbers::range),
    row("replace", Exactly(3), strings::replace),
    row("resourceGroup", Exactly(0), resources::resource_group),
    row("resourceId", AtLeast(2), resources::resource_id),
    row("shallowMerge", Exactly(1), objects::shallow_merge),
    row("skip", Exactly(2), arrays::skip),
    row("split", Exactly(2), strings::split),
    row("startsWith", Exactly(2), strings::starts_with),
    row("string", Exactly(1), strings::string),
    row("sub", Exactly(2), numbers::sub),
    row("subscription", Exactly(0), resources::subscription),
    row(
        "subscriptionResourceId",
        AtLeast(2),
        resources::subscription_resource_id,
    ),
    row("substring", Between(2, 3), strings::substring),
    row("take", Exactly(2), arrays::take),
    row("tenant", Exactly(0), resources::tenant),
    row(
        "tenantResourceId",
        AtLeast(2),
        resources::tenant_resource_id,
    ),
    row("toLower", Exactly(1), strings::to_lower),
    row("toUpper", Exactly(1), strings::to_upper),
    row("trim", Exactly(1), strings::trim),
    row("true", Exactly(0), objects::r#true),
    row("tryGet", AtLeast(2), objects::try_get),
    row("tryIndexFromEnd", Exactly(2), arrays::try_index_from_end),
    row("union", AtLeast(1), objects::union),
    row("uniqueString", AtLeast(1), strings::unique_string),
    row("uri", Exactly(2), uris::uri),
    row("uriComponent", Exactly(1), uris::uri_component),
    row(
        "uriComponentToString",
        Exactly(1),
        uris::uri_component_to_string,
    ),
    default_row("utcNow", Between(0, 1), dates::utc_now),
];

/// The row of a function, whatever the case of its name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let name = name.to_ascii_lowercase();
    FUNCTION_TABLE
        .binary_search_by(|row| row.name.to_ascii_lowercase().cmp(&name))
        .ok()
        .and_then(|at| FUNCTION_TABLE.get(at))
}

impl Arity {
    fn takes(self, given: usize) -> bool {
        match self {
            Exactly(n) => given == n,
            Between(least, most) => (least..=most).contains(&given),
            AtLeast(n) => given >= n,
        }
    }
}

/// Whether that many arguments are right.
pub(crate) fn check_arity(name: &str, arity: Arity, given: usize) -> Result<(), Fault> {
    if arity.takes(given) {
        Ok(())
    } else {
        Err(wrong_arity(name, arity, given))
    }
}

/// The sentences are those of Azure/bicep's baselines (`toObject`) and
/// KingslandConsulting/Kingsland.ArmLinter's tests (`concat`, `endsWith`).
pub(crate) fn wrong_arity(name: &str, arity: Arity, given: usize) -> Fault {
    let requires = match arity {
        AtLeast(1) => {
            return Fault::Value(format!(
                "Unable to evaluate template language function '{name}'. At least one parameter should be provided. {FUNCTIONS}"
            ));
        }
        Exactly(n) => format!("{n}"),
        Between(least, most) => format!("between {least} and {most}"),
        AtLeast(n) => format!("at least {n}"),
    };
    Fault::Value(format!(
        "Unable to evaluate template language function '{name}': function requires {requires} argument(s) while {given} were provided. Please see https://aka.ms/arm-resource-functions/#{name} for usage details."
    ))
}

impl Call<'_> {
    /// `The template language function '…' expects …`, of the arguments' types.
    fn expects(&self, what: &str, given: &[&Value]) -> Fault {
        let types: Vec<String> = given
            .iter()
            .map(|value| format!("'{}'", type_name(value)))
            .collect();
        Fault::Value(format!(
            "The template language function '{name}' expects {what}. The provided value is of type {}. Please see https://aka.ms/arm-functions#{name} for usage details.",
            types.join(" and "),
            name = self.name,
        ))
    }

    /// `The template language function '…' …`, without types.
    fn refuses(&self, why: &str) -> Fault {
        Fault::Value(format!(
            "The template language function '{name}' {why} Please see https://aka.ms/arm-functions#{name} for usage details.",
            name = self.name,
        ))
    }

    /// The only argument, a string.
    fn one_string(&self, arguments: &[Item<'_>]) -> Result<String, Fault> {
        match arguments.first().map(AsRef::as_ref) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.expects("its parameter to be a string", &[other])),
            None => Err(self.refuses("expects one parameter.")),
        }
    }

    /// The first two arguments, strings.
    fn two_strings<'a>(&self, arguments: &'a [Item<'_>]) -> Result<(&'a str, &'a str), Fault> {
        match (
            arguments.first().map(AsRef::as_ref),
            arguments.get(1).map(AsRef::as_ref),
        ) {
            (Some(Value::String(first)), Some(Value::String(second))) => Ok((first, second)),
            (Some(first), Some(second)) => Err(self.expects(
                "its parameters to be of type string and string",
                &[first, second],
            )),
            _ => Err(self.refuses("expects two parameters.")),
        }
    }

    /// The first two arguments, integers.
    fn two_integers(&self, arguments: &[Item<'_>]) -> Result<(i64, i64), Fault> {
        match (
            arguments.first().and_then(|value| value.as_i64()),
            arguments.get(1).and_then(|value| value.as_i64()),
            arguments,
        ) {
            (Some(first), Some(second), _) => Ok((first, second)),
            (_, _, [first, second, ..]) => Err(self.expects(
                "its parameters to be of type integer and integer",
                &[first, second],
            )),
            _ => Err(self.refuses("expects two parameters.")),
        }
    }

    /// A string result, if it is not longer than results may be.
    fn text<'e>(&self, text: String) -> Result<Item<'e>, Fault> {
        self.meter.charge(text.len())?;
        if text.len() > self.limits.result && utf16(&text) > self.limits.result {
            return Err(Fault::Value(format!(
                "The result of the template language expression exceeds the maximum length limit of {} characters. {FUNCTIONS}",
                self.limits.result
            )));
        }
        Ok(Cow::Owned(Value::String(text)))
    }
}

/// An owned result.
fn own<'e>(value: impl Into<Value>) -> Result<Item<'e>, Fault> {
    Ok(Cow::Owned(value.into()))
}

/// An argument that the row's arity says is there.
fn at<'a>(arguments: &'a [Item<'_>], index: usize) -> &'a Value {
    arguments.get(index).map_or(&Value::Null, AsRef::as_ref)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        let names: Vec<String> = FUNCTION_TABLE
            .iter()
            .map(|row| row.name.to_ascii_lowercase())
            .collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(find("CONCAT").is_some());
        assert!(find("nonexistent").is_none());
    }
}
