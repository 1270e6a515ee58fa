//! The core under coverage-guided fuzzing: any configuration, any headers, any bytes in a set.
//!
//!     cd filter && python -m ziglang build fuzz --fuzz=10M
//!
//! `zig test` runs each once. What is looked for are panics of Zig's safety checks; what a request's
//! headers and a set may never be is checked besides.

const std = @import("std");
const config = @import("config.zig");
const hop = @import("hop.zig");
const memory = @import("memory.zig");

const Smith = std.testing.Smith;

/// One request, and a memory of one set.
const Shell = struct {
    comptime follows_requests: bool = true,
    set: *Set,
    trace: []const u8,
    route: []const u8,
    baggage: []const u8,
    cluster_name: []const u8,
    now: u64,

    const test_key: memory.Key = @splat(7);

    fn valueOf(shell: Shell, name: []const u8) ?[]const u8 {
        const text = if (std.mem.eql(u8, name, "x-lane"))
            shell.route
        else if (std.mem.eql(u8, name, "baggage"))
            shell.baggage
        else
            shell.trace;
        return if (text.len > 0) text else null;
    }

    pub fn header(shell: Shell, name: []const u8) ?[]const u8 {
        return shell.valueOf(name);
    }

    pub fn joined(shell: Shell, name: *const config.Name) ?[]const u8 {
        return shell.valueOf(name.text());
    }

    pub fn replaceHeader(_: Shell, name: []const u8, value: []const u8) void {
        std.debug.assert(name.len > 0);
        if (!std.mem.eql(u8, name, "x-lane")) return;
        std.debug.assert(value.len > 0 and value.len <= memory.lane_limit);
        std.debug.assert(std.mem.findScalar(u8, value, ',') == null);
    }

    pub fn removeHeader(_: Shell, _: []const u8) void {}

    pub fn key(_: Shell) *const memory.Key {
        return &test_key;
    }

    pub fn monotonic(shell: Shell) u64 {
        return shell.now;
    }

    pub fn wallClock(shell: Shell) u64 {
        return shell.now;
    }

    pub fn random(_: Shell, out: []u8) bool {
        @memset(out, 7);
        return true;
    }

    pub fn remembered(_: Shell, _: *const memory.Id, _: *const config.Trace, _: u64) void {}

    pub fn count(_: Shell, _: hop.Counter) void {}

    pub fn entered(_: Shell, _: bool) void {}

    pub fn left(_: Shell, _: bool) void {}

    pub fn areAllOfLanes(_: Shell) bool {
        return true;
    }

    pub fn cluster(shell: Shell) ?[]const u8 {
        return shell.cluster_name;
    }

    pub fn countCall(shell: Shell, call: hop.Call) void {
        std.debug.assert(std.mem.startsWith(u8, shell.cluster_name, "outbound|"));
        if (call == .in_lane) std.debug.assert(shell.route.len > 0);
    }

    pub fn update(shell: Shell, _: u32, change: anytype) bool {
        var out: [memory.set_limit]u8 = undefined;
        const new = change.apply(&out, shell.set.bytes[0..shell.set.length]) orelse return false;
        @memcpy(shell.set.bytes[0..new.len], new);
        shell.set.length = new.len;
        return true;
    }
};

const Set = struct { bytes: [memory.set_limit]u8 = undefined, length: usize = 0 };

const documents = [_][]const u8{
    \\{"direction":"inbound","route_header":"x-lane","trace_header":"my-request-id","ttl_seconds":1}
    ,
    \\{"direction":"outbound","route_header":"x-lane","trace_header":"my-request-id","ttl_seconds":1}
    ,
    \\{"direction":"inbound","route_header":"x-lane","trace_header":"b3"}
    ,
    \\{"direction":"gateway","route_header":"x-lane","trace_header":"traceparent"}
    ,
    \\{"direction":"gateway","route_header":"x-lane","trace_header":"x-amzn-trace-id"}
    ,
    \\{"direction":"inbound","route_header":"x-lane","baggage_key":"lane"}
    ,
    \\{"direction":"outbound","route_header":"x-lane","baggage_key":"lane"}
    ,
    \\{"direction":"gateway","route_header":"x-lane","baggage_key":"lane"}
    ,
    \\{"direction":"inbound","route_header":"x-lane"}
    ,
    \\{"direction":"outbound","route_header":"x-lane"}
    ,
};

fn requests(_: void, smith: *Smith) !void {
    var configs: [documents.len]config.Config = undefined;
    for (documents, &configs) |document, *c| c.* = try config.parse(document);
    var set: Set = .{};
    // What a process with a defect may have left in shared memory.
    if (smith.value(bool)) set.length = smith.slice(&set.bytes);
    var now: u64 = 0;
    for (0..8) |_| {
        var trace: [160]u8 = undefined;
        var route: [70]u8 = undefined;
        var baggage: [300]u8 = undefined;
        var name: [40]u8 = undefined;
        now += smith.value(u32);
        const shell: Shell = .{
            .set = &set,
            .trace = trace[0..smith.slice(&trace)],
            .route = route[0..smith.slice(&route)],
            .baggage = baggage[0..smith.slice(&baggage)],
            .cluster_name = if (smith.value(bool)) "outbound|80|s1>s2|web" else name[0..smith.slice(&name)],
            .now = now,
        };
        const c = &configs[smith.value(u8) % configs.len];
        if (smith.value(bool)) hop.finish(shell, c) else hop.rewrite(shell, c);
    }
}

fn configurations(_: void, smith: *Smith) !void {
    var json: [600]u8 = undefined;
    const parsed = config.parse(json[0..smith.slice(&json)]) catch |err| {
        try std.testing.expect(config.explain(err).len > 0);
        return;
    };
    try std.testing.expect(parsed.route_header.text().len > 0);
}

test "no request panics" {
    try std.testing.fuzz({}, requests, .{});
}

test "no configuration panics" {
    try std.testing.fuzz({}, configurations, .{ .corpus = &documents });
}
