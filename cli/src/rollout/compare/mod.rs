//! Old and new, asked the same at the same time, and what each did.
//!
//! Where visitors ask for little, this is the traffic: what is published and what developers look at, asked of each process
//! directly. Bytes have to be those that are published; documents have to say what the old process says, and may say more;
//! failures, times, memory and descriptors are compared. What visitors got is counted by the processes themselves.

mod ask;
mod learn;
mod process;
mod question;
mod recorder;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::look::{Look, Whom};
use super::rules::plan::Step;
use super::rules::progress::{Phase, Progress};
use super::rules::verdict::{Side, Verdict, fault, judge};
use crate::fleet::wanted::Instance;
use crate::run::Service;
pub(super) use ask::Asker;
use ask::NotReached;
use learn::{Known, learn};
use question::{Caller, Expected, Outcome, Question};
use recorder::Recorder;

/// Who ask one process at once, and how long each waits after an answer: 60 requests a second at most.
const ASKERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(60);
const MEASURED_EVERY: Duration = Duration::from_millis(500);

pub(super) struct Comparison {
    asker: Arc<Asker>,
    questions: HashMap<Service, Arc<Vec<Question>>>,
    watched: HashMap<Instance, Watched>,
    /// What the last old one of a service did, beside which the new ones are looked at to the end.
    before: HashMap<Service, Side>,
}

struct Watched {
    pid: u32,
    /// Ended with it.
    _tasks: JoinSet<()>,
    recorder: Arc<Mutex<Recorder>>,
}

impl Comparison {
    pub(super) fn new(asker: Arc<Asker>) -> Self {
        Self {
            asker,
            questions: HashMap::new(),
            watched: HashMap::new(),
            before: HashMap::new(),
        }
    }

    /// Asks those that are to be asked now, and no others.
    pub(super) async fn follow(&mut self, progress: &Progress, look: &Look) {
        let sides = compared(progress);
        let mut asked = Vec::new();
        if progress.halted.is_none() && progress.goes_on() {
            asked.extend(progress.judged().into_iter().map(|new| (new, None)));
            asked.extend(
                sides
                    .iter()
                    .filter_map(|Sides { old, .. }| Some(((*old)?, None))),
            );
            asked.extend(sides.map(|Sides { old, new }| (new, old)));
        }
        self.watched
            .retain(|instance, _| asked.iter().any(|(one, _)| one == instance));
        for (instance, reference) in asked {
            let Some(whom) = look.whom(&instance) else {
                continue;
            };
            let reference = reference.and_then(|old| look.whom(&old));
            self.learn(reference.unwrap_or(whom), look).await;
            self.watch(instance, whom, reference);
        }
    }

    /// What was seen while caches were empty is not held against anybody.
    pub(super) fn begin_window(&mut self, progress: &Progress) {
        let sides = compared(progress).into_iter();
        for instance in sides.flat_map(|Sides { old, new }| old.into_iter().chain([new])) {
            if let Some(watched) = self.watched.get(&instance) {
                *lock(&watched.recorder) = Recorder::default();
            }
        }
    }

    /// Of all that are new.
    pub(super) fn verdict(&mut self, progress: &Progress, look: &Look) -> Verdict {
        for instance in progress.judged() {
            let new = self.side(&instance, look);
            let before = self.before.get(&instance.service).cloned();
            if let Some(why) = fault(&before.unwrap_or_default(), &new) {
                return Verdict::Bad(self.told(&instance, &why));
            }
        }
        let Some(Sides { old, new }) = compared(progress) else {
            return Verdict::Good;
        };
        let of_new = self.side(&new, look);
        let seen = if progress.phase == Phase::Comparing {
            if let Some(old) = old {
                self.before.insert(new.service, self.side(&old, look));
            }
            judge(&self.before_of(new.service, &of_new), &of_new)
        } else {
            let ended = of_new.ended;
            let dead = Side {
                ended,
                ..Side::default()
            };
            judge(&Side::default(), &dead)
        };
        match seen {
            Verdict::Bad(why) => Verdict::Bad(self.told(&new, &why)),
            seen => seen,
        }
    }

    fn told(&self, instance: &Instance, why: &str) -> String {
        let name = instance.service.name();
        let watched = self.watched.get(instance);
        let example =
            watched.and_then(|watched| Some(lock(&watched.recorder).example()?.to_owned()));
        let example = example.map(|example| format!(" ({example})"));
        format!("the new {name}: {why}{}", example.unwrap_or_default())
    }

    /// Where the old one had to end first, it was without a fault.
    fn before_of(&self, service: Service, new: &Side) -> Side {
        let seen = self.before.get(&service).cloned();
        seen.unwrap_or_else(|| Side::without_fault(new))
    }

    fn side(&self, instance: &Instance, look: &Look) -> Side {
        let ended = look.ended_times(instance);
        match self.watched.get(instance) {
            Some(watched) => lock(&watched.recorder).side(ended),
            None => Recorder::default().side(ended),
        }
    }

