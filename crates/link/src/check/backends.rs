//! Backends: addresses, pools, circuit breakers.

use super::{is_nothing, is_open, is_url, place_of, subject, text};
use crate::rules::pool_with_url;
use flux_apim_diag::Findings;
use flux_apim_model::Resource;
use flux_apim_model::rules::{invalid_value, missing_property};
use flux_apim_syntax::Value;

pub(super) fn check(backend: &Resource, findings: &mut Findings) {
    let properties = &backend.properties;
    let kind = text(properties, "type").unwrap_or("Single");
    if kind.eq_ignore_ascii_case("pool") {
        for name in ["url", "protocol"] {
            if let Some(value) = properties
                .get(name)
                .filter(|value| !is_nothing(Some(value)))
            {
                let place = place_of(backend, Some(value));
                findings.push(pool_with_url::found(place, &backend.key, name));
            }
        }
    } else {
        single(backend, findings);
    }
    let rules = properties
        .get("circuitBreaker")
        .and_then(|breaker| breaker.get("rules"));
    for (i, rule) in rules.iter().flat_map(|rules| rules.items()).enumerate() {
        breaker(backend, i, rule, findings);
    }
}

fn single(backend: &Resource, findings: &mut Findings) {
    let properties = &backend.properties;
    let subject = subject(backend);
    let url = properties.get("url");
    let given = text(properties, "url").unwrap_or("");
    if given.trim().is_empty() {
        let finding =
            missing_property::found(place_of(backend, url), "properties", &subject, "url");
        findings.push(finding.help("a single backend needs the address that requests go to"));
    } else if !is_open(given) && !is_url(given, &[]) {
        let problem = "is no absolute URL";
        let place = place_of(backend, url);
        let finding = invalid_value::text(place, "properties.url", &subject, given, problem, None);
        findings.push(
            finding.help("write it with its scheme, for example https://orders.contoso.example"),
        );
    }
    // `resourceId` "must be absolute http URL" (Azure/apiops-cli#147).
    let id = text(properties, "resourceId").unwrap_or("");
    if !id.is_empty() && !is_open(id) && !is_url(id, &["http", "https"]) {
        let problem = "is no absolute http URL";
        let place = place_of(backend, properties.get("resourceId"));
        let finding =
            invalid_value::text(place, "properties.resourceId", &subject, id, problem, None);
        findings
            .push(finding.help("write the id of the resource behind https://management.azure.com"));
    }
}

/// "failureCondition must not be empty" (Azure/apiops-cli#147); durations are ISO 8601.
fn breaker(backend: &Resource, i: usize, rule: &Value, findings: &mut Findings) {
    let subject = subject(backend);
    let path = format!("properties.circuitBreaker.rules[{i}]");
    let condition = rule.get("failureCondition");
    if is_nothing(condition) {
        let at = condition.or(Some(rule));
        let finding =
            missing_property::found(place_of(backend, at), &path, &subject, "failureCondition");
        findings.push(
            finding.help("say which answers count as failures, how many, and within what time"),
        );
    }
    let interval = condition.and_then(|condition| condition.get("interval"));
    let durations = [
        ("tripDuration", rule.get("tripDuration")),
        ("failureCondition.interval", interval),
    ];
    for (name, value) in durations {
        let Some((value, given)) = value.and_then(|value| Some((value, value.as_str()?))) else {
            continue;
        };
        if !is_open(given) && !is_duration(given) {
            let (path, problem) = (format!("{path}.{name}"), "is no duration");
            let place = place_of(backend, Some(value));
            let finding = invalid_value::text(place, &path, &subject, given, problem, None);
            findings.push(finding.help("write it as ISO 8601 has it: one minute is PT1M"));
        }
    }
}

/// `PnDTnHnMnS` of ISO 8601, at least one part.
fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else {
        return false;
    };
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    let has = |part: &str, units: &str| -> Option<bool> {
        let (mut units, mut digits, mut any) = (units, false, false);
        for c in part.chars() {
            if c.is_ascii_digit() || (c == '.' && digits) {
                digits = true;
            } else {
                units = units.split_once(c).filter(|_| digits)?.1;
                (digits, any) = (false, true);
            }
        }
        (!digits).then_some(any)
    };
    match (has(date, "YMWD"), time.map(|time| has(time, "HMS"))) {
        (Some(_), Some(Some(true))) => true,
        (Some(any), None) => any,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_duration;

    #[test]
    fn durations() {
        for good in ["PT1M", "P1D", "P1DT2H3M4S", "PT0.5S", "P2W"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in [
            "1 minute", "P", "PT", "P1", "PT1X", "PTM", "00:01:00", "PT1S1M", "",
        ] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
