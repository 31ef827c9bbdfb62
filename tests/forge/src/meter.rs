//! How much memory a piece of work takes at its peak, on its own thread.
//!
//! Costs nothing worth speaking of while nothing is metered, so that benchmarks of time may carry it along.
//!
//! A program that measures makes the meter its allocator:
//!
//! ```
//! #[global_allocator]
//! static METER: assist_forge::meter::Meter<std::alloc::System> = assist_forge::meter::Meter(std::alloc::System);
//! ```

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs the work and returns the most bytes that it held at once, beyond what was held before.
pub fn peak_bytes<R>(work: impl FnOnce() -> R) -> (usize, R) {
    let metering = Metering::begin();
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    let peak = usize::try_from(PEAK.get() - before).unwrap_or(0);
    drop(metering);
    (peak, result)
}

/// How many threads meter something now.
static METERING: AtomicUsize = AtomicUsize::new(0);

/// Ends even when the work panics.
struct Metering;

impl Metering {
    fn begin() -> Self {
        METERING.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Metering {
    fn drop(&mut self) {
        METERING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An allocator, with counters for each thread.
#[derive(Debug, Clone, Copy)]
pub struct Meter<A>(pub A);

fn count(bytes: i64) {
    if METERING.load(Ordering::Relaxed) == 0 {
        return;
    }
    // A thread that ends may free memory after its counters are gone.
    LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        PEAK.with(|peak| peak.set(peak.get().max(live.get())));
    })
    .ok();
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[expect(
    unsafe_code,
    reason = "an allocator cannot be written without; every call goes to the one below unchanged"
)]
// SAFETY: the pointers and layouts are those that the allocator below gave and is given back.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Meter<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::{Meter, peak_bytes};

    #[global_allocator]
    static METER: Meter<System> = Meter(System);

    #[test]
    fn the_meter_sees_what_is_held_and_forgets_what_is_freed() {
        let (peak, kept) = peak_bytes(|| {
            drop(Vec::<u8>::with_capacity(1_000));
            Vec::<u8>::with_capacity(500)
        });
        assert_eq!((peak, kept.capacity()), (1_000, 500));
    }
}
