//! An allocator that counts allocations for each thread separately. A test program installs it:
//!
//! ```
//! use test_support::heap::{CountingAllocator, measure};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! let (bytes, heap) = measure(|| vec![0_u8; 1000]);
//! assert_eq!((heap.live, heap.allocations), (bytes.capacity() as i64, 1));
//! ```
#![allow(unsafe_code, reason = "only an allocator sees the heap, and its trait is unsafe")]
#![allow(clippy::cast_possible_wrap, reason = "no block of a test has more than i64::MAX bytes")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator with counters.
#[derive(Debug)]
pub struct CountingAllocator;

/// The use of the heap by one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heap {
    /// Bytes allocated and not freed. Negative when a thread, or the code that was measured, freed older blocks.
    pub live: i64,
    /// The highest value of `live`.
    pub peak: i64,
    /// Number of allocations and reallocations.
    pub allocations: u64,
    /// Bytes allocated, no matter whether they were freed.
    pub allocated: u64,
}

thread_local! {
    static HEAP: Cell<Heap> = const { Cell::new(Heap { live: 0, peak: 0, allocations: 0, allocated: 0 }) };
}

/// Runs `work`. Returns its value and its use of the heap, with figures that count from the start of `work`.
///
/// Calls may be nested; the outer `peak` then counts from the end of the last inner call on. All figures are 0 where
/// [`CountingAllocator`] is not installed.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    let before = HEAP.get();
    HEAP.set(Heap { peak: before.live, ..before });
    let value = work();
    let after = HEAP.get();
    let heap = Heap {
        live: after.live - before.live,
        peak: after.peak - before.live,
        allocations: after.allocations - before.allocations,
        allocated: after.allocated - before.allocated,
    };
    (value, heap)
}

/// Returns the counters of this thread.
#[must_use]
pub fn current() -> Heap {
    HEAP.get()
}

/// Counts a block of `old` bytes, 0 for none, that becomes one of `new` bytes, 0 for none.
fn count(old: usize, new: usize) {
    let heap = HEAP.get();
    let live = heap.live + new as i64 - old as i64;
    HEAP.set(Heap {
        live,
        peak: heap.peak.max(live),
        allocations: heap.allocations + u64::from(new > 0),
        allocated: heap.allocated + new as u64,
    });
}

// SAFETY: every call goes to the system's allocator with the arguments of the caller. The counters are a cell, which does
// not allocate.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
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
