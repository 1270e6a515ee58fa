//! A root context's configuration: the JSON of the filter's `configuration`.

const std = @import("std");
const trace_context = @import("trace_context.zig");

pub const Direction = enum { inbound, outbound, gateway };

const name_limit = 256;
const sets_limit = 1 << 20;
const ttl_limit = 24 * 60 * 60;

pub const Config = struct {
    direction: Direction,
    /// Names the lane.
    route_header: Name,
    carrier: Carrier,
};

/// What applications pass on, and by which the lane is known again.
pub const Carrier = union(enum) {
    trace: Trace,
    /// The key of a member of W3C baggage.
    baggage: Name,
    /// The route header itself: there is nothing to change, and calls are counted alone.
    route_header,
};

pub const Trace = struct {
    /// Identifies the request.
    header: Name,
    format: trace_context.Format,
    sets: u32,
    /// In nanoseconds.
    ttl: u64,
    /// Tells entries of different header pairs apart in one memory.
    pair: u32,
};

/// A header's name, lower case, held by value: a root context outlives the text it was read from.
pub const Name = struct {
    bytes: [prefix.len + name_limit]u8,
    length: usize,

    const prefix = "request\x00headers\x00";

    pub fn of(name: []const u8) Error!Name {
        if (name.len == 0 or name.len > name_limit) return error.BadHeader;
        var self: Name = .{ .bytes = undefined, .length = prefix.len + name.len };
        self.bytes[0..prefix.len].* = prefix.*;
        for (name, self.bytes[prefix.len..self.length]) |byte, *out| {
            // RFC 9110, `tchar`.
            if (!std.ascii.isAlphanumeric(byte) and std.mem.findScalar(u8, "!#$%&'*+-.^_`|~", byte) == null)
                return error.BadHeader;
            out.* = std.ascii.toLower(byte);
        }
        return self;
    }

    pub fn text(self: *const Name) []const u8 {
        return self.bytes[prefix.len..self.length];
    }

    /// The path of Envoy's attribute that has the header's values.
    pub fn attribute(self: *const Name) []const u8 {
        return self.bytes[0..self.length];
    }
};

/// The header that has the baggage.
pub const baggage_header: Name = Name.of("baggage") catch unreachable;

pub const Error = error{ NotJson, MissingField, UnknownField, BadDirection, BadHeader, SameHeaders, TwoCarriers, BadSets, BadTtl };

/// What to tell whoever wrote the configuration.
pub fn explain(err: Error) []const u8 {
    return switch (err) {
        error.NotJson => "the configuration must be a JSON object with text in direction, " ++
            "route_header, trace_header and baggage_key and whole numbers in sets and ttl_seconds",
        error.MissingField => "direction and route_header must be given",
        error.UnknownField => "there is an unknown field; the fields are direction, route_header, " ++
            "trace_header, baggage_key, sets and ttl_seconds, each at most once",
        error.BadDirection => "direction must be \"inbound\" or \"outbound\"; or \"gateway\" with " ++
            "baggage_key, or with a trace_header of a tracing system, such as traceparent",
        error.BadHeader => "route_header, trace_header and baggage_key must be header names of at most 256 characters",
        error.SameHeaders => "route_header and trace_header are the same: then the header itself " ++
            "carries the lane, and there is nothing to remember: leave trace_header out",
        error.TwoCarriers => "trace_header and baggage_key must not both be given",
        error.BadSets => "sets must be from 1 to 1048576",
        error.BadTtl => "ttl_seconds must be from 1 to 86400",
    };
}

const Document = struct {
    direction: []const u8,
    route_header: []const u8,
    trace_header: ?[]const u8 = null,
    baggage_key: ?[]const u8 = null,
    sets: u32 = 1 << 14,
    ttl_seconds: u32 = 300,
};

pub fn parse(json: []const u8) Error!Config {
    var buffer: [8192]u8 = undefined;
    var allocator: std.heap.FixedBufferAllocator = .init(&buffer);
    const document = std.json.parseFromSliceLeaky(Document, allocator.allocator(), json, .{}) catch |err|
        return switch (err) {
            error.MissingField => error.MissingField,
            error.UnknownField, error.DuplicateField => error.UnknownField,
            else => error.NotJson,
        };
    const direction = std.meta.stringToEnum(Direction, document.direction) orelse return error.BadDirection;
    const route = try Name.of(document.route_header);
    return .{ .direction = direction, .route_header = route, .carrier = try carrierOf(document, direction, &route) };
}

fn carrierOf(document: Document, direction: Direction, route: *const Name) Error!Carrier {
    if (document.trace_header != null and document.baggage_key != null) return error.TwoCarriers;
    if (document.baggage_key) |key| return .{ .baggage = try Name.of(key) };
    const name = document.trace_header orelse
        return if (direction == .gateway) error.BadDirection else .route_header;
    const header = try Name.of(name);
    const format: trace_context.Format = .of(header.text());
    if (direction == .gateway and format == .plain) return error.BadDirection;
    if (std.mem.eql(u8, route.text(), header.text())) return error.SameHeaders;
    if (document.sets < 1 or document.sets > sets_limit) return error.BadSets;
    if (document.ttl_seconds < 1 or document.ttl_seconds > ttl_limit) return error.BadTtl;
    return .{ .trace = .{
        .header = header,
        .format = format,
        .sets = document.sets,
        .ttl = @as(u64, document.ttl_seconds) * std.time.ns_per_s,
        .pair = pairOf(route, &header),
    } };
}

