//! What a hop does to a request's headers, whichever shell hosts it.
//!
//! A shell (`main.zig` for WebAssembly, `native.zig` for Envoy's dynamic modules) gives access to one
//! request and to the memory:
//!
//! - `header(name)`: the first value, or null when it is missing or empty;
//! - `joined(name)`: all values, joined by commas, or null when missing or empty;
//! - `replaceHeader(name, value)`, `removeHeader(name)`: Envoy then chooses the route by what is left;
//! - `key()`, `monotonic()`: the secret of the process, and nanoseconds of a clock that never steps;
//! - `wallClock()`, `random(out)`: nanoseconds since 1970, and whether there is randomness;
//! - `update(set, change)`: calls `change.apply` with the bytes of a set and a buffer for new ones;
//!   stores what it returns, unless that is null. True when something was stored;
//! - `remembered(id, trace, now)`: something was stored for an inbound request;
//! - `count(counter)`;
//! - `follows_requests`: whether the shell calls `finish` at the end of each request, inbound and
//!   outbound. Such a shell also has `entered(of_lane)` and `left(of_lane)` for inbound requests; and
//!   for outbound ones `areAllOfLanes()` (see `inside.zig`), `cluster()`, to which the request was
//!   routed, and `countCall(call)`.

const std = @import("std");
const baggage = @import("baggage.zig");
const config = @import("config.zig");
const memory = @import("memory.zig");
const trace_context = @import("trace_context.zig");

const Config = config.Config;
const Name = config.Name;
const Trace = config.Trace;

pub const Counter = enum { stored, hits, misses, evicted_live, baggage_full };

/// The name of a counter in Envoy's statistics, without what Envoy puts before it.
pub fn statistic(counter: Counter) []const u8 {
    return switch (counter) {
        .stored => "laneway_trace_memory_stored",
        .hits => "laneway_trace_memory_hits",
        .misses => "laneway_trace_memory_misses",
        .evicted_live => "laneway_trace_memory_evicted_live",
        .baggage_full => "laneway_baggage_full",
    };
}

/// A call that a workload made while all requests inside it were of lanes.
pub const Call = enum {
    /// It names a lane.
    in_lane,
    /// It lacks the header that applications are to pass on.
    without_header,
    /// It has that header, but not with what a request inside came with.
    unknown_value,
};

/// To be called with each request before it is routed.
pub fn rewrite(shell: anytype, c: *const Config) void {
    switch (c.direction) {
        .inbound => {
            const of_lane = receive(shell, c);
            if (shell.follows_requests) shell.entered(of_lane);
        },
        .outbound => send(shell, c),
        .gateway => switch (c.carrier) {
            .trace => |*trace| fillIn(shell, trace),
            .baggage => |*name| if (shell.joined(&c.route_header) == null) unpack(shell, &c.route_header, name.text()),
            .route_header => {},
        },
    }
}

/// To be called at the end of each request, by a shell that follows requests.
pub fn finish(shell: anytype, c: *const Config) void {
    switch (c.direction) {
        .inbound => shell.left(release(shell, c)),
        .outbound => judge(shell, c),
        .gateway => {},
    }
}

/// Whether the inbound request is of a lane, and comes with what its application is to pass on.
fn receive(shell: anytype, c: *const Config) bool {
    const lane = laneOf(shell.joined(&c.route_header));
    const named = lane.len > 0;
    switch (c.carrier) {
        .trace => |*trace| return remember(shell, lane, trace) and named,
        .baggage => |*name| if (named) pack(shell, lane, name.text()),
        .route_header => {},
    }
    return named;
}

fn send(shell: anytype, c: *const Config) void {
    switch (c.carrier) {
        .trace => |*trace| recall(shell, &c.route_header, trace),
        .baggage => |*name| unpack(shell, &c.route_header, name.text()),
        .route_header => {},
    }
}

