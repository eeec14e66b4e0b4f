//! An allocator that counts, for what lives on the heap and how often it is asked for. The program that wants figures makes
//! it its own; it costs a look at a flag while nothing is counted.
#![allow(unsafe_code, reason = "an allocator that counts is the one way to see the heap")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a count.
#[derive(Debug)]
pub struct Counting;

/// What was asked of the heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heap {
    /// How often a block was asked for, or another size of one.
    pub calls: usize,
    /// How many bytes were asked for.
    pub bytes: usize,
    /// How many bytes are held that were not before.
    pub held: isize,
}

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static HEAP: Cell<Heap> = const { Cell::new(Heap { calls: 0, bytes: 0, held: 0 }) };
}

fn note(new: usize, old: usize) {
    if ON.get() {
        let mut heap = HEAP.get();
        heap.held += new as isize - old as isize;
        if new > 0 {
            heap.calls += 1;
            heap.bytes += new;
        }
        HEAP.set(heap);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// What `work` asks of the heap on this thread. Nothing but zeros where [`Counting`] is not the program's allocator.
pub fn count<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    HEAP.set(Heap::default());
    ON.set(true);
    let value = work();
    ON.set(false);
    (value, HEAP.get())
}
