//! The lane filter: a proxy-wasm shell around `memory.zig`, `trace_context.zig` and `baggage.zig`.
//!
//! Applications pass on a trace id, or W3C baggage. With a trace id, a sidecar's inbound side
//! remembers which lane the id came with, and the outbound side names that lane in the route header
//! of requests with the same id; both sides, on all worker threads, share one memory: the host's
//! shared data of this VM id. With baggage, the inbound side puts the lane into the baggage, and the
//! outbound side and the gateway read it there. A gateway also makes up the trace context that a
//! request lacks.
//!
//! All root contexts of a thread run in one VM, so whatever differs between them is kept per root
//! context. Nothing here may trap: a trap fails requests.

const std = @import("std");
const baggage = @import("baggage.zig");
const config = @import("config.zig");
const host = @import("host.zig");
const memory = @import("memory.zig");
const open_requests = @import("open_requests.zig");
const trace_context = @import("trace_context.zig");

const Config = config.Config;
const Name = config.Name;
const Trace = config.Trace;

/// All values of the header, joined by commas: it may be repeated.
const baggage_attribute = "request\x00headers\x00baggage";

/// The root contexts alive in this VM, one for each distinct configuration in the Envoy, by their
/// context ids (0: a free place), and their configurations.
var roots: [256]u32 = @splat(0);
var configs: [roots.len]Config = undefined;
/// No root context stands at this place or after it.
var roots_end: usize = 0;

/// Which root context a stream belongs to, by the stream's context id modulo the length. Envoy
/// creates a stream's context right before its headers arrive, so no place is reused too early.
var streams: [1024]struct { context: u32, root: u8 } = @splat(.{ .context = 0, .root = 0 });

/// The same in all VMs of the process.
var key: memory.Key = @splat(0);

var counters: struct {
    stored: host.Counter,
    hits: host.Counter,
    misses: host.Counter,
    evicted_live: host.Counter,
    baggage_full: host.Counter,
} = undefined;

const Action = enum(u32) { proceed = 0 };

/// Another thread has to change the same set this often in the meantime until a memory is lost.
const attempts = 16;

/// How often open requests are looked at. They are renewed after a quarter of their time to live.
const ticks_per_ttl = 8;

export fn proxy_abi_version_0_2_1() void {}

export fn proxy_on_vm_start(_: u32, _: usize) bool {
    host.begin();
    key = sharedKey();
    counters = .{
        .stored = .define("laneway_trace_memory_stored"),
        .hits = .define("laneway_trace_memory_hits"),
        .misses = .define("laneway_trace_memory_misses"),
        .evicted_live = .define("laneway_trace_memory_evicted_live"),
        .baggage_full = .define("laneway_baggage_full"),
    };
    return true;
}

export fn proxy_on_configure(context: u32, size: usize) bool {
    host.begin();
    const parsed = config.parse(host.configuration(size)) catch |err| {
        host.logError(config.explain(err));
        return false;
    };
    const place = placeOf(context) orelse std.mem.findScalar(u32, &roots, 0) orelse {
        // Unlike a bad configuration, which fails in a VM made for trying it, this is found in the
        // VM that serves: to refuse would end that VM, and the filters that work in it.
        host.logError("one Envoy has room for 256 configurations of the trace memory: this one has no effect");
        return true;
    };
    roots[place] = context;
    configs[place] = parsed;
    if (parsed.carrier == .trace and parsed.direction == .inbound) {
        const period = parsed.carrier.trace.ttl / ticks_per_ttl / std.time.ns_per_ms;
        host.tickEvery(@intCast(period));
    }
    roots_end = @max(roots_end, place + 1);
    return true;
}

export fn proxy_on_context_create(context: u32, parent: u32) void {
    if (parent == 0) return;
    const place = placeOf(parent) orelse return;
    streams[context % streams.len] = .{ .context = context, .root = @intCast(place) };
}

export fn proxy_on_request_headers(context: u32, _: u32, _: u32) Action {
    host.begin();
    const stream = streams[context % streams.len];
    if (stream.context != context) return .proceed;
    const c = &configs[stream.root];
    const route = &c.route_header;
    switch (c.carrier) {
        .trace => |*trace| switch (c.direction) {
            .inbound => remember(context, route, trace),
            .outbound => recall(route, trace),
            .gateway => fillIn(trace),
        },
        .baggage => |*name| switch (c.direction) {
            .inbound => pack(route, name.text()),
            .outbound => unpack(route, name.text()),
            .gateway => if (host.attribute(route.attribute()) == null) unpack(route, name.text()),
        },
    }
    return .proceed;
}

/// The latest renewal counts from now, so that what is remembered outlives the request.
export fn proxy_on_tick(_: u32) void {
    const now = host.monotonic();
    var place: usize = 0;
    while (open_requests.nextDue(&place, now)) |request| {
        host.begin();
        renew(request, now);
    }
}

/// A stream's end, or a root context's.
export fn proxy_on_delete(context: u32) void {
    open_requests.remove(context);
    if (placeOf(context)) |place| roots[place] = 0;
}

fn placeOf(root: u32) ?usize {
    return std.mem.findScalar(u32, roots[0..roots_end], root);
}

/// An inbound request: the latest of a trace id decides its lane, or that it has none.
fn remember(context: u32, route: *const Name, c: *const Trace) void {
    var buffer: trace_context.Buffer = undefined;
    const trace = traceOf(c, &buffer) orelse return;
    const lane = laneOf(host.attribute(route.attribute()));
    const id: memory.Id = .of(trace, c.pair, &key);
    const set_key = setKey(c, &id);
    const now = host.monotonic();
    for (0..attempts) |_| {
        const old = host.shared(&set_key);
        // Without a lane, an id is only worth an entry where an earlier one must be overruled.
        if (lane.len == 0 and memory.find(old.value, &id, now) == null) return;
        if (store(&set_key, old, &id, .{ .lane = lane, .expires = now + c.ttl }, now)) {
            _ = open_requests.add(context, .{ .id = .of(&id), .sets = c.sets, .ttl = c.ttl, .renewed = now });
            return;
        }
    }
}

