//! The central configuration as a process follows it: what the registry says is read into types first, and holds only when
//! all of it can be read. It never touches a registration, a listener or what health says.

pub(crate) mod follow;
mod taking;

use std::any::Any;
use std::sync::Arc;

use slipway_configuration::Refusal;
use slipway_contract::configuration::{Document, Offer, Standing};
use slipway_runtime::Live;
use slipway_runtime::life::Begun;
use slipway_runtime::settings::Settings;
use slipway_runtime::settings::sources::Loaded;

use crate::discovery::view::View;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Configuration(Option<Arc<Following>>);

type Check = Box<dyn Fn(&[Document]) -> Result<(), Refusal> + Send + Sync>;

struct Following {
    /// The `Live<S>` of the service's settings, and the `S` that the machine alone gives.
    settings: Box<dyn Any + Send + Sync>,
    local: Box<dyn Any + Send + Sync>,
    take: Box<dyn Fn(&Offer) + Send + Sync>,
    standing: Box<dyn Fn() -> Standing + Send + Sync>,
    check: Check,
}

impl Configuration {
    /// Of a process that nobody configures, for tests.
    pub fn none() -> Self {
        Self::default()
    }

    pub(crate) fn begin<S: Settings>(
        begun: &Begun,
        view: &View,
        loaded: Loaded<S>,
    ) -> Result<Self, Refusal> {
        let local = loaded.sources.alone::<S>()?;
        let (taking, settings) = taking::Taking::begin(begun, view, loaded);
        let taking = Arc::new(taking);
        let (standing, checking) = (taking.clone(), taking.clone());
        Ok(Self(Some(Arc::new(Following {
            settings: Box::new(settings),
            local: Box::new(local),
            take: Box::new(move |offer| taking.take(offer)),
            standing: Box::new(move || standing.standing()),
            check: Box::new(move |documents| checking.check(documents)),
        }))))
    }

    /// The service's settings from now on; `settings` are those that it began with, which hold where nobody changes them.
    pub fn live<S: Settings>(&self, settings: S) -> Live<S> {
        let following = self.0.as_ref();
        let live = following.and_then(|following| following.settings.downcast_ref::<Live<S>>());
        live.cloned().unwrap_or_else(|| Live::fixed(settings))
    }

    /// The service's settings that the machine alone gives, whatever was configured; `settings` where nobody configures it.
    pub fn local<S: Settings>(&self, settings: S) -> S {
        let following = self.0.as_ref();
        let local = following.and_then(|following| following.local.downcast_ref::<S>());
        local.cloned().unwrap_or(settings)
    }

    /// Takes what the registry says, or refuses it whole and goes on as before.
    pub fn take(&self, offer: &Offer) {
        if let Some(following) = &self.0 {
            (following.take)(offer);
        }
    }

    /// Whether this process could take these documents: what no schema says, such as a filter of the log, it can.
    pub fn check(&self, documents: &[Document]) -> Result<(), Refusal> {
        let following = self.0.as_ref();
        following.map_or(Ok(()), |following| (following.check)(documents))
    }

    /// What this process says of it; `None` where nobody configures it.
    pub fn standing(&self) -> Option<Standing> {
        self.0.as_ref().map(|following| (following.standing)())
    }
}
