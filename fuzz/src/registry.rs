//! The systems that a program knows.

use crate::own::{Declaration, DeclarationError, Vocabulary};
use crate::system::System;
use crate::systems;
use std::sync::Arc;

/// What is a system, or can become one: a [`Declaration`], any [`System`], or one that is shared already.
pub trait IntoSystem {
    /// The system.
    ///
    /// # Errors
    /// A declaration that cannot be.
    fn into_system(self) -> Result<Arc<dyn System>, DeclarationError>;
}

impl<S: System + 'static> IntoSystem for S {
    fn into_system(self) -> Result<Arc<dyn System>, DeclarationError> {
        Ok(Arc::new(self))
    }
}

impl<F: Vocabulary> IntoSystem for Declaration<F> {
    fn into_system(self) -> Result<Arc<dyn System>, DeclarationError> {
        Ok(Arc::new(self.build()?))
    }
}

impl IntoSystem for Arc<dyn System> {
    fn into_system(self) -> Result<Arc<dyn System>, DeclarationError> {
        Ok(self)
    }
}

/// The systems that a program knows, in the order in which they are shown.
#[derive(Clone, Default)]
pub struct Registry {
    systems: Vec<Arc<dyn System>>,
    refused: Option<DeclarationError>,
}

impl Registry {
    /// Without any.
    pub fn new() -> Registry {
        Registry::default()
    }

    /// Those of this project.
    pub fn ours() -> Registry {
        Registry { systems: systems::all().into_iter().map(Arc::from).collect(), refused: None }
    }

    /// With one more.
    pub fn with(mut self, system: impl IntoSystem) -> Registry {
        match system.into_system() {
            Ok(system) if self.named(system.name()).is_some() => self.refuse(DeclarationError {
                system: system.name().to_owned(),
                what: "there is another system of this name".to_owned(),
                mend: "give one of the two another name".to_owned(),
            }),
            Ok(system) => self.systems.push(system),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// The first mistake is the one to be told.
    fn refuse(&mut self, error: DeclarationError) {
        self.refused.get_or_insert(error);
    }

    /// Whether all that were added are systems.
    ///
    /// # Errors
    /// The first that was not: a declaration that cannot be, or a name that is given twice.
    pub fn check(&self) -> Result<(), DeclarationError> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<dyn System>] {
        &self.systems
    }

    /// The system of this name.
    pub fn named(&self, name: &str) -> Option<Arc<dyn System>> {
        self.systems.iter().find(|system| system.name() == name).cloned()
    }

    /// The names of all of them.
    pub fn names(&self) -> Vec<&'static str> {
        self.systems.iter().map(|system| system.name()).collect()
    }
}
