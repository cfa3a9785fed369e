//! Where a value comes from, as the documents and what instances say of themselves tell it.

use slipway_configuration::history::State;
use slipway_configuration::schema::nearest;
use slipway_configuration::validation::Schemas;
use slipway_configuration::{DocumentName, Layer, Refusal, Schema, content};
use slipway_contract::configuration::{Explained, ExplainedService, Source};

use crate::central::Follower;
use slipway_contract::holder::Holder;

/// The layers that set `key`, for each service that has it.
pub(crate) fn explain(
    state: &State,
    schemas: &Schemas,
    living: &[(Holder, Follower)],
    environment: &str,
    key: &str,
) -> Result<Explained, Refusal> {
    let newest = || {
        schemas
            .iter()
            .filter_map(|(name, all)| Some((name, all.first()?)))
    };
    let services: Vec<_> = newest()
        .filter(|(_, schema)| schema.knows(key))
        .map(|(service, schema)| ExplainedService {
            service: service.clone(),
            applies: word(schema.applies(key)),
            description: schema.description(key).map(str::to_owned),
            sources: sources(state, schema, living, (environment, service), key),
        })
        .collect();
    if services.is_empty() {
        return Err(Refusal {
            nearest: nearest(newest().map(|(_, schema)| schema), key),
            ..Refusal::of(key, "there is no such setting")
        });
    }
    Ok(Explained {
        key: key.to_owned(),
        environment: environment.to_owned(),
        revision: state.revision,
        services,
    })
}

/// The strongest first.
fn sources(
    state: &State,
    schema: &Schema,
    living: &[(Holder, Follower)],
    (environment, service): (&str, &str),
    key: &str,
) -> Vec<Source> {
    let mut found = local(living, (environment, service), key, Layer::Process);
    let layers = [Layer::Base, Layer::Environment, Layer::Service];
    let names = DocumentName::of(environment, service)
        .into_iter()
        .zip(layers);
    for (name, layer) in names.rev() {
        let set = state
            .documents
            .get(&name)
            .and_then(|document| content::get(document, key));
        found.extend(set.map(|value| Source {
            layer: word(layer),
            value: Some(value.clone()),
            instances: Vec::new(),
        }));
    }
    found.append(&mut local(living, (environment, service), key, Layer::File));
    found.push(Source {
        layer: word(Layer::Compiled),
        value: schema.default(key).cloned(),
        instances: Vec::new(),
    });
    found
}

/// What instances were told where they run, equal values together.
fn local(
    living: &[(Holder, Follower)],
    (environment, service): (&str, &str),
    key: &str,
    layer: Layer,
) -> Vec<Source> {
    let mut found: Vec<Source> = Vec::new();
    let layer = word(layer);
    for (holder, follower) in living {
        if holder.service != service || follower.standing.environment != environment {
            continue;
        }
        let set = follower.standing.local.iter();
        for one in set.filter(|one| one.key == key && one.layer == layer) {
            match found.iter_mut().find(|other| other.value == one.value) {
                Some(same) => same.instances.push(holder.instance.clone()),
                None => found.push(Source {
                    layer: layer.clone(),
                    value: one.value.clone(),
                    instances: vec![holder.instance.clone()],
                }),
            }
        }
    }
    found
}

fn word(value: impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}
