//! The tasks that wait for a connection to write.
//!
//! A task that waits for its bytes is woken when they were written, and no other task is. Tasks that wait for the unsent
//! bytes to fall below the high-water mark are woken first come first served, and only as many at a time as there is
//! space for messages of 4 KiB, at least one: if all were woken, all but the first would wait again. A task that was
//! woken has no claim to the space, because it may never be polled. If the space was taken meanwhile, it waits again in
//! its old place.

use std::collections::BTreeMap;
use std::task::Waker;

/// The bytes below the high-water mark for which another task is woken.
const BYTES_PER_TASK: usize = 4 * 1024;

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
    /// In the order in which they are woken.
    tasks: BTreeMap<Key, Waker>,
}

impl Waiting {
    /// Registers a task, or sets its waker if it has a key.
    pub(crate) fn register(&mut self, until: Until, key: Option<Key>, waker: &Waker) -> Key {
        let key = key.unwrap_or_else(|| {
            self.next += 1;
            (until, self.next)
        });
        self.tasks.insert(key, waker.clone());
        key
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.tasks.remove(&key);
    }

    /// Takes the wakers of the tasks whose bytes were written, or were discarded because the connection has failed:
    /// they are between `written` and `queued` otherwise.
    pub(crate) fn take_written(&mut self, written: u64, queued: u64, woken: &mut Vec<Waker>) {
        while let Some(first) = self.tasks.first_entry()
            && matches!(first.key().0, Until::Written(target) if target <= written)
        {
            woken.push(first.remove());
        }
        let discarded = (Until::Written(queued.saturating_add(1)), 0)..(Until::End, 0);
        let keys: Vec<Key> = self.tasks.range(discarded).map(|(&key, _)| key).collect();
        woken.extend(keys.into_iter().filter_map(|key| self.tasks.remove(&key)));
    }

    /// Takes the wakers of the tasks that wait for `Ready` and came first, for `space` bytes below the high-water mark.
    /// Returns whether others are left.
    pub(crate) fn take_ready(&mut self, space: usize, woken: &mut Vec<Waker>) -> bool {
        let mut ready = self.tasks.range((Until::Ready, 0)..).map(|(&key, _)| key);
        let first: Vec<Key> = ready.by_ref().take(1 + space / BYTES_PER_TASK).collect();
        let are_left = ready.next().is_some();
        woken.extend(first.into_iter().filter_map(|key| self.tasks.remove(&key)));
        are_left
    }

    pub(crate) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(std::mem::take(&mut self.tasks).into_values());
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::{BYTES_PER_TASK, Until, Waiting};

    fn woken(take: impl FnOnce(&mut Vec<Waker>)) -> usize {
        let mut woken = Vec::new();
        take(&mut woken);
        woken.len()
    }

    #[test]
    fn tasks_are_woken_by_space() {
        let mut waiting = Waiting::default();
        let keys: Vec<_> = (0..10).map(|_| waiting.register(Until::Ready, None, Waker::noop())).collect();
        waiting.register(Until::End, None, Waker::noop());
        let ready = |waiting: &mut Waiting, space| {
            let mut woken = Vec::new();
            let are_left = waiting.take_ready(space, &mut woken);
            (woken.len(), are_left)
        };
        assert_eq!(ready(&mut waiting, 2 * BYTES_PER_TASK), (3, true));
        // The second one waits again in its place, and two others give up.
        waiting.register(Until::Ready, Some(keys[1]), Waker::noop());
        waiting.remove(keys[0]);
        waiting.remove(keys[4]);
        assert_eq!(ready(&mut waiting, 0), (1, true));
        assert!(!waiting.tasks.contains_key(&keys[1]));
        assert_eq!(ready(&mut waiting, 5 * BYTES_PER_TASK), (6, false));
        assert_eq!(ready(&mut waiting, 0), (0, false));
        assert_eq!(woken(|woken| waiting.take_all(woken)), 1);
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