/// The end of an inbound request: from now on what is remembered lives for its time to live. The
/// answer is the one that `receive` gave.
fn release(shell: anytype, c: *const Config) bool {
    const named = laneOf(shell.joined(&c.route_header)).len > 0;
    if (c.carrier != .trace) return named;
    const trace = &c.carrier.trace;
    var buffer: trace_context.Buffer = undefined;
    const text = traceOf(shell, trace, &buffer) orelse return false;
    const id: memory.Id = .of(text, trace.pair, shell.key());
    const now = shell.monotonic();
    var change: Finish = .{ .id = &id, .named = named, .now = now, .expires = now + trace.ttl };
    _ = shell.update(id.set(trace.sets), &change);
    return named;
}

/// The end of an outbound request. Those to services outside of lane groups are left out: whoever
/// asks a database or sends spans has no lane to name.
fn judge(shell: anytype, c: *const Config) void {
    if (!shell.areAllOfLanes()) return;
    if (!hasLanes(shell.cluster() orelse return)) return;
    shell.countCall(callOf(shell, c));
}

fn callOf(shell: anytype, c: *const Config) Call {
    if (laneOf(shell.joined(&c.route_header)).len > 0) return .in_lane;
    const passed_on = switch (c.carrier) {
        .trace => |*trace| &trace.header,
        .baggage => &config.baggage_header,
        .route_header => &c.route_header,
    };
    return if (shell.header(passed_on.text()) == null) .without_header else .unknown_value;
}

/// Whether a cluster is of a service that has lanes: `outbound|PORT|LANES|HOST` names some.
fn hasLanes(cluster: []const u8) bool {
    var parts = std.mem.splitScalar(u8, cluster, '|');
    if (!std.mem.eql(u8, parts.first(), "outbound")) return false;
    _ = parts.next() orelse return false;
    return (parts.next() orelse return false).len > 0;
}

/// An inbound request: the latest of a trace id decides its lane, or that it has none. False where
/// it has no trace id.
fn remember(shell: anytype, lane: []const u8, c: *const Trace) bool {
    var buffer: trace_context.Buffer = undefined;
    const trace = traceOf(shell, c, &buffer) orelse return false;
    const id: memory.Id = .of(trace, c.pair, shell.key());
    const now = shell.monotonic();
    var change: Remember = .{
        .id = &id,
        .lane = lane,
        .now = now,
        .expires = now + c.ttl,
        .opens = shell.follows_requests,
    };
    if (shell.update(id.set(c.sets), &change)) {
        shell.count(.stored);
        if (change.evicted) shell.count(.evicted_live);
        shell.remembered(&id, c, now);
    }
    return true;
}

/// An outbound request: what is remembered of its trace id wins over a lane that it names itself;
/// where nothing is remembered, the application begins a chain and may name one.
fn recall(shell: anytype, route: *const Name, c: *const Trace) void {
    var buffer: trace_context.Buffer = undefined;
    const trace = traceOf(shell, c, &buffer) orelse return;
    const id: memory.Id = .of(trace, c.pair, shell.key());
    var change: Recall = .{ .id = &id, .now = shell.monotonic(), .ttl = c.ttl };
    if (shell.update(id.set(c.sets), &change)) {
        shell.count(.stored);
        if (change.evicted) shell.count(.evicted_live);
    }
    if (!change.found) return shell.count(.misses);
    shell.count(.hits);
    const lane = change.lane[0..change.lane_length];
    if (lane.len > 0) {
        shell.replaceHeader(route.text(), lane);
    } else {
        shell.removeHeader(route.text());
    }
}

fn traceOf(shell: anytype, c: *const Trace, buffer: *trace_context.Buffer) ?[]const u8 {
    return trace_context.traceId(c.format, shell.header(c.header.text()) orelse return null, buffer);
}

