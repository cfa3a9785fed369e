//! How many instances of each service run: `upload=2,download=2`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum as _;
use slipway_contract::services::NAMES;

use crate::run::Service;

/// More on one machine only wait for each other.
const MOST: usize = 32;

#[derive(Clone, Debug, Default)]
pub(super) struct Instances(BTreeMap<&'static str, usize>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InstancesError {
    #[error("{0:?} is not SERVICE=N; write it as upload=2,download=2")]
    Form(String),
    #[error("{0:?} is no service; there are {names}", names = NAMES.join(", "))]
    Service(String),
    #[error("{0:?} is not a number from 1 to {MOST}")]
    Number(String),
}

impl Instances {
    pub(super) fn of(&self, service: Service) -> usize {
        self.0.get(service.name()).copied().unwrap_or(1)
    }
}

impl fmt::Display for Instances {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self
            .0
            .iter()
            .map(|(name, count)| format!("{name}={count}"))
            .collect();
        formatter.write_str(&counts.join(","))
    }
}

impl FromStr for Instances {
    type Err = InstancesError;

    fn from_str(text: &str) -> Result<Self, InstancesError> {
        let mut counts = BTreeMap::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, number) = part
                .split_once('=')
                .ok_or_else(|| InstancesError::Form(part.to_owned()))?;
            let service = Service::from_str(name, false)
                .map_err(|_| InstancesError::Service(name.to_owned()))?;
            let count = number
                .parse()
                .ok()
                .filter(|count| (1..=MOST).contains(count));
            let count = count.ok_or_else(|| InstancesError::Number(number.to_owned()))?;
            counts.insert(service.name(), count);
        }
        Ok(Self(counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_runs_once() {
        let instances: Instances = "upload=2,download=3".parse().unwrap();
        let counts = Service::ALL.map(|service| (service.name(), instances.of(service)));
        assert_eq!(
            counts,
            [
                ("registry", 1),
                ("upload", 2),
                ("signing", 1),
                ("catalog", 1),
                ("download", 3),
                ("gateway", 1)
            ]
        );
        assert_eq!(instances.to_string(), "download=3,upload=2");
    }

    #[test]
    fn what_cannot_run_is_refused_in_words() {
        for (bad, error) in [
            ("upload", InstancesError::Form("upload".to_owned())),
            ("uploads=2", InstancesError::Service("uploads".to_owned())),
            ("upload=0", InstancesError::Number("0".to_owned())),
            ("upload=two", InstancesError::Number("two".to_owned())),
        ] {
            assert_eq!(bad.parse::<Instances>().map(|_| ()), Err(error), "{bad}");
        }
    }
}
