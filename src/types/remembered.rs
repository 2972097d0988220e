//! The newest of what was seen, up to a number.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Values by their keys, of which there are never more than a bound: the oldest goes first.
#[derive(Debug)]
pub(crate) struct Remembered<K, V> {
    most: usize,
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Clone + Eq + Hash, V> Remembered<K, V> {
    /// Nothing yet, and never more than `most`.
    pub(crate) fn up_to(most: usize) -> Self {
        Self { most, values: HashMap::new(), order: VecDeque::new() }
    }

    /// The value under `key`, if it is still there.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Puts a value under `key`; one that is there is replaced and gets no younger.
    pub(crate) fn remember(&mut self, key: K, value: V) {
        if self.values.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_the_rest_stays() {
        let mut seen = Remembered::up_to(2);
        seen.remember("a", 1);
        seen.remember("b", 2);
        seen.remember("a", 3);
        seen.remember("c", 4);
        assert_eq!((seen.get(&"a"), seen.get(&"b"), seen.get(&"c")), (None, Some(&2), Some(&4)));
        assert_eq!((seen.len(), seen.order.len()), (2, 2));
    }
}
