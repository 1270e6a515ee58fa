//! How many requests are inside the workload, and how many of them its application can keep in a
//! lane: what tells the calls that such requests lead to from all others.

const std = @import("std");

const Atomic = std.atomic.Value(u32);

/// Of one lane group. All threads share it.
pub const Inside = struct {
    requests: Atomic = .init(0),
    of_lanes: Atomic = .init(0),

    pub fn enter(inside: *Inside, of_lane: bool) void {
        _ = inside.requests.fetchAdd(1, .monotonic);
        if (of_lane) _ = inside.of_lanes.fetchAdd(1, .monotonic);
    }

    /// The end of a request. One that never entered may end, too: no number falls below zero.
    pub fn leave(inside: *Inside, of_lane: bool) void {
        if (of_lane) decrement(&inside.of_lanes);
        decrement(&inside.requests);
    }

    /// Whether a request is inside, and each one is of a lane: then a call can be of no other.
    ///
    /// Between the steps of `enter` and `leave` the answer is false.
    pub fn areAllOfLanes(inside: *const Inside) bool {
        const of_lanes = inside.of_lanes.load(.monotonic);
        return of_lanes > 0 and of_lanes >= inside.requests.load(.monotonic);
    }
};

fn decrement(number: *Atomic) void {
    if (number.fetchSub(1, .monotonic) == 0) _ = number.fetchAdd(1, .monotonic);
}

const testing = std.testing;

test "calls are of lanes only while no other request is inside" {
    var inside: Inside = .{};
    try testing.expect(!inside.areAllOfLanes());
    inside.enter(true);
    inside.enter(true);
    try testing.expect(inside.areAllOfLanes());
    inside.enter(false);
    try testing.expect(!inside.areAllOfLanes());
    inside.leave(true);
    try testing.expect(!inside.areAllOfLanes());
    inside.leave(false);
    try testing.expect(inside.areAllOfLanes());
    inside.leave(true);
    try testing.expect(!inside.areAllOfLanes());
}

test "requests that never entered leave nothing behind" {
    var inside: Inside = .{};
    for (0..3) |_| inside.leave(true);
    for (0..3) |_| inside.leave(false);
    inside.enter(true);
    try testing.expect(inside.areAllOfLanes());
    inside.leave(true);
    try testing.expect(!inside.areAllOfLanes());
}

test "of many threads' requests none is left" {
    var inside: Inside = .{};
    const work = struct {
        fn run(shared: *Inside) void {
            for (0..50_000) |n| {
                shared.enter(n % 3 == 0);
                shared.leave(n % 3 == 0);
            }
        }
    };
    var threads: [4]std.Thread = undefined;
    for (&threads) |*thread| thread.* = try std.Thread.spawn(.{}, work.run, .{&inside});
    for (threads) |thread| thread.join();
    try testing.expectEqual(0, inside.requests.load(.monotonic));
    try testing.expectEqual(0, inside.of_lanes.load(.monotonic));
}
