//! Who holds a lease, watches, or reports.

use crate::record::Record;

/// The service that its certificate proves, and which of its instances it says it is. So nobody can touch what belongs to
/// another service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    pub service: String,
    pub instance: String,
}

impl Holder {
    pub fn of(record: &Record) -> Self {
        Self {
            service: record.service.clone(),
            instance: record.instance.clone(),
        }
    }
}
