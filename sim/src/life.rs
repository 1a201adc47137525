//! One incarnation of a node: what its handles share, and what dies with it.

use crate::decider::{Question, Site};
use crate::kernel::Kernel;
use crate::mixing::mix;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rehearsal_env::{Incarnation, NodeId};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// While `alive`, the handles of this incarnation work; afterwards they are inert.
pub(crate) struct Life {
    pub(crate) kernel: Rc<Kernel>,
    pub(crate) node: NodeId,
    pub(crate) incarnation: Incarnation,
    pub(crate) alive: Cell<bool>,
    random: RefCell<Option<ChaCha8Rng>>,
}

impl Life {
    pub(crate) fn new(kernel: Rc<Kernel>, node: NodeId, incarnation: Incarnation) -> Rc<Life> {
        Rc::new(Life { kernel, node, incarnation, alive: Cell::new(true), random: RefCell::new(None) })
    }

    /// Runs `draw` on the node's own random numbers, which begin when they are first asked for.
    pub(crate) fn with_random<T>(&self, draw: impl FnOnce(&mut ChaCha8Rng) -> T) -> T {
        let mut random = self.random.borrow_mut();
        draw(random.get_or_insert_with(|| {
            let cause = mix(u64::from(self.node.0), u64::from(self.incarnation.0));
            let entity = u64::from(self.node.0);
            let mut seed = [0; 32];
            for (ordinal, bytes) in seed.chunks_exact_mut(8).enumerate() {
                let question = Question { cause, entity, site: Site::NodeSeed, ordinal: ordinal as u32 };
                bytes.copy_from_slice(&self.kernel.value(question, 0, u64::MAX - 1).to_le_bytes());
            }
            ChaCha8Rng::from_seed(seed)
        }))
    }
}