/// An open request: what is remembered of its trace id, by now maybe another lane, stays for longer.
fn renew(request: *open_requests.Request, now: u64) void {
    const set_key: [4]u8 = @bitCast(memory.setOf(&request.id.digest, request.sets));
    for (0..attempts) |_| {
        const old = host.shared(&set_key);
        const id = request.id.idIn(old.value, &key) orelse return;
        const found = memory.find(old.value, &id, now) orelse return;
        if (store(&set_key, old, &id, .{ .lane = found.lane, .expires = now + request.ttl }, now)) {
            request.renewed = now;
            return;
        }
    }
}

/// An outbound request: what is remembered of its trace id wins over a lane that it names itself;
/// where nothing is remembered, the application begins a chain and may name one.
fn recall(route: *const Name, c: *const Trace) void {
    var buffer: trace_context.Buffer = undefined;
    const trace = traceOf(c, &buffer) orelse return;
    const id: memory.Id = .of(trace, c.pair, &key);
    const set_key = setKey(c, &id);
    const now = host.monotonic();
    const set = host.shared(&set_key);
    const found = memory.find(set.value, &id, now) orelse return counters.misses.increment();
    counters.hits.increment();
    if (found.lane.len > 0) {
        host.replaceHeader(route.text(), found.lane);
    } else {
        host.removeHeader(route.text());
    }
    // A long-lived request keeps its memory while it makes calls. If the set changed meanwhile,
    // the id may have got another lane: then leave it.
    if (found.expires - now < c.ttl / 2)
        _ = store(&set_key, set, &id, .{ .lane = found.lane, .expires = now + c.ttl }, now);
}

fn traceOf(c: *const Trace, buffer: *trace_context.Buffer) ?[]const u8 {
    return trace_context.traceId(c.format, host.header(c.header.text()) orelse return null, buffer);
}

/// A request at a gateway: it has one trace context from here on, its own or a new one.
fn fillIn(c: *const Trace) void {
    const before = host.attribute(c.header.attribute()) orelse "";
    const own = firstContext(c.format, before);
    const span_header = c.format.spanHeader();
    if (own) |value| {
        const has_span = if (span_header) |name| host.header(name) != null else !trace_context.lacksSpan(c.format, value);
        if (has_span) return if (value.len != before.len) host.replaceHeader(c.header.text(), value);
    }
    var seed: trace_context.Seed = .{ .random = undefined, .time = host.wallClock() / std.time.ns_per_s };
    if (!host.random(&seed.random)) return;
    const context = (if (own) |value|
        trace_context.complete(c.format, &seed, value)
    else
        trace_context.create(c.format, &seed, before)) orelse return;
    host.replaceHeader(c.header.text(), context.text());
    if (span_header) |name| host.replaceHeader(name, context.span());
    if (c.format.sampledHeader()) |name| if (host.header(name) == null) host.replaceHeader(name, "1");
    if (own == null) if (c.format.staleHeader()) |name| host.removeHeader(name);
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
fn pack(route: *const Name, member: []const u8) void {
    const lane = laneOf(host.attribute(route.attribute()));
    if (lane.len == 0) return;
    const before = host.attribute(baggage_attribute) orelse "";
    if (baggage.has(before, member, lane)) return;
    var out: [baggage.limit]u8 = undefined;
    const after = baggage.put(&out, before, member, lane) orelse return counters.baggage_full.increment();
    host.replaceHeader("baggage", after);
}

/// A request that leaves: the lane in its baggage wins over one that it names itself.
fn unpack(route: *const Name, member: []const u8) void {
    const text = host.attribute(baggage_attribute) orelse return;
    const lane = baggage.find(text, member) orelse return;
    const named = host.attribute(route.attribute()) orelse "";
    if (!std.mem.eql(u8, named, lane.text())) host.replaceHeader(route.text(), lane.text());
}

/// The lane that a route header's values name, or none. No lane's name is longer, nor has a comma;
/// Envoy joins the values of a repeated header by commas, here as where it chooses the cluster.
fn laneOf(value: ?[]const u8) []const u8 {
    const text = value orelse return "";
    const named = text.len <= memory.lane_limit and std.mem.findScalar(u8, text, ',') == null;
    return if (named) text else "";
}

/// False when another thread has changed the set since `old` was read.
fn store(set_key: []const u8, old: host.Shared, id: *const memory.Id, what: memory.Memory, now: u64) bool {
    var out: [memory.set_limit]u8 = undefined;
    const insertion = memory.insert(&out, old.value, id, what, now);
    if (!host.replaceShared(set_key, old, insertion.set)) return false;
    counters.stored.increment();
    if (insertion.evicted) counters.evicted_live.increment();
    return true;
}

fn setKey(c: *const Trace, id: *const memory.Id) [4]u8 {
    return @bitCast(id.set(c.sets));
}

/// The first VM of the process draws the key; the others take it over.
fn sharedKey() memory.Key {
    const name = "key";
    for (0..attempts) |_| {
        const old = host.shared(name);
        if (old.value.len == @sizeOf(memory.Key)) return old.value[0..@sizeOf(memory.Key)].*;
        var drawn: memory.Key = undefined;
        if (!host.random(&drawn)) drawn = @splat(0);
        if (host.replaceShared(name, old, &drawn)) return drawn;
    }
    return @splat(0);
}
