//! Facts on their way from the nodes to the audience.

use crate::audience::{Audience, Incident};
use crate::kernel::{Event, Kernel};
use crate::life::Life;
use crate::trace::Traced;
use crate::{Settings, Trigger};
use rehearsal_env::{Fact, Incarnation, NodeId, Stamp, Time};
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

/// A fault that waits for the n-th fact of a kind.
struct Watch {
    kind: String,
    left: u64,
    delay: Duration,
    fault: u32,
}

pub(crate) struct FactBus<F> {
    audience: Rc<RefCell<dyn Audience<F>>>,
    watches: RefCell<Vec<Watch>>,
    watching: Cell<bool>,
}

impl<F: Fact> FactBus<F> {
    pub(crate) fn new(settings: &Settings, audience: Rc<RefCell<dyn Audience<F>>>) -> Rc<FactBus<F>> {
        let faults = settings.faults.iter().enumerate();
        let watches: Vec<Watch> = faults
            .filter_map(|(index, fault)| match &fault.trigger {
                Trigger::On { fact, nth, delay } => Some(Watch {
                    kind: fact.clone(),
                    left: *nth,
                    delay: delay.duration(),
                    fault: index as u32,
                }),
                _ => None,
            })
            .collect();
        let watching = Cell::new(!watches.is_empty());
        Rc::new(FactBus { audience, watches: RefCell::new(watches), watching })
    }

    /// Shows a fact of a living node to the audience.
    #[inline(always)]
    pub(crate) fn observe(&self, life: &Life, fact: &F) {
        let kernel = &*life.kernel;
        if !life.alive.get() || kernel.stopped.get() {
            return;
        }
        if kernel.incidents_wait.get() {
            self.show_incidents(kernel);
        }
        let stamp = stamp(kernel, life.node, life.incarnation);
        kernel.trace_stamped(&stamp, || Traced::Fact { number: stamp.number });
        kernel.absorb(stamp.time.0 ^ u64::from(stamp.node.0).rotate_left(48));
        kernel.absorb_value(fact);
        if self.audience.borrow_mut().witness(&stamp, fact).is_break() {
            kernel.stopped.set(true);
        }
        if self.watching.get() && kernel.stormy.get() {
            self.trigger(kernel, fact.kind());
        }
    }

    /// Whether the audience finds everything at rest.
    pub(crate) fn is_at_rest(&self, now: Time) -> bool {
        self.audience.borrow().is_at_rest(now)
    }

    /// Shows what the scenario did since the last call.
    pub(crate) fn show_incidents(&self, kernel: &Kernel) {
        kernel.incidents_wait.set(false);
        let mut incidents = kernel.incidents.take();
        for incident in incidents.drain(..) {
            let node = match incident {
                Incident::Crashed(node)
                | Incident::Exited(node)
                | Incident::Started(node)
                | Incident::Paused(node)
                | Incident::Resumed(node)
                | Incident::SyncFailed(node)
                | Incident::WriteSpoiled(node)
                | Incident::NoSpace(node)
                | Incident::Ailed(node, _)
                | Incident::Mended(node, _)
                | Incident::Failed(node, _) => node,
                Incident::Cut(_)
                | Incident::Healed(_)
                | Incident::CalmBegan
                | Incident::LinkSlowed(_)
                | Incident::LinkFast(_)
                | Incident::LinkReset(_)
                | Incident::ZoneLost(_) => NodeId(u32::MAX),
            };
            let ended = matches!(incident, Incident::Crashed(_) | Incident::Exited(_));
            let nodes = kernel.nodes.borrow();
            let incarnation = nodes.get(node.index()).map_or(Incarnation(0), |node| match node.incarnation {
                // The next one has its number already; this is about the one that ended.
                Incarnation(next) if ended && !node.done => Incarnation(next - 1),
                present => present,
            });
            drop(nodes);
            let stamp = stamp(kernel, node, incarnation);
            kernel.trace_stamped(&stamp, || Traced::Incident { number: stamp.number, incident });
            kernel.absorb_value(&incident);
            let flow = self.audience.borrow_mut().incident(&stamp, &incident);
            if flow == ControlFlow::Break(()) {
                kernel.stopped.set(true);
            }
        }
        let mut kept = kernel.incidents.borrow_mut();
        if kept.is_empty() {
            *kept = incidents;
        }
    }

    fn trigger(&self, kernel: &Kernel, kind: &str) {
        let mut watches = self.watches.borrow_mut();
        for watch in watches.iter_mut().filter(|watch| watch.kind == kind) {
            watch.left -= 1;
            if watch.left == 0 {
                let event = Event::Strike { fault: watch.fault, repeats: 0 };
                kernel.schedule(kernel.now.get() + watch.delay, kernel.strike_id(watch.fault, 0), event);
            }
        }
        watches.retain(|watch| watch.left > 0);
        self.watching.set(!watches.is_empty());
    }
}

fn stamp(kernel: &Kernel, node: NodeId, incarnation: Incarnation) -> Stamp {
    let number = kernel.history.get();
    kernel.history.set(number + 1);
    Stamp { number, time: kernel.now.get(), node, incarnation, cause: kernel.event.get() }
}
