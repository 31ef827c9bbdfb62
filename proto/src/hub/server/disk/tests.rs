//! Reserves are touched where they begin, and whole again a little above.

use super::{Disk, DiskReserves, DiskSpace, DiskState, Reserve};
use crate::limits;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

fn disk(warn_mib: u64, stop_mib: u64) -> Disk {
    let reserves =
        DiskReserves { warn_free: Reserve::Bytes(warn_mib * MIB), stop_free: Reserve::Bytes(stop_mib * MIB) };
    Disk::new(reserves, None)
}

#[track_caller]
fn check(disk: &mut Disk, free_mib: u64, state: DiskState) {
    disk.measured(DiskSpace { size_bytes: GIB, free_bytes: free_mib * MIB });
    assert_eq!(disk.standing().state, state, "with {free_mib} MiB");
}

#[test]
fn disk_that_nobody_looked_at_has_room() {
    let disk = disk(100, 40);
    assert_eq!(disk.standing().state, DiskState::Ample);
    assert!(disk.has_room_for(u64::MAX));
}

#[test]
fn each_reserve_is_touched_where_it_begins_and_whole_again_a_quarter_above() {
    let mut disk = disk(100, 40);
    for (free_mib, state) in [
        (100, DiskState::Ample),
        (99, DiskState::Low),
        (124, DiskState::Low),
        (125, DiskState::Ample),
        (40, DiskState::Low),
        (39, DiskState::Full),
        (49, DiskState::Full),
        (50, DiskState::Low),
        (40, DiskState::Low),
        (39, DiskState::Full),
        (125, DiskState::Ample),
    ] {
        check(&mut disk, free_mib, state);
    }
}

#[test]
fn what_was_let_in_since_the_last_look_counts() {
    let mut disk = disk(100, 40);
    check(&mut disk, 60, DiskState::Low);
    assert!(disk.has_room_for(20 * MIB) && !disk.has_room_for(20 * MIB + 1));
    disk.let_in(15 * MIB);
    assert!(disk.has_room_for(5 * MIB) && !disk.has_room_for(6 * MIB));
    disk.let_in(6 * MIB);
    assert_eq!(disk.standing().state, DiskState::Full);
    assert!(!disk.has_room_for(0));
    check(&mut disk, 60, DiskState::Low);
}

#[test]
fn warning_never_comes_after_the_stop() {
    let mut disk = disk(10, 40);
    check(&mut disk, 41, DiskState::Ample);
    check(&mut disk, 39, DiskState::Full);
    check(&mut disk, 49, DiskState::Full);
    check(&mut disk, 50, DiskState::Ample);
}

#[test]
fn defaults_fit_small_disks_and_large_ones() {
    let DiskReserves { warn_free, stop_free } = DiskReserves::default();
    let at = |size_bytes: u64| (warn_free.of(size_bytes) / MIB, stop_free.of(size_bytes) / MIB);
    assert_eq!(at(GIB), (256, 64));
    assert_eq!(at(16 * GIB), (819, 327));
    assert_eq!(at(4_096 * GIB), (limits::DISK_WARN_BYTES_MAX / MIB, limits::DISK_STOP_BYTES_MAX / MIB));
    let Reserve::Share { least_bytes, .. } = stop_free else { panic!("{stop_free:?}") };
    assert!(least_bytes > 2 * limits::FRAME_BYTES_MAX as u64, "a turn's frames fit beside it");
}
