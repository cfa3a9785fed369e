//! Who holds a lease or watches.

use slipway_contract::record::Record;

/// The service that its certificate proves, and which of its instances it says it is. So nobody can touch what belongs to
/// another service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Holder {
    pub(crate) service: String,
    pub(crate) instance: String,
}

impl Holder {
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            service: record.service.clone(),
            instance: record.instance.clone(),
        }
    }
}
