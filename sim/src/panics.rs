//! Catching the panics of nodes: each is a violation, never the end of a campaign.

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

/// Runs `step` of a node; on a panic, where it was and what it said.
#[inline]
pub(crate) fn catch<T>(step: impl FnOnce() -> T) -> Result<T, String> {
    CATCHING.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(step));
    CATCHING.set(false);
    result.map_err(|payload| format!("panicked at {}: {}", PLACE.take(), said(&*payload)))
}

fn said(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "something that is no text",
    }
}