const Remember = struct {
    id: *const memory.Id,
    lane: []const u8,
    now: u64,
    expires: u64,
    opens: bool,
    evicted: bool = false,

    pub fn apply(change: *Remember, out: *[memory.set_limit]u8, set: []const u8) ?[]const u8 {
        const before = memory.find(set, change.id, change.now);
        // Without a lane, an id is only worth an entry where an earlier one must be overruled.
        if (change.lane.len == 0 and before == null) return null;
        const open = if (before) |known| known.open else 0;
        const insertion = memory.insert(out, set, change.id, .{
            .lane = change.lane,
            .expires = change.expires,
            .open = open +| @intFromBool(change.opens),
        }, change.now);
        change.evicted = insertion.evicted;
        return insertion.set;
    }
};

const Recall = struct {
    id: *const memory.Id,
    now: u64,
    ttl: u64,
    found: bool = false,
    lane: [memory.lane_limit]u8 = undefined,
    lane_length: usize = 0,
    evicted: bool = false,

    pub fn apply(change: *Recall, out: *[memory.set_limit]u8, set: []const u8) ?[]const u8 {
        const known = memory.find(set, change.id, change.now) orelse return null;
        change.found = true;
        change.lane_length = known.lane.len;
        @memcpy(change.lane[0..known.lane.len], known.lane);
        // A long-lived request keeps its memory while it makes calls.
        if (known.open > 0 or known.expires - change.now >= change.ttl / 2) return null;
        const insertion = memory.insert(out, set, change.id, .{
            .lane = known.lane,
            .expires = change.now + change.ttl,
        }, change.now);
        change.evicted = insertion.evicted;
        return insertion.set;
    }
};

const Finish = struct {
    id: *const memory.Id,
    named: bool,
    now: u64,
    expires: u64,

    pub fn apply(change: *Finish, out: *[memory.set_limit]u8, set: []const u8) ?[]const u8 {
        const known = memory.find(set, change.id, change.now) orelse return null;
        // A request without a lane was only counted where it overruled an earlier one.
        if (known.open == 0 or (!change.named and known.lane.len > 0)) return null;
        return memory.insert(out, set, change.id, .{
            .lane = known.lane,
            .expires = change.expires,
            .open = known.open - 1,
        }, change.now).set;
    }
};

/// A request at a gateway: it has one trace context from here on, its own or a new one.
fn fillIn(shell: anytype, c: *const Trace) void {
    const before = shell.joined(&c.header) orelse "";
    const own = firstContext(c.format, before);
    const span_header = c.format.spanHeader();
    if (own) |value| {
        const has_span = if (span_header) |name| shell.header(name) != null else !trace_context.lacksSpan(c.format, value);
        if (has_span) return if (value.len != before.len) shell.replaceHeader(c.header.text(), value);
    }
    var seed: trace_context.Seed = .{ .random = undefined, .time = shell.wallClock() / std.time.ns_per_s };
    if (!shell.random(&seed.random)) return;
    const context = (if (own) |value|
        trace_context.complete(c.format, &seed, value)
    else
        trace_context.create(c.format, &seed, before)) orelse return;
    shell.replaceHeader(c.header.text(), context.text());
    if (span_header) |name| shell.replaceHeader(name, context.span());
    if (c.format.sampledHeader()) |name| if (shell.header(name) == null) shell.replaceHeader(name, "1");
    if (own == null) if (c.format.staleHeader()) |name| shell.removeHeader(name);
}

/// Of several headers, which Envoy has joined, the first with a trace id.
fn firstContext(format: trace_context.Format, joined: []const u8) ?[]const u8 {
    var buffer: trace_context.Buffer = undefined;
    if (trace_context.traceId(format, joined, &buffer) != null) return joined;
    var values = std.mem.splitScalar(u8, joined, ',');
    while (values.next()) |value|
        if (trace_context.traceId(format, value, &buffer) != null) return std.mem.trim(u8, value, " \t");
    return null;
}