fn pairOf(route: *const Name, trace: *const Name) u32 {
    var digest: std.hash.XxHash32 = .init(0);
    digest.update(route.text());
    digest.update(&.{0});
    digest.update(trace.text());
    return digest.final();
}

const testing = std.testing;

test "a full configuration" {
    const config = try parse(
        \\{"direction":"outbound","route_header":"X-Lane","trace_header":"My-Request-Id","sets":8,"ttl_seconds":2}
    );
    try testing.expectEqual(Direction.outbound, config.direction);
    try testing.expectEqualStrings("x-lane", config.route_header.text());
    try testing.expectEqualStrings("my-request-id", config.carrier.trace.header.text());
    try testing.expectEqualStrings("request\x00headers\x00x-lane", config.route_header.attribute());
    try testing.expectEqual(8, config.carrier.trace.sets);
    try testing.expectEqual(2_000_000_000, config.carrier.trace.ttl);
}

test "defaults, and a pair that depends on both headers but not on their case" {
    const a = try parse(
        \\{"direction":"inbound","route_header":"x-lane","trace_header":"id"}
    );
    const b = try parse(
        \\{"direction":"outbound","route_header":"X-LANE","trace_header":"ID"}
    );
    const c = try parse(
        \\{"direction":"inbound","route_header":"x-lane","trace_header":"id2"}
    );
    try testing.expectEqual(16384, a.carrier.trace.sets);
    try testing.expectEqual(300_000_000_000, a.carrier.trace.ttl);
    try testing.expectEqual(a.carrier.trace.pair, b.carrier.trace.pair);
    try testing.expect(a.carrier.trace.pair != c.carrier.trace.pair);
}

test "baggage" {
    const config = try parse(
        \\{"direction":"gateway","route_header":"X-Lane","baggage_key":"x-lane"}
    );
    try testing.expectEqual(Direction.gateway, config.direction);
    try testing.expectEqualStrings("x-lane", config.carrier.baggage.text());
}

test "the route header alone" {
    const config = try parse(
        \\{"direction":"inbound","route_header":"X-Lane"}
    );
    try testing.expectEqual(.route_header, std.meta.activeTag(config.carrier));
}

test "a gateway makes up what a tracing system knows" {
    const config = try parse(
        \\{"direction":"gateway","route_header":"x-lane","trace_header":"X-B3-TraceId"}
    );
    try testing.expectEqual(.@"x-b3-traceid", config.carrier.trace.format);
}

test "every mistake has its error" {
    const cases = [_]struct { Error, []const u8 }{
        .{ error.NotJson, "" },
        .{ error.NotJson, "no" },
        .{ error.NotJson, "[]" },
        .{ error.NotJson, "{\"direction\":1}" },
        .{ error.MissingField, "{}" },
        .{ error.MissingField, "{\"direction\":\"inbound\",\"trace_header\":\"a\"}" },
        .{ error.BadDirection, "{\"direction\":\"gateway\",\"route_header\":\"a\"}" },
        .{ error.TwoCarriers, "{\"direction\":\"inbound\",\"route_header\":\"a\",\"trace_header\":\"b\",\"baggage_key\":\"c\"}" },
        .{ error.BadDirection, "{\"direction\":\"gateway\",\"route_header\":\"a\",\"trace_header\":\"b\"}" },
        .{ error.BadHeader, "{\"direction\":\"inbound\",\"route_header\":\"a\",\"baggage_key\":\"a=b\"}" },
        .{ error.UnknownField, "{\"directoin\":\"inbound\"}" },
        .{ error.UnknownField, "{\"direction\":\"inbound\",\"direction\":\"inbound\"}" },
        .{ error.BadDirection, "{\"direction\":\"in\",\"route_header\":\"a\",\"trace_header\":\"b\"}" },
        .{ error.BadHeader, "{\"direction\":\"inbound\",\"route_header\":\"\",\"trace_header\":\"b\"}" },
        .{ error.BadHeader, "{\"direction\":\"inbound\",\"route_header\":\":path\",\"trace_header\":\"b\"}" },
        .{ error.BadHeader, "{\"direction\":\"inbound\",\"route_header\":\"a b\",\"trace_header\":\"b\"}" },
        .{ error.BadHeader, "{\"direction\":\"inbound\",\"route_header\":\"b\",\"trace_header\":\"" ++ @as([257]u8, @splat('x')) ++ "\"}" },
        .{ error.SameHeaders, "{\"direction\":\"inbound\",\"route_header\":\"B\",\"trace_header\":\"b\"}" },
        .{ error.BadSets, "{\"direction\":\"inbound\",\"route_header\":\"a\",\"trace_header\":\"b\",\"sets\":0}" },
        .{ error.BadSets, "{\"direction\":\"inbound\",\"route_header\":\"a\",\"trace_header\":\"b\",\"sets\":1048577}" },
        .{ error.NotJson, "{\"direction\":\"inbound\",\"route_header\":\"a\",\"trace_header\":\"b\",\"sets\":-1}" },
        .{ error.BadTtl, "{\"direction\":\"inbound\",\"route_header\":\"a\",\"trace_header\":\"b\",\"ttl_seconds\":0}" },
    };
    for (cases) |case| try testing.expectError(case[0], parse(case[1]));
}