    /// What can be asked of a service; the teacher's answers are taken to be right.
    async fn learn(&mut self, teacher: &Whom, look: &Look) {
        if self.questions.contains_key(&teacher.service) {
            return;
        }
        let Some(gateway) = &look.gateway else {
            return;
        };
        // Looked at again with the next step: without questions nothing is compared, and nobody is judged good.
        let Ok(known) = Known::look(&self.asker, gateway).await else {
            return;
        };
        let questions = known.questions(teacher.service);
        let learned = learn(&self.asker, teacher, questions).await;
        self.questions.insert(teacher.service, Arc::new(learned));
    }

    fn watch(&mut self, instance: Instance, whom: &Whom, reference: Option<&Whom>) {
        let Some(questions) = self.questions.get(&whom.service) else {
            return;
        };
        let before = self.watched.get(&instance);
        if before.is_some_and(|watched| watched.pid == whom.said.pid) {
            return;
        }
        // One that was started again is the same instance: what its process before did counts.
        let recorder = before.map(|watched| watched.recorder.clone());
        let recorder = recorder.unwrap_or_default();
        let pid = whom.said.pid;
        let one = Arc::new(Asked {
            asker: self.asker.clone(),
            whom: whom.clone(),
            reference: reference.cloned(),
            questions: questions.clone(),
            recorder: recorder.clone(),
        });
        let mut tasks = JoinSet::new();
        for number in 0..ASKERS {
            let one = one.clone();
            tasks.spawn(async move { one.ask(number).await });
        }
        tasks.spawn(async move { one.measure().await });
        let watched = Watched {
            pid,
            _tasks: tasks,
            recorder,
        };
        self.watched.insert(instance, watched);
    }
}

/// Those of the step that are asked: side by side, but where two cannot run at once.
struct Sides {
    old: Option<Instance>,
    new: Instance,
}

fn compared(progress: &Progress) -> Option<Sides> {
    let is_compared = matches!(
        progress.phase,
        Phase::Starting | Phase::Warming | Phase::Comparing
    );
    let step = progress.plan.steps.get(progress.at)?;
    match *step {
        _ if !is_compared || progress.halted.is_some() => None,
        Step::Replace { old, new } => Some(Sides {
            old: Some(old),
            new,
        }),
        Step::ReplaceInPlace { new, .. } => Some(Sides { old: None, new }),
        Step::Up { .. } => None,
    }
}

fn lock(recorder: &Mutex<Recorder>) -> MutexGuard<'_, Recorder> {
    recorder.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One process that is asked again and again.
struct Asked {
    asker: Arc<Asker>,
    whom: Whom,
    /// The old one beside it, who is right where a document has changed meanwhile.
    reference: Option<Whom>,
    questions: Arc<Vec<Question>>,
    recorder: Arc<Mutex<Recorder>>,
}

impl Asked {
    async fn ask(&self, first: usize) {
        // Each begins elsewhere, and all come to every question.
        let all = self.questions.iter().cycle();
        for question in all.skip(first * self.questions.len() / ASKERS) {
            if let Some((millis, outcome)) = self.outcome(question).await {
                lock(&self.recorder).answered(millis, outcome);
            }
            sleep(PAUSE).await;
        }
    }

    /// None where the process was not reached, so that nothing is known of it.
    async fn outcome(&self, question: &Question) -> Option<(u64, Outcome)> {
        let begun = Instant::now();
        let heard = match self.asker.ask(&self.whom, question).await {
            Ok(heard) => heard,
            Err(error) if error.is::<NotReached>() => return None,
            Err(error) => {
                let words = format!("{}: {error:#}", question.path);
                let millis = u64::try_from(begun.elapsed().as_millis()).ok()?;
                return Some((millis, Outcome::Failed(words)));
            }
        };
        let outcome = match (question.outcome(&heard), &question.expected) {
            (Outcome::Wrong(why), Expected::Holds(_)) => self.compared_again(question, why).await?,
            (outcome, _) => outcome,
        };
        Some((heard.millis, outcome))
    }

    /// A document may have changed since it was learned: what the old one says now is right. Where that is what it said before,
    /// the new one was wrong, whatever it says the next time.
    async fn compared_again(&self, question: &Question, why: String) -> Option<Outcome> {
        let reference = self.reference.as_ref()?;
        let now = self.asker.ask(reference, question).await.ok()?;
        if question.outcome(&now) == Outcome::Right {
            return Some(Outcome::Wrong(why));
        }
        let question = question.clone().learned(&now)?;
        let heard = self.asker.ask(&self.whom, &question).await.ok()?;
        Some(question.outcome(&heard))
    }

    async fn measure(&self) {
        let metrics = Question::new(Caller::Operator, "/metrics");
        loop {
            if let Some(size) = process::size(self.whom.said.pid) {
                lock(&self.recorder).measured(size);
            }
            if let Ok(heard) = self.asker.ask(&self.whom, &metrics).await {
                let text = String::from_utf8_lossy(&heard.body);
                lock(&self.recorder).counted(process::counts(&text));
            }
            sleep(MEASURED_EVERY).await;
        }
    }
}
