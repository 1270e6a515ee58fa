//! The trace-memory filter: a proxy-wasm shell around `memory.zig`.
//!
//! On a sidecar's inbound side it remembers which lane a trace id came with; on the outbound side
//! it names that lane in the route header of requests with the same trace id. Both sides, on all
//! worker threads, share one memory: the host's shared data of this VM id.
//!
//! All root contexts of a thread run in one VM, so whatever differs between them is kept per root
//! context. Nothing here may trap: a trap fails requests.

const std = @import("std");
const config = @import("config.zig");
const host = @import("host.zig");
const memory = @import("memory.zig");

const Root = struct { context: u32, config: config.Config };

/// Root contexts alive in this VM: one for each distinct configuration in the Envoy.
var roots: [256]?Root = @splat(null);
/// Which root context a stream belongs to, by the stream's context id modulo the length. Envoy
/// creates a stream's context right before its headers arrive, so a slot is not reused too early.
var streams: [1024]struct { context: u32, root: u8 } = @splat(.{ .context = 0, .root = 0 });
var key: memory.Key = @splat(0);
var counters: struct { stored: host.Counter, hits: host.Counter, misses: host.Counter, evicted: host.Counter } = undefined;

const Action = enum(u32) { proceed = 0 };

export fn proxy_abi_version_0_2_1() void {}

export fn proxy_on_context_create(context: u32, parent: u32) void {
    if (parent == 0) return;
    const root = rootIndex(parent) orelse return;
    streams[context % streams.len] = .{ .context = context, .root = root };
}

export fn proxy_on_vm_start(_: u32, _: usize) bool {
    host.begin();
    key = sharedKey();
    counters = .{
        .stored = .define("laneway_trace_memory_stored"),
        .hits = .define("laneway_trace_memory_hits"),
        .misses = .define("laneway_trace_memory_misses"),
        .evicted = .define("laneway_trace_memory_evicted_live"),
    };
    return true;
}

export fn proxy_on_configure(context: u32, size: usize) bool {
    host.begin();
    const parsed = config.parse(host.configuration(size)) catch |err| {
        host.logError(config.explain(err));
        return false;
    };
    const index = rootIndex(context) orelse freeRoot() orelse {
        host.logError("more than 256 configurations of the trace memory in one Envoy");
        return false;
    };
    roots[index] = .{ .context = context, .config = parsed };
    return true;
}

export fn proxy_on_request_headers(context: u32, _: u32, _: u32) Action {
    host.begin();
    const stream = streams[context % streams.len];
    if (stream.context != context) return .proceed;
    if (roots[stream.root]) |*root| switch (root.config.direction) {
        .inbound => receive(&root.config),
        .outbound => send(&root.config),
    };
    return .proceed;
}

export fn proxy_on_delete(context: u32) void {
    if (rootIndex(context)) |index| roots[index] = null;
}

fn rootIndex(context: u32) ?u8 {
    for (&roots, 0..) |*root, index| {
        if (root.*) |*r| if (r.context == context) return @intCast(index);
    }
    return null;
}

fn freeRoot() ?u8 {
    for (&roots, 0..) |*root, index| if (root.* == null) return @intCast(index);
    return null;
}

/// An inbound request: the latest request of a trace id decides its lane, or that it has none.
fn receive(c: *const config.Config) void {
    const trace = host.header(c.trace_header.text()) orelse return;
    const lane = laneOf(host.header(c.route_header.text()));
    const id: memory.Id = .of(trace, c.pair, &key);
    remember(c, &id, lane);
}

/// An outbound request: what is remembered of its trace id wins over a lane that it names itself.
fn send(c: *const config.Config) void {
    const trace = host.header(c.trace_header.text()) orelse return;
    const id: memory.Id = .of(trace, c.pair, &key);
    const now = host.monotonic();
    const set = host.shared(&setKey(c, &id));
    const found = memory.find(set.value, &id, now) orelse return counters.misses.increment();
    counters.hits.increment();
    if (found.lane.len > 0) {
        host.replaceHeader(c.route_header.text(), found.lane);
    } else {
        host.removeHeader(c.route_header.text());
    }
    // A long-lived request keeps its memory for as long as it makes calls.
    if (found.expires - now < c.ttl / 2) remember(c, &id, found.lane);
}

/// What no lane can be named counts as naming none.
fn laneOf(value: ?[]const u8) []const u8 {
    const text = value orelse return "";
    return if (text.len <= memory.lane_limit) text else "";
}

/// Without a lane, an id is only worth an entry where an earlier one must be overruled.
fn remember(c: *const config.Config, id: *const memory.Id, lane: []const u8) void {
    const now = host.monotonic();
    const set_key = setKey(c, id);
    var out: [memory.set_limit]u8 = undefined;
    for (0..16) |_| {
        const old = host.shared(&set_key);
        if (lane.len == 0 and memory.find(old.value, id, now) == null) return;
        const insertion = memory.insert(&out, old.value, id, .{ .lane = lane, .expires = now + c.ttl }, now);
        if (!host.replaceShared(&set_key, old, insertion.set)) continue;
        counters.stored.increment();
        if (insertion.evicted) counters.evicted.increment();
        return;
    }
}

fn setKey(c: *const config.Config, id: *const memory.Id) [4]u8 {
    return @bitCast(id.set(c.sets));
}

/// The first VM of the process to come draws the key; the others take it over.
fn sharedKey() memory.Key {
    const name = "key";
    while (true) {
        const old = host.shared(name);
        if (old.value.len == @sizeOf(memory.Key)) return old.value[0..@sizeOf(memory.Key)].*;
        var drawn: memory.Key = undefined;
        host.random(&drawn);
        if (host.replaceShared(name, old, &drawn)) return drawn;
    }
}
