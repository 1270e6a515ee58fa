//! Requests of one worker thread that are open and came with something to remember.
//!
//! What is remembered expires some time after the request came. While the request is open the shell
//! renews it, however long the application takes. Pure; a table of a fixed size, since nothing may
//! fail a request.

const std = @import("std");
const memory = @import("memory.zig");

pub const Request = struct {
    id: memory.Fingerprint,
    sets: u32,
    /// In nanoseconds, as all times here.
    ttl: u64,
    /// When it came, or was renewed last.
    renewed: u64,

    /// Early enough that a renewal may come late, and late enough that short requests cost none.
    pub fn isDue(request: *const Request, now: u64) bool {
        return now -| request.renewed >= request.ttl / 4;
    }
};

/// Requests at a time. One more is served as all are, and is not renewed.
pub const capacity = 1 << 15;
/// Places that a request may take, from the one that its number says.
const reach = 16;

var numbers: [capacity + reach]u32 = @splat(0);
var requests: [capacity + reach]Request = undefined;
var count: usize = 0;

/// `number` is not 0, and no other open request has it. False when there is no place.
pub fn add(number: u32, request: Request) bool {
    const place = find(number, 0) orelse return false;
    numbers[place] = number;
    requests[place] = request;
    count += 1;
    return true;
}

/// The request is over. One that was not added may be over, too.
pub fn remove(number: u32) void {
    if (count == 0) return;
    const place = find(number, number) orelse return;
    numbers[place] = 0;
    count -= 1;
}

/// The next request that is due, from `place` on, which is moved behind it. Null after the last.
pub fn nextDue(place: *usize, now: u64) ?*Request {
    if (count == 0) return null;
    while (place.* < numbers.len) {
        const current = place.*;
        place.* += 1;
        if (numbers[current] != 0 and requests[current].isDue(now)) return &requests[current];
    }
    return null;
}

fn find(number: u32, wanted: u32) ?usize {
    const first = number % capacity;
    const offset = std.mem.findScalar(u32, numbers[first..][0..reach], wanted) orelse return null;
    return first + offset;
}

const testing = std.testing;

fn requestOf(renewed: u64) Request {
    const id: memory.Id = .of("a", 1, &@splat(0));
    return .{ .id = .of(&id), .sets = 1, .ttl = 100, .renewed = renewed };
}

fn dueAt(now: u64) usize {
    var place: usize = 0;
    var due: usize = 0;
    while (nextDue(&place, now)) |_| due += 1;
    return due;
}

test "a request is due from time to time, until it is over" {
    try testing.expect(add(1, requestOf(0)));
    try testing.expect(add(capacity + 1, requestOf(10)));
    try testing.expectEqual(0, dueAt(24));
    try testing.expectEqual(1, dueAt(25));
    try testing.expectEqual(2, dueAt(35));
    var place: usize = 0;
    nextDue(&place, 25).?.renewed = 25;
    try testing.expectEqual(1, dueAt(35));
    remove(7);
    remove(1);
    try testing.expectEqual(1, dueAt(1000));
    remove(capacity + 1);
    try testing.expectEqual(0, dueAt(1000));
    remove(1);
}

test "a full table takes no more, and every place is free again" {
    for (0..2) |_| {
        var taken: usize = 0;
        for (1..2 * capacity) |n| taken += @intFromBool(add(@intCast(n), requestOf(0)));
        try testing.expect(taken >= capacity);
        try testing.expectEqual(taken, dueAt(1000));
        for (1..2 * capacity) |n| remove(@intCast(n));
        try testing.expectEqual(0, count);
    }
}
