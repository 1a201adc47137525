//! What every world must do, as plain async functions.
