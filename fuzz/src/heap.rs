//! A global allocator that counts the bytes that each thread has allocated.
#![allow(unsafe_code, reason = "only a global allocator sees all allocations")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATED: Cell<isize> = const { Cell::new(0) };
}

/// Returns the bytes that this thread has allocated and not freed.
pub fn allocated() -> isize {
    ALLOCATED.get()
}

fn count(from: usize, to: usize) {
    ALLOCATED.set(ALLOCATED.get() + to as isize - from as isize);
}

// SAFETY: every call is forwarded unchanged to the system allocator, and the counter itself does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller upholds the contract of the method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: the caller upholds the contract of the method.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        // SAFETY: the caller upholds the contract of the method.
        unsafe { System.realloc(block, layout, size) }
    }
}