/// An inbound request: the lane that its route header names becomes a member of its baggage.
fn pack(shell: anytype, lane: []const u8, member: []const u8) void {
    @setRuntimeSafety(false); // as in `Table.update`: `out` is large
    const before = shell.joined(&config.baggage_header) orelse "";
    if (baggage.has(before, member, lane)) return;
    var out: [baggage.limit]u8 = undefined;
    const after = baggage.put(&out, before, member, lane) orelse return shell.count(.baggage_full);
    shell.replaceHeader("baggage", after);
}

/// A request that leaves: the lane in its baggage wins over one that it names itself.
fn unpack(shell: anytype, route: *const Name, member: []const u8) void {
    const text = shell.joined(&config.baggage_header) orelse return;
    const lane = baggage.find(text, member) orelse return;
    const named = shell.joined(route) orelse "";
    if (!std.mem.eql(u8, named, lane.text())) shell.replaceHeader(route.text(), lane.text());
}

/// The lane that a route header's values name, or none. No lane's name is longer, nor has a comma;
/// Envoy joins the values of a repeated header by commas, here as where it chooses the cluster.
fn laneOf(value: ?[]const u8) []const u8 {
    const text = value orelse return "";
    const named = text.len <= memory.lane_limit and std.mem.findScalar(u8, text, ',') == null;
    return if (named) text else "";
}

const testing = std.testing;

/// One request, whose headers can be read alone.
const TestShell = struct {
    headers: []const struct { []const u8, []const u8 } = &.{},
    cluster_name: ?[]const u8 = "outbound|80|s1|web.default",
    all_of_lanes: bool = true,
    counted: *?Call,

    fn header(shell: TestShell, name: []const u8) ?[]const u8 {
        for (shell.headers) |each| if (std.mem.eql(u8, each[0], name) and each[1].len > 0) return each[1];
        return null;
    }

    fn joined(shell: TestShell, name: *const Name) ?[]const u8 {
        return shell.header(name.text());
    }

    fn areAllOfLanes(shell: TestShell) bool {
        return shell.all_of_lanes;
    }

    fn cluster(shell: TestShell) ?[]const u8 {
        return shell.cluster_name;
    }

    fn countCall(shell: TestShell, call: Call) void {
        shell.counted.* = call;
    }
};

fn counted(json: []const u8, shell: TestShell) !?Call {
    const c = try config.parse(json);
    judge(shell, &c);
    return shell.counted.*;
}

const by_trace =
    \\{"direction":"outbound","route_header":"x-lane","trace_header":"my-id"}
;
const by_baggage =
    \\{"direction":"outbound","route_header":"x-lane","baggage_key":"x-lane"}
;
const by_route =
    \\{"direction":"outbound","route_header":"x-lane"}
;

test "a call names a lane, or lacks what was to be passed on, or has another" {
    var call: ?Call = null;
    for ([_][]const u8{ by_trace, by_baggage, by_route }) |json| {
        try testing.expectEqual(.in_lane, try counted(json, .{ .counted = &call, .headers = &.{.{ "x-lane", "s2" }} }));
        try testing.expectEqual(.without_header, try counted(json, .{ .counted = &call }));
    }
    const others: []const struct { []const u8, []const u8 } = &.{ .{ "my-id", "other" }, .{ "baggage", "a=b" }, .{ "x-lane", "s1,s2" } };
    for ([_][]const u8{ by_trace, by_baggage, by_route }) |json|
        try testing.expectEqual(.unknown_value, try counted(json, .{ .counted = &call, .headers = others }));
}

test "calls that others may have led to, or that can be in no lane, are not counted" {
    var call: ?Call = null;
    try testing.expectEqual(null, try counted(by_trace, .{ .counted = &call, .all_of_lanes = false }));
    for ([_]?[]const u8{ null, "", "outbound", "outbound|80||web.default", "inbound|80|s1|x", "passthrough" }) |name|
        try testing.expectEqual(null, try counted(by_trace, .{ .counted = &call, .cluster_name = name }));
}
