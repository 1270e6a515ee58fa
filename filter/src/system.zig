//! The clocks and the randomness of the machine, for the native shell.

const std = @import("std");

const linux = std.os.linux;

/// Nanoseconds of a clock that is never set back, the same for all processes of the machine.
pub fn monotonic() u64 {
    return nanoseconds(.MONOTONIC);
}

/// Nanoseconds since 1970.
pub fn wallClock() u64 {
    return nanoseconds(.REALTIME);
}

/// False when the kernel has no randomness.
pub fn random(out: []u8) bool {
    return linux.getrandom(out.ptr, out.len, 0) == out.len;
}

fn nanoseconds(clock: linux.clockid_t) u64 {
    var now: linux.timespec = undefined;
    // By way of libc, which asks the kernel's page and not the kernel.
    _ = std.c.clock_gettime(clock, &now);
    return @as(u64, @intCast(now.sec)) * std.time.ns_per_s + @as(u64, @intCast(now.nsec));
}
