use std::sync::Mutex;

/// Contexts that messages without takeover left to the next such ones, of whatever connection. Nothing refers to what was in
/// them, and making another would take longer than to compress a short message.
///
/// Nobody waits for one: where somebody else is about to take or to leave one, the next is made, or dropped.
pub(crate) struct Spares<C>(Mutex<Vec<C>>);

/// How many of each are kept in a process.
const MOST: usize = 8;

impl<C> Spares<C> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The latest that will do.
    pub(crate) fn take(&self, will_do: impl Fn(&C) -> bool) -> Option<C> {
        let mut spares = self.0.try_lock().ok()?;
        let at = spares.iter().rposition(will_do)?;
        Some(spares.remove(at))
    }

    /// Keeps one, in the place of the oldest if need be.
    pub(crate) fn leave(&self, spare: C) {
        let Ok(mut spares) = self.0.try_lock() else { return };
        let oldest = (spares.len() == MOST).then(|| spares.remove(0));
        spares.push(spare);
        // To give memory back may take a while.
        drop(spares);
        drop(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_kept_and_the_latest() {
        let spares = Spares::new();
        (0..20).for_each(|spare| spares.leave(spare));
        let kept: Vec<i32> = std::iter::from_fn(|| spares.take(|_| true)).collect();
        assert_eq!(kept, [19, 18, 17, 16, 15, 14, 13, 12]);
    }

    #[test]
    fn what_will_not_do_stays() {
        let spares = Spares::new();
        (0..3).for_each(|spare| spares.leave(spare));
        assert_eq!((spares.take(|&spare| spare == 1), spares.take(|&spare| spare == 1)), (Some(1), None));
        assert_eq!([(); 3].map(|()| spares.take(|_| true)), [Some(2), Some(0), None]);
    }

    #[test]
    fn nobody_waits() {
        let spares = Spares::new();
        spares.leave(1);
        let others = spares.0.lock();
        spares.leave(2);
        assert_eq!(spares.take(|_| true), None);
        drop(others);
        assert_eq!((spares.take(|_| true), spares.take(|_| true)), (Some(1), None));
    }
}
