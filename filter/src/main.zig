//! The lane filter for WebAssembly: a proxy-wasm shell around `hop.zig`.
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
const config = @import("config.zig");
const hop = @import("hop.zig");
const host = @import("host.zig");
const memory = @import("memory.zig");
const open_requests = @import("open_requests.zig");

/// The root contexts alive in this VM, one for each distinct configuration in the Envoy, by their
/// context ids (0: a free place), and their configurations.
var roots: [256]u32 = @splat(0);
var configs: [roots.len]config.Config = undefined;
/// No root context stands at this place or after it.
var roots_end: usize = 0;

/// Which root context a stream belongs to, by the stream's context id modulo the length. Envoy
/// creates a stream's context right before its headers arrive, so no place is reused too early.
var streams: [1024]struct { context: u32, root: u8 } = @splat(.{ .context = 0, .root = 0 });

/// The same in all VMs of the process.
var process_key: memory.Key = @splat(0);

var counters: std.EnumArray(hop.Counter, host.Counter) = undefined;

const Action = enum(u32) { proceed = 0 };

/// Another thread has to change the same set this often in the meantime until a memory is lost.
const attempts = 16;

/// How often open requests are looked at. They are renewed after a quarter of their time to live.
const ticks_per_ttl = 8;

export fn proxy_abi_version_0_2_1() void {}

export fn proxy_on_vm_start(_: u32, _: usize) bool {
    host.begin();
    process_key = sharedKey();
    for (std.enums.values(hop.Counter)) |counter| counters.set(counter, .define(hop.statistic(counter)));
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
    hop.rewrite(Request{ .context = context }, &configs[stream.root]);
    return .proceed;
}

/// The latest renewal counts from now, so that what is remembered outlives the request.
export fn proxy_on_tick(_: u32) void {
    const now = host.monotonic();
    var place: usize = 0;
    while (open_requests.nextDue(&place, now)) |open| {
        host.begin();
        renew(open, now);
    }
}

fn renew(open: *open_requests.Request, now: u64) void {
    const request: Request = .{ .context = 0 };
    var change: Renew = .{ .id = &open.id, .now = now, .expires = now + open.ttl };
    if (!request.update(memory.setOf(&open.id.digest, open.sets), &change)) return;
    open.renewed = now;
    request.count(.stored);
}

/// An open request: what is remembered of its trace id, by now maybe another lane, stays for longer.
const Renew = struct {
    id: *const memory.Fingerprint,
    now: u64,
    expires: u64,

    pub fn apply(change: *Renew, out: *[memory.set_limit]u8, set: []const u8) ?[]const u8 {
        const id = change.id.idIn(set, &process_key) orelse return null;
        const known = memory.find(set, &id, change.now) orelse return null;
        return memory.insert(out, set, &id, .{ .lane = known.lane, .expires = change.expires }, change.now).set;
    }
};

/// A stream's end, or a root context's.
export fn proxy_on_delete(context: u32) void {
    open_requests.remove(context);
    if (placeOf(context)) |place| roots[place] = 0;
}

fn placeOf(root: u32) ?usize {
    return std.mem.findScalar(u32, roots[0..roots_end], root);
}

/// The request that the host is calling about.
const Request = struct {
    context: u32,
    comptime follows_requests: bool = false,

    pub fn header(_: Request, name: []const u8) ?[]const u8 {
        return host.header(name);
    }

    pub fn joined(_: Request, name: *const config.Name) ?[]const u8 {
        return host.attribute(name.attribute());
    }

    pub fn replaceHeader(_: Request, name: []const u8, value: []const u8) void {
        host.replaceHeader(name, value);
    }

    pub fn removeHeader(_: Request, name: []const u8) void {
        host.removeHeader(name);
    }

    pub fn key(_: Request) *const memory.Key {
        return &process_key;
    }

    pub fn monotonic(_: Request) u64 {
        return host.monotonic();
    }

    pub fn wallClock(_: Request) u64 {
        return host.wallClock();
    }

    pub fn random(_: Request, out: []u8) bool {
        return host.random(out);
    }

    /// Until the request ends, what is remembered of its id is renewed.
    pub fn remembered(request: Request, id: *const memory.Id, c: *const config.Trace, now: u64) void {
        _ = open_requests.add(request.context, .{ .id = .of(id), .sets = c.sets, .ttl = c.ttl, .renewed = now });
    }

    pub fn count(_: Request, counter: hop.Counter) void {
        counters.get(counter).increment();
    }

    /// Another thread may change the set at the same time: then the change is applied anew.
    pub fn update(_: Request, set: u32, change: anytype) bool {
        const set_key: [4]u8 = @bitCast(set);
        for (0..attempts) |_| {
            const old = host.shared(&set_key);
            var out: [memory.set_limit]u8 = undefined;
            const new = change.apply(&out, old.value) orelse return false;
            if (host.replaceShared(&set_key, old, new)) return true;
        }
        return false;
    }
};

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
