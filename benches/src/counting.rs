//! An allocator that counts allocations and bytes. To get the counts, a program makes it its global allocator. While
//! counting is off, each call costs one test of a flag.
#![allow(unsafe_code, reason = "only a global allocator sees all allocations")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system allocator with counters.
#[derive(Debug)]
pub struct Counting;

/// Counts of heap use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heap {
    /// Number of allocations and reallocations.
    pub calls: usize,
    /// Bytes requested.
    pub bytes: usize,
    /// Bytes still allocated at the end, less those freed that were allocated before.
    pub live: isize,
}

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static HEAP: Cell<Heap> = const { Cell::new(Heap { calls: 0, bytes: 0, live: 0 }) };
}

fn record(new: usize, old: usize) {
    if ON.get() {
        let mut heap = HEAP.get();
        heap.live += new as isize - old as isize;
        if new > 0 {
            heap.calls += 1;
            heap.bytes += new;
        }
        HEAP.set(heap);
    }
}

// SAFETY: every call is forwarded unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        record(layout.size(), 0);
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        record(layout.size(), 0);
        // SAFETY: the caller upholds the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        record(size, layout.size());
        // SAFETY: the caller upholds the contract of `realloc`.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        record(0, layout.size());
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Runs `work` and counts its heap use on this thread. All counts are zero if [`Counting`] is not the global allocator.
pub fn count<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    HEAP.set(Heap::default());
    ON.set(true);
    let value = work();
    ON.set(false);
    (value, HEAP.get())
}
