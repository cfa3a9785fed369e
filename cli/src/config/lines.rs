//! Answers in lines for people.

use serde_json::{Map, Value};
use slipway_configuration::content::leaves;
use slipway_contract::configuration::{
    Changed, DocumentDifferences, Explained, InstanceConfiguration, Revision,
};

/// A text without its quotes; all else as JSON has it.
pub(super) fn value(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn document(name: &str, content: &Map<String, Value>) -> Vec<String> {
    let values = leaves(content);
    let lines = values.iter().map(|(key, one)| format!("  {key} = {one}"));
    std::iter::once(name.to_owned()).chain(lines).collect()
}

pub(super) fn differences(all: &[DocumentDifferences], none: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for one in all {
        lines.push(one.document.clone());
        for difference in &one.differences {
            let side = |side: &Option<Value>| {
                side.as_ref()
                    .map_or_else(|| "not set".to_owned(), Value::to_string)
            };
            let (before, after) = (side(&difference.before), side(&difference.after));
            lines.push(format!("  {}: {before} -> {after}", difference.key));
        }
    }
    if lines.is_empty() {
        lines.push(none.to_owned());
    }
    lines
}

pub(super) fn changed(changed: &Changed) -> Vec<String> {
    let mut lines = differences(
        &changed.differences,
        "nothing differs, so nothing is changed",
    );
    for key in &changed.restart {
        lines.push(format!("  {key} waits for the next start of who takes it"));
    }
    let revision = changed.revision;
    lines.push(if changed.changed {
        format!("changed: revision {revision}")
    } else {
        format!("nothing was changed: revision {revision} holds")
    });
    lines
}

pub(super) fn revision(revision: &Revision) -> Vec<String> {
    let Revision {
        revision: number,
        made_at,
        by,
        action,
        reason,
        ..
    } = revision;
    let reason = if reason.is_empty() {
        ""
    } else {
        &format!(": {reason}")
    };
    let mut lines = vec![format!("{number}  {made_at}  {action} by {by}{reason}")];
    let inner = differences(&revision.differences, "nothing");
    lines.extend(inner.into_iter().map(|line| format!("    {line}")));
    lines
}

pub(super) fn explained(explained: &Explained) -> Vec<String> {
    let mut lines = Vec::new();
    for service in &explained.services {
        let effect = match service.applies.as_str() {
            "live" => "a change takes effect at once",
            "restart" => "a change takes effect at the next start",
            _ => "only the machine itself says it",
        };
        lines.push(format!(
            "{} in {}, {}: {effect}",
            explained.key, explained.environment, service.service
        ));
        for (place, source) in service.sources.iter().enumerate() {
            let mark = if place == 0 { "->" } else { "  " };
            let said = source
                .value
                .as_ref()
                .map_or_else(|| "(not told)".to_owned(), Value::to_string);
            let of = match source.instances.as_slice() {
                [] => String::new(),
                instances => format!("  (of {})", instances.join(", ")),
            };
            lines.push(format!("{mark} {:<12} {said}{of}", source.layer));
        }
    }
    lines
}

pub(super) fn instance(instance: &InstanceConfiguration) -> String {
    let InstanceConfiguration {
        service,
        instance: name,
        applied,
        ..
    } = instance;
    let mut parts = vec![format!("{service}/{name}"), format!("revision {applied}")];
    if let Some(refused) = &instance.refused {
        parts.push(format!("refused {}: {refused}", instance.seen));
    }
    if !instance.pending.is_empty() {
        let keys = instance.pending.join(", ");
        parts.push(format!("waits for a restart: {keys}"));
    }
    if !instance.ignored.is_empty() {
        parts.push(format!("passed over: {}", instance.ignored.join(", ")));
    }
    parts.join("  ")
}
