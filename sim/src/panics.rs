//! Catching the panics of nodes: each is a violation, never the end of a campaign.

use rehearsal_env::Violation;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// Puts a hook before the present one that keeps quiet about the panics that [`catch`] catches, and
/// remembers their place.
pub(crate) fn install_hook() {
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if CATCHING.get() {
                let place = info.location().map_or_else(String::new, ToString::to_string);
                PLACE.with_borrow_mut(|kept| *kept = place);
            } else {
                previous(info);
            }
        }));
    });
}

/// From here on the panics of this thread are kept instead of printed, until the guard is dropped.
pub(crate) fn quiet() -> Quiet {
    Quiet { outer: CATCHING.replace(true) }
}

/// Restores the printing of panics. When the world itself panics, which no [`catch`] catches, what was kept
/// is printed after all.
pub(crate) struct Quiet {
    outer: bool,
}

impl Drop for Quiet {
    fn drop(&mut self) {
        CATCHING.set(self.outer);
        if std::thread::panicking() {
            eprintln!("the seeded world panicked at {}", PLACE.take());
        }
    }
}

/// A panic that was caught.
pub(crate) struct Caught {
    payload: Box<dyn Any + Send>,
}

/// Runs `steps`, and keeps their panic.
#[inline]
pub(crate) fn catch(steps: impl FnOnce()) -> Result<(), Caught> {
    panic::catch_unwind(AssertUnwindSafe(steps)).map_err(|payload| Caught { payload })
}

impl Caught {
    /// Lets the panic go on.
    pub(crate) fn resume(self) -> ! {
        panic::resume_unwind(self.payload)
    }

    /// That a node panicked, where, and what it said; the place in the code is the panic's.
    pub(crate) fn violation(&self, node: &str) -> Violation {
        let place = PLACE.with_borrow(String::clone);
        let message = format!("node {node} {}", self.message());
        Violation { place, ..Violation::new("no-panic", message, []) }
    }

    /// Where it was, and what it said.
    fn message(&self) -> String {
        let said = match (self.payload.downcast_ref::<&str>(), self.payload.downcast_ref::<String>()) {
            (Some(text), _) => text,
            (_, Some(text)) => text.as_str(),
            _ => "something that is no text",
        };
        format!("panicked at {}: {said}", PLACE.take())
    }
}
