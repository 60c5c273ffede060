//! What may not be: resources that are declared twice, and dependencies in a circle.

use std::collections::HashMap;

use crate::error::ArmError;
use crate::expand::Resource;
use crate::id;

/// Checks what dependencies say of each other.
pub(crate) fn check(resources: &[Resource], path: &str) -> Result<(), ArmError> {
    let mut places = HashMap::with_capacity(resources.len());
    for (at, resource) in resources.iter().enumerate() {
        if places.insert(id::key(&resource.id), at).is_some() {
            // Azure-Samples/azure-search-openai-demo#1449.
            return Err(ArmError::template(format!(
                "The resource '{}' at line '0' and column '0' is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.",
                id::provider_part(&resource.id)
            ))
            .at(format!("{path}.resources[{at}]")));
        }
    }
    let mut left: Vec<usize> = Vec::with_capacity(resources.len());
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); resources.len()];
    for (at, resource) in resources.iter().enumerate() {
        left.push(resource.depends_on.len());
        for before in &resource.depends_on {
            if let Some(list) = places
                .get(&id::key(before))
                .and_then(|before| followers.get_mut(*before))
            {
                list.push(at);
            }
        }
    }
    let mut ready: Vec<usize> = (0..resources.len())
        .filter(|at| left.get(*at) == Some(&0))
        .collect();
    let mut done = 0;
    while let Some(at) = ready.pop() {
        done += 1;
        for follower in followers.get(at).into_iter().flatten() {
            if let Some(count) = left.get_mut(*follower) {
                *count -= 1;
                if *count == 0 {
                    ready.push(*follower);
                }
            }
        }
    }
    if done == resources.len() {
        return Ok(());
    }
    // Who waits for ever waits for a circle: the way back along what is left ends in it.
    let mut at = left.iter().position(|count| *count > 0).unwrap_or_default();
    let mut seen = vec![false; resources.len()];
    while let Some(mark) = seen.get_mut(at)
        && !std::mem::replace(mark, true)
    {
        at = resources
            .get(at)
            .into_iter()
            .flat_map(|resource| &resource.depends_on)
            .filter_map(|before| places.get(&id::key(before)).copied())
            .find(|before| left.get(*before).is_some_and(|count| *count > 0))
            .unwrap_or(at);
    }
    // microsoft/startstopv2-deployments#14.
    Err(ArmError::template(format!(
        "Circular dependency detected on resource: '{}'. Please see https://aka.ms/arm-syntax-resources for usage details.",
        resources.get(at).map_or("", |resource| resource.id.as_str())
    ))
    .at(path))
}
