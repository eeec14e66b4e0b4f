//! How much memory a thread has allocated.
#![allow(unsafe_code, reason = "an allocator that counts is the one way to see the heap")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATED: Cell<isize> = const { Cell::new(0) };
}

/// The bytes that this thread has allocated and not freed.
pub fn allocated() -> isize {
    ALLOCATED.get()
}

fn count(from: usize, to: usize) {
    ALLOCATED.set(ALLOCATED.get() + to as isize - from as isize);
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
