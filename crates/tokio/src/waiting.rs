//! The tasks that wait for a connection to write.
//!
//! A task that waits for its bytes is woken when they were written, and no other task is. A task that waits for the
//! unsent bytes to fall below the high-water mark gets a turn, first come first served. Only as many tasks have a turn
//! at a time as there is space for messages of 4 KiB, at least one: if all were woken, all but the first would wait again.

use std::collections::BTreeMap;
use std::task::Waker;

/// The bytes below the high-water mark for which another task gets a turn.
const BYTES_PER_TURN: usize = 4 * 1024;

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Until {
    /// This number of bytes was written, counted from the beginning of the connection.
    Written(u64),
    /// The connection has ended.
    End,
    /// Not more bytes are unsent than the high-water mark.
    Ready,
}

/// A task that waits, by its number.
pub(crate) type Key = (Until, u64);

#[derive(Default)]
pub(crate) struct Waiting {
    next: u64,
    /// The tasks that wait for `Written` and `End`, in the order in which they are woken.
    others: BTreeMap<Key, Waker>,
    /// The tasks that wait for `Ready`, in the order in which they came. Without a waker, it has its turn.
    ready: BTreeMap<u64, Option<Waker>>,
    /// The number of tasks that have a turn.
    turns: usize,
}

impl Waiting {
    /// Registers a task, or sets its waker if it has a key.
    pub(crate) fn register(&mut self, until: Until, key: Option<Key>, waker: &Waker) -> Key {
        let key = key.unwrap_or_else(|| {
            self.next += 1;
            (until, self.next)
        });
        match until {
            Until::Written(_) | Until::End => drop(self.others.insert(key, waker.clone())),
            Until::Ready => {
                if self.ready.insert(key.1, Some(waker.clone())).is_some_and(|before| before.is_none()) {
                    self.turns -= 1;
                }
            }
        }
        key
    }

    /// Returns whether a task without a key need not wait: no other task does.
    pub(crate) fn has_turn(&self, key: Option<Key>) -> bool {
        match key {
            Some((_, number)) => self.ready.get(&number).is_none_or(Option::is_none),
            None => self.ready.is_empty(),
        }
    }

    /// Removes a task. Returns whether the next one needs a turn.
    pub(crate) fn remove(&mut self, key: Key) -> bool {
        if key.0 != Until::Ready {
            self.others.remove(&key);
            return false;
        }
        if self.ready.remove(&key.1).is_some_and(|waker| waker.is_none()) {
            self.turns -= 1;
        }
        self.turns == 0 && !self.ready.is_empty()
    }

    /// Takes the wakers of the tasks whose bytes were written, or were discarded because the connection has failed:
    /// they are between `written` and `queued` otherwise.
    pub(crate) fn take_written(&mut self, written: u64, queued: u64, woken: &mut Vec<Waker>) {
        while let Some(first) = self.others.first_entry()
            && matches!(first.key().0, Until::Written(target) if target <= written)
        {
            woken.push(first.remove());
        }
        let discarded = (Until::Written(queued.saturating_add(1)), 0)..(Until::End, 0);
        let keys: Vec<Key> = self.others.range(discarded).map(|(&key, _)| key).collect();
        woken.extend(keys.into_iter().filter_map(|key| self.others.remove(&key)));
    }

    /// Gives turns to the tasks that came first, for `space` bytes below the high-water mark.
    pub(crate) fn give_turns(&mut self, space: usize, woken: &mut Vec<Waker>) {
        let max = 1 + space / BYTES_PER_TURN;
        for waker in self.ready.values_mut().take(max).filter_map(Option::take) {
            self.turns += 1;
            woken.push(waker);
        }
    }

    pub(crate) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(std::mem::take(&mut self.others).into_values());
        self.give_turns(usize::MAX - BYTES_PER_TURN, woken);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::{BYTES_PER_TURN, Until, Waiting};

    fn woken(take: impl FnOnce(&mut Vec<Waker>)) -> usize {
        let mut woken = Vec::new();
        take(&mut woken);
        woken.len()
    }

    #[test]
    fn tasks_get_turns_in_order_and_by_space() {
        let mut waiting = Waiting::default();
        assert!(waiting.has_turn(None));
        let keys: Vec<_> = (0..10).map(|_| waiting.register(Until::Ready, None, Waker::noop())).collect();
        assert_eq!(woken(|woken| waiting.give_turns(2 * BYTES_PER_TURN, woken)), 3);
        assert_eq!(woken(|woken| waiting.give_turns(2 * BYTES_PER_TURN, woken)), 0);
        let turns = |waiting: &Waiting| keys.iter().filter(|&&key| waiting.has_turn(Some(key))).count();
        assert!(turns(&waiting) == 3 && waiting.has_turn(Some(keys[2])) && !waiting.has_turn(None));
        // The second one waits again, and keeps its place.
        waiting.register(Until::Ready, Some(keys[1]), Waker::noop());
        assert!(!waiting.remove(keys[0]));
        assert!(waiting.remove(keys[2]), "no task has a turn");
        assert_eq!(woken(|woken| waiting.give_turns(0, woken)), 1);
        assert!(waiting.has_turn(Some(keys[1])));
    }

    #[test]
    fn tasks_are_woken_once_their_bytes_are_written_or_discarded() {
        let mut waiting = Waiting::default();
        for until in [Until::Written(10), Until::Written(20), Until::Written(30), Until::End] {
            waiting.register(until, None, Waker::noop());
        }
        assert_eq!(woken(|woken| waiting.take_written(10, 30, woken)), 1);
        assert_eq!(woken(|woken| waiting.take_written(10, 20, woken)), 1);
        assert_eq!(woken(|woken| waiting.take_written(20, 20, woken)), 1);
        assert_eq!(woken(|woken| waiting.take_all(woken)), 1);
    }
}
