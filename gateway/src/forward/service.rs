//! The instances of a service, as the view has them, and what is known of each.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use slipway_contract::record::Record;
use slipway_peers::discovery::view::View;
use tokio::sync::watch;
use tokio::time::Instant;
use tower::retry::budget::TpsBudget;

use super::budget::budget;
use super::choice::{Standing, Tier, choose};
use super::instance::{Instance, Place};

/// All services that were asked for.
pub(super) struct Services {
    view: View,
    known: RwLock<HashMap<&'static str, Arc<Service>>>,
}

/// One service.
pub(super) struct Service {
    name: &'static str,
    view: View,
    /// How many requests may be asked again.
    pub(super) budget: TpsBudget,
    turn: AtomicUsize,
    listed: RwLock<Listed>,
}

/// What the view has, for requests: nothing is copied on their way.
struct Listed {
    news: watch::Receiver<()>,
    members: Arc<[Member]>,
}

#[derive(Clone)]
struct Member {
    tier: Tier,
    instance: Arc<Instance>,
}

/// Why nobody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nobody {
    /// There is nobody, or everybody was.
    Left,
    /// As many requests are on their way to the service as may be.
    Free,
}

impl Services {
    pub(super) fn new(view: View) -> Self {
        Self {
            view,
            known: RwLock::default(),
        }
    }

    pub(super) fn named(&self, name: &'static str) -> Arc<Service> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = known.get(name) {
            return service.clone();
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let service = known
            .entry(name)
            .or_insert_with(|| Arc::new(Service::new(name, self.view.clone())));
        service.clone()
    }

    /// Reads the view again whenever it changes, so that nobody is remembered for longer.
    pub(super) async fn keep_current(&self) {
        let mut news = self.view.subscribe();
        while news.changed().await.is_ok() {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            for service in known.values() {
                service.members();
            }
        }
    }

    /// An instance leaves or is gone: its idle connections end here, before they end there, where a request could be on its
    /// way.
    pub(super) fn part(&self, record: &Record) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = known.get(record.service.as_str()) {
            service.part(record);
        }
    }
}

impl Service {
    fn new(name: &'static str, view: View) -> Self {
        let mut news = view.subscribe();
        news.mark_changed();
        Self {
            name,
            view,
            budget: budget(),
            turn: AtomicUsize::new(0),
            listed: RwLock::new(Listed {
                news,
                members: Arc::new([]),
            }),
        }
    }

    /// Whether anybody is there at all.
    pub(super) fn is_there(&self) -> bool {
        !self.members().is_empty()
    }

    /// A place at the instance that a request goes to, of those that are not in `tried`. With `at_most` requests on their
    /// way to the service it gets none: nothing is queued. Who is out is asked only where `forced`, and everybody is.
    pub(super) fn place(
        &self,
        tried: &[Arc<Instance>],
        forced: bool,
        at_most: usize,
    ) -> Result<Place, Nobody> {
        let members = self.members();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        loop {
            let standing = |member: &Member| {
                let was_tried = tried.iter().any(|one| Arc::ptr_eq(one, &member.instance));
                member.instance.standing(member.tier, was_tried, now)
            };
            let standings: Vec<Standing> = members.iter().map(standing).collect();
            if standings.iter().map(|each| each.in_flight).sum::<usize>() >= at_most {
                return Err(Nobody::Free);
            }
            let chosen = choose(&standings, turn).ok_or(Nobody::Left)?;
            let is_out = !standings[chosen].is_admitted;
            if is_out && !forced {
                return Err(Nobody::Left);
            }
            // Between the look and this, another request may have begun to try it: then it is out.
            if let Some(place) = Place::take(&members[chosen].instance, now, is_out) {
                return Ok(place);
            }
        }
    }

    fn part(&self, record: &Record) {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        for member in listed.members.iter() {
            if member.instance.is_of(record) {
                member.instance.pool.close();
            }
        }
    }

    fn members(&self) -> Arc<[Member]> {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        if !listed.news.has_changed().unwrap_or(false) {
            return listed.members.clone();
        }
        drop(listed);
        let mut listed = self.listed.write().unwrap_or_else(PoisonError::into_inner);
        listed.news.mark_unchanged();
        listed.members = self.read(&listed.members);
        listed.members.clone()
    }

    /// What the view has now. Who was there before is the same still; connections to others end.
    fn read(&self, before: &[Member]) -> Arc<[Member]> {
        let records = self.view.candidates(self.name);
        let member = |record: &Record| {
            let same = |member: &&Member| member.instance.is_of(record);
            let known = before.iter().find(same).map(|known| known.instance.clone());
            let instance = known.or_else(|| Instance::of(self.name, record).map(Arc::new))?;
            let tier = Tier::of(record.state);
            if tier != Tier::Ready {
                instance.pool.close();
            }
            Some(Member { tier, instance })
        };
        records.iter().filter_map(member).collect()
    }
}
