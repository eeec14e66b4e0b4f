//! An allocator that counts, for each thread by itself: what it holds, and what it ever asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static HEAP: Cell<Heap> = const { Cell::new(Heap { held: 0, peak: 0, calls: 0 }) };
}

/// What a thread has of the heap, in bytes, and how often it asked for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heap {
    pub(crate) held: i64,
    /// The most that was held since this was last set.
    pub(crate) peak: i64,
    /// Allocations and reallocations.
    pub(crate) calls: u64,
}

/// What `work` leaves on the heap, the most that it held beyond what was there before, and how often it asked.
pub(crate) fn measure<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    let before = HEAP.get();
    HEAP.set(Heap { peak: before.held, ..before });
    let value = work();
    let Heap { held, peak, calls } = HEAP.get();
    (value, Heap { held: held - before.held, peak: peak - before.held, calls: calls - before.calls })
}

fn count(from: usize, to: usize) {
    let Heap { held, peak, calls } = HEAP.get();
    let held = held + to as i64 - from as i64;
    HEAP.set(Heap { held, peak: peak.max(held), calls: calls + u64::from(to > 0) });
}

// SAFETY: every call goes to the system's allocator as it came, and the count is a cell that allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}
