//! Values under small numbers that are used again: what the messages of one protocol lie in.

/// A typed slab.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: u32,
}

#[derive(Debug)]
enum Place<T> {
    Taken(T),
    Free { next: u32 },
}

const NONE: u32 = u32::MAX;

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { places: Vec::new(), free: NONE }
    }
}

impl<T> Slab<T> {
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if self.free == NONE {
            self.places.push(Place::Taken(value));
            return (self.places.len() - 1) as u32;
        }
        let slot = self.free;
        let place = &mut self.places[slot as usize];
        let Place::Free { next } = *place else { unreachable!("the free list names free places") };
        self.free = next;
        *place = Place::Taken(value);
        slot
    }

    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) -> T {
        let freed = Place::Free { next: self.free };
        let Place::Taken(value) = std::mem::replace(&mut self.places[slot as usize], freed) else {
            unreachable!("a slot is removed once")
        };
        self.free = slot;
        value
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &T {
        match &self.places[slot as usize] {
            Place::Taken(value) => value,
            Place::Free { .. } => unreachable!("a slot is read while it is taken"),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut T {
        match &mut self.places[slot as usize] {
            Place::Taken(value) => value,
            Place::Free { .. } => unreachable!("a slot is changed while it is taken"),
        }
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter_map(|place| match place {
            Place::Taken(value) => Some(value),
            Place::Free { .. } => None,
        })
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| match place {
            Place::Taken(value) => Some(value),
            Place::Free { .. } => None,
        })
    }
}
