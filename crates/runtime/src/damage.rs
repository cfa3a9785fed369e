//! What is known of the damage to a process's database: once it is found, nothing is read out of that any more.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

/// Whether an error tells of damage: whoever opened the database knows.
pub type TellsOfDamage = fn(&(dyn Error + 'static)) -> bool;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Damage(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    database: OnceLock<Named>,
    /// Set where somebody looks whether the file is whole again.
    watched: OnceLock<()>,
    found: watch::Sender<Option<Damaged>>,
}

#[derive(Debug)]
struct Named {
    /// The database as an operator knows it: its path or URL.
    name: String,
    /// The same as everybody may know it.
    said: String,
    is_damage: TellsOfDamage,
}

/// Why nothing is read or written any more; the words are for the operator.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "the database {name} is damaged ({fault}): stop what uses it, put back a good copy of that file without its -wal and -shm, and start again"
)]
pub struct Damaged {
    name: String,
    fault: String,
}

impl Damage {
    /// Says which database it is about, and how its errors tell of damage.
    pub fn name(&self, name: String, service: &str, is_damage: TellsOfDamage) {
        let file = Path::new(&name).file_name().unwrap_or_default();
        let said = format!("{service}/{}", file.to_string_lossy());
        let _ = self.0.database.set(Named {
            name,
            said,
            is_damage,
        });
    }

    /// Says that the file is looked at: what is found stays found until it is whole. Without this it is told once.
    pub fn watch(&self) {
        let _ = self.0.watched.set(());
    }

    /// What was found.
    pub fn found(&self) -> Option<Damaged> {
        self.0.found.borrow().clone()
    }

    /// Returns when damage is found.
    pub async fn wait(&self) {
        let mut found = self.0.found.subscribe();
        if found.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Keeps in mind that a statement has stumbled over damage, if that is what `error` tells of.
    pub fn notice(&self, error: &(dyn Error + 'static)) {
        let named = self.0.database.get();
        if named.is_some_and(|named| (named.is_damage)(error)) {
            self.find(&error.to_string());
        }
    }

    /// What to tell those who ask: the file in words, without the folders of this machine.
    pub fn words(&self) -> String {
        let named = self
            .0
            .database
            .get()
            .map(|named| format!(" {}", named.said));
        let named = named.unwrap_or_default();
        format!(
            "the platform's database{named} is damaged and nothing is read out of it: its operator has to put a good copy back"
        )
    }

    /// Keeps in mind that the database is damaged; the first words stay.
    pub fn find(&self, fault: &str) {
        let name = self.0.database.get().map(|named| named.name.clone());
        let damaged = Damaged {
            name: name.unwrap_or_default(),
            fault: fault.to_owned(),
        };
        if self.0.watched.get().is_none() {
            tracing::error!("{damaged}");
            return;
        }
        self.0.found.send_if_modified(|found| {
            let first = found.is_none();
            if first {
                tracing::error!("{damaged}");
                *found = Some(damaged);
            }
            first
        });
    }
}
