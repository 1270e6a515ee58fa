//! Trace ids in the headers of tracing systems: reading one, and making one up.
//!
//! A tracer gives every call a new span, so most of these values change at each hop. The trace id in
//! them does not: it is what a lane is remembered by. Pure; `src/laneway/model/trace_contexts.py` is
//! the simulator's version of the same rules.

const std = @import("std");

pub const Format = enum {
    /// Any other header: its whole value is the id.
    plain,
    /// https://www.w3.org/TR/trace-context/: `00-TRACE-SPAN-FLAGS`
    traceparent,
    /// https://github.com/openzipkin/b3-propagation: `TRACE-SPAN[-SAMPLED[-PARENT]]`
    b3,
    /// The same in several headers, of which this one does not change.
    @"x-b3-traceid",
    /// https://skywalking.apache.org/docs/main/latest/en/api/x-process-propagation-headers-v3/
    sw8,
    /// https://www.jaegertracing.io/docs/1.62/client-libraries/: `TRACE:SPAN:PARENT:FLAGS`
    @"uber-trace-id",
    /// https://cloud.google.com/trace/docs/trace-context: `TRACE[/SPAN][;o=OPTIONS]`
    @"x-cloud-trace-context",
    /// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html: `Root=1-TIME-ID;...`
    @"x-amzn-trace-id",
    /// A decimal number of 64 bits.
    @"x-datadog-trace-id",

    /// `name` is in lower case.
    pub fn of(name: []const u8) Format {
        return std.meta.stringToEnum(Format, name) orelse .plain;
    }

    /// The header that holds the span, where it is not in the same one. Tracers want both.
    pub fn spanHeader(format: Format) ?[]const u8 {
        return switch (format) {
            .@"x-b3-traceid" => "x-b3-spanid",
            .@"x-datadog-trace-id" => "x-datadog-parent-id",
            else => null,
        };
    }

    /// The header that says whether the trace is recorded, where the trace header does not.
    pub fn sampledHeader(format: Format) ?[]const u8 {
        return if (format == .@"x-b3-traceid") "x-b3-sampled" else null;
    }

    /// The header that belongs to a trace and means nothing in a new one.
    pub fn staleHeader(format: Format) ?[]const u8 {
        return switch (format) {
            .traceparent => "tracestate",
            .@"x-b3-traceid" => "x-b3-parentspanid",
            else => null,
        };
    }
};

/// Room for a number of 128 bits in hexadecimal.
pub const Buffer = [32]u8;

/// The trace id in a header's value; null when it has none, or is not of its format. It lies in
/// `value` or in `buffer`.
pub fn traceId(format: Format, value: []const u8, buffer: *Buffer) ?[]const u8 {
    const text = std.mem.trim(u8, value, " \t");
    if (format == .plain) return if (text.len > 0) value else null;
    // Several headers, which Envoy has joined: no tracer reads that.
    if (std.mem.findScalar(u8, text, ',') != null) return null;
    return switch (format) {
        .plain => unreachable,
        .traceparent => traceparent(text),
        .b3 => b3(text, buffer),
        .@"x-b3-traceid" => b3Id(text, buffer),
        .sw8 => sw8(text),
        .@"uber-trace-id" => jaeger(text, buffer),
        .@"x-cloud-trace-context" => cloud(text, buffer),
        .@"x-amzn-trace-id" => amazon(text, buffer),
        .@"x-datadog-trace-id" => datadog(text),
    };
}

fn traceparent(text: []const u8) ?[]const u8 {
    if (text.len < 55 or text[2] != '-' or text[35] != '-' or text[52] != '-') return null;
    // Later versions may add fields.
    const newer = !std.mem.eql(u8, text[0..2], "00");
    if (text.len > 55 and !(newer and text[55] == '-')) return null;
    if (std.mem.eql(u8, text[0..2], "ff")) return null;
    for ([_][]const u8{ text[0..2], text[3..35], text[36..52], text[53..55] }) |field|
        for (field) |byte| if (!std.ascii.isDigit(byte) and (byte < 'a' or byte > 'f')) return null;
    return if (isZero(text[3..35]) or isZero(text[36..52])) null else text[3..35];
}

fn b3(text: []const u8, buffer: *Buffer) ?[]const u8 {
    var fields = std.mem.splitScalar(u8, text, '-');
    const id = fields.first();
    const span = fields.next() orelse return null;
    if (!isSpan(span)) return null;
    if (fields.next()) |sampled| if (!isB3Sampled(sampled)) return null;
    if (fields.next()) |parent| if (!isSpan(parent)) return null;
    return if (fields.next() == null) b3Id(id, buffer) else null;
}

fn isB3Sampled(text: []const u8) bool {
    return text.len == 1 and std.mem.findScalar(u8, "01d", text[0]) != null;
}

fn isSpan(text: []const u8) bool {
    return text.len == 16 and isHex(text);
}

/// The lower 64 bits: who knows no longer ids drops the others.
fn b3Id(text: []const u8, buffer: *Buffer) ?[]const u8 {
    if (text.len != 16 and text.len != 32) return null;
    const id = number(text, buffer) orelse return null;
    return if (isZero(id[16..])) id else id[16..];
}

fn sw8(text: []const u8) ?[]const u8 {
    var fields: [8][]const u8 = undefined;
    var split = std.mem.splitScalar(u8, text, '-');
    for (&fields) |*field| field.* = split.next() orelse return null;
    if (split.next() != null) return null;
    if (!std.mem.eql(u8, fields[0], "0") and !std.mem.eql(u8, fields[0], "1")) return null;
    if (!isDecimal(fields[3], 10)) return null;
    for ([_]usize{ 1, 2, 4, 5, 6, 7 }) |n| if (!isBase64(fields[n])) return null;
    return fields[1];
}

fn isBase64(text: []const u8) bool {
    const plain = std.mem.trimEnd(u8, text, "=");
    if (plain.len == 0 or text.len - plain.len > 2) return false;
    for (plain) |byte| if (!std.ascii.isAlphanumeric(byte) and byte != '+' and byte != '/') return false;
    return true;
}

fn jaeger(text: []const u8, buffer: *Buffer) ?[]const u8 {
    // Some of its clients encode the value as a part of a URL.
    const separator = if (std.mem.findScalar(u8, text, '%')) |at| text[at..@min(at + 3, text.len)] else ":";
    if (separator.len > 1 and !std.ascii.eqlIgnoreCase(separator, "%3a")) return null;
    var split = std.mem.splitSequence(u8, text, separator);
    var fields: [4][]const u8 = undefined;
    for (&fields) |*field| field.* = split.next() orelse return null;
    if (split.next() != null) return null;
    for (fields[1..], [_]usize{ 16, 16, 2 }) |field, longest|
        if (field.len == 0 or field.len > longest or !isHex(field)) return null;
    return if (isZero(fields[1])) null else number(fields[0], buffer);
}

fn cloud(text: []const u8, buffer: *Buffer) ?[]const u8 {
    if (text.len < 32) return null;
    var rest = text[32..];
    if (rest.len > 0 and rest[0] == '/') {
        const end = std.mem.findScalar(u8, rest, ';') orelse rest.len;
        if (!isDecimal(rest[1..end], 20)) return null;
        rest = rest[end..];
    }
    if (rest.len > 0 and !(std.mem.startsWith(u8, rest, ";o=") and isDecimal(rest[3..], 10))) return null;
    return number(text[0..32], buffer);
}

fn amazon(text: []const u8, buffer: *Buffer) ?[]const u8 {
    const root = amazonField(text, "Root") orelse return null;
    if (root.len != 35 or root[0] != '1' or root[1] != '-' or root[10] != '-') return null;
    var digits: Buffer = undefined;
    @memcpy(digits[0..8], root[2..10]);
    @memcpy(digits[8..], root[11..]);
    return number(&digits, buffer);
}

fn amazonField(text: []const u8, name: []const u8) ?[]const u8 {
    var fields = std.mem.splitScalar(u8, text, ';');
    while (fields.next()) |field| {
        const plain = std.mem.trim(u8, field, " \t");
        const equals = std.mem.findScalar(u8, plain, '=') orelse continue;
        if (std.mem.eql(u8, plain[0..equals], name)) return plain[equals + 1 ..];
    }
    return null;
}

fn datadog(text: []const u8) ?[]const u8 {
    if (!isDecimal(text, text.len)) return null;
    const plain = std.mem.trimStart(u8, text, "0");
    const value = std.fmt.parseInt(u64, plain, 10) catch return null;
    return if (value > 0) plain else null;
}

/// The hexadecimal number, which must not be 0, as 32 digits in lower case.
fn number(text: []const u8, buffer: *Buffer) ?[]const u8 {
    if (text.len == 0 or text.len > buffer.len or !isHex(text) or isZero(text)) return null;
    @memset(buffer, '0');
    _ = std.ascii.lowerString(buffer[buffer.len - text.len ..], text);
    return buffer;
}

fn isHex(text: []const u8) bool {
    for (text) |byte| if (!std.ascii.isHex(byte)) return false;
    return true;
}

fn isZero(text: []const u8) bool {
    return std.mem.trimStart(u8, text, "0").len == 0;
}

fn isDecimal(text: []const u8, longest: usize) bool {
    if (text.len == 0 or text.len > longest) return false;
    for (text) |byte| if (!std.ascii.isDigit(byte)) return false;
    return true;
}

/// What a new trace is made of.
pub const Seed = struct {
    random: [24]u8,
    /// Seconds since 1970.
    time: u64,
};

/// A trace and a span in it.
pub const Context = struct {
    buffer: [512]u8 = undefined,
    length: usize = 0,
    span_buffer: [20]u8 = undefined,
    span_length: usize = 0,

    /// The trace header's value.
    pub fn text(context: *const Context) []const u8 {
        return context.buffer[0..context.length];
    }

    /// The value of the format's span header, where it has one.
    pub fn span(context: *const Context) []const u8 {
        return context.span_buffer[0..context.span_length];
    }

    fn print(context: *Context, comptime format: []const u8, arguments: anytype) void {
        context.length += bufPrint(context.buffer[context.length..], format, arguments);
    }

    fn setSpan(context: *Context, format: Format, id: u64) void {
        context.span_length = switch (format) {
            .@"x-b3-traceid" => bufPrint(&context.span_buffer, "{x:0>16}", .{id}),
            .@"x-datadog-trace-id" => bufPrint(&context.span_buffer, "{d}", .{id}),
            else => 0,
        };
    }
};

/// A new context of the format, which says that the trace is sampled: that is what tracers do by
/// default with a request that has no context, and not all formats, nor all tracers, can leave the
/// decision open. `before` is the header's value so far; a decision that is there without a trace
/// is kept. Null for `plain`.
pub fn create(format: Format, seed: *const Seed, before: []const u8) ?Context {
    const trace_id = @max(1, std.mem.readInt(u128, seed.random[0..16], .big));
    const span_id = spanOf(seed);
    const kept = std.mem.trim(u8, before, " \t");
    var context: Context = .{};
    context.setSpan(format, span_id);
    switch (format) {
        .plain => return null,
        .traceparent => context.print("00-{x:0>32}-{x:0>16}-01", .{ trace_id, span_id }),
        .b3 => context.print("{x:0>32}-{x:0>16}-{s}", .{ trace_id, span_id, if (isB3Sampled(kept)) kept else "1" }),
        .@"x-b3-traceid" => context.print("{x:0>32}", .{trace_id}),
        .sw8 => printSw8(&context, trace_id, span_id),
        .@"uber-trace-id" => context.print("{x:0>32}:{x:0>16}:0:1", .{ trace_id, span_id }),
        .@"x-cloud-trace-context" => context.print("{x:0>32}/{d};o=1", .{ trace_id, span_id }),
        .@"x-amzn-trace-id" => context.print("Root=1-{x:0>8}-{x:0>24};Parent={x:0>16};Sampled={s}", .{
            @as(u32, @truncate(seed.time)), @as(u96, @truncate(trace_id)), span_id, amazonSampled(kept),
        }),
        .@"x-datadog-trace-id" => context.print("{d}", .{@max(1, @as(u64, @truncate(trace_id)))}),
    }
    return context;
}

/// Whether a value with a trace id names no span, though it could. Some tracers then begin a new
/// trace.
pub fn lacksSpan(format: Format, value: []const u8) bool {
    return switch (format) {
        .@"x-cloud-trace-context" => std.mem.findScalar(u8, value, '/') == null,
        .@"x-amzn-trace-id" => amazonField(value, "Parent") == null,
        else => false,
    };
}

/// The context of a value with a trace id, whose span it lacks, there or in another header. Null
/// where it is too long.
pub fn complete(format: Format, seed: *const Seed, value: []const u8) ?Context {
    const span_id = spanOf(seed);
    var context: Context = .{};
    if (value.len + 64 > context.buffer.len) return null;
    context.setSpan(format, span_id);
    if (!lacksSpan(format, value)) {
        context.print("{s}", .{value});
    } else if (format == .@"x-amzn-trace-id") {
        context.print("{s};Parent={x:0>16}", .{ value, span_id });
        if (amazonField(value, "Sampled") == null) context.print(";Sampled=1", .{});
    } else {
        const options = if (value.len > 32) value[32..] else ";o=1";
        context.print("{s}/{d}{s}", .{ value[0..32], span_id, options });
    }
    return context;
}

fn spanOf(seed: *const Seed) u64 {
    return @max(1, std.mem.readInt(u64, seed.random[16..24], .big));
}

fn amazonSampled(text: []const u8) []const u8 {
    const sampled = amazonField(text, "Sampled") orelse "1";
    return if (std.mem.eql(u8, sampled, "0")) "0" else "1";
}

/// The caller in SkyWalking's words, in base64: service "gateway", instance "laneway", endpoint "/",
/// address "gateway".
const sw8_caller = "Z2F0ZXdheQ==-bGFuZXdheQ==-Lw==-Z2F0ZXdheQ==";

fn printSw8(context: *Context, trace_id: u128, span_id: u64) void {
    var id: Buffer = undefined;
    var segment: [16]u8 = undefined;
    _ = bufPrint(&id, "{x:0>32}", .{trace_id});
    _ = bufPrint(&segment, "{x:0>16}", .{span_id});
    var trace_text: [44]u8 = undefined;
    var segment_text: [24]u8 = undefined;
    const encoder = std.base64.standard.Encoder;
    context.print("1-{s}-{s}-0-" ++ sw8_caller, .{
        encoder.encode(&trace_text, &id), encoder.encode(&segment_text, &segment),
    });
}

/// For texts that fit.
fn bufPrint(out: []u8, comptime format: []const u8, arguments: anytype) usize {
    return (std.fmt.bufPrint(out, format, arguments) catch unreachable).len;
}

const testing = std.testing;

fn expectId(expected: ?[]const u8, header: []const u8, value: []const u8) !void {
    var buffer: Buffer = undefined;
    const id = traceId(.of(header), value, &buffer);
    if (expected) |text| try testing.expectEqualStrings(text, id orelse "none") else try testing.expectEqual(null, id);
}

const trace = "0af7651916cd43dd8448eb211c80319c";
const low_trace = trace[16..];

test "the trace id is what two hops have in common" {
    try expectId(trace, "traceparent", "00-" ++ trace ++ "-b7ad6b7169203331-01");
    try expectId(trace, "traceparent", " 00-" ++ trace ++ "-00f067aa0ba902b7-00\t");
    try expectId(trace, "traceparent", "cc-" ++ trace ++ "-00f067aa0ba902b7-00-and-more");
    try expectId(low_trace, "b3", trace ++ "-00f067aa0ba902b7");
    try expectId(low_trace, "b3", trace ++ "-00f067aa0ba902b7-d-05e3ac9a4f6e3b90");
    try expectId(trace, "uber-trace-id", trace ++ ":b7ad6b7169203331:0:1");
    try expectId(trace, "uber-trace-id", "af7651916cd43dd8448eb211c80319c%3ab7%3a1%3a01");
    try expectId(trace, "x-cloud-trace-context", trace ++ "/0123;o=1");
    try expectId(trace, "x-cloud-trace-context", trace);
    try expectId(trace, "x-cloud-trace-context", trace ++ ";o=0");
    try expectId(trace, "x-amzn-trace-id", "Root=1-0af76519-16cd43dd8448eb211c80319c");
    try expectId(trace, "x-amzn-trace-id", "Self=1-a-b; Root=1-0AF76519-16cd43dd8448eb211c80319c;Parent=5;Sampled=1");
    try expectId("YWJj", "sw8", "1-YWJj-ZGVm-3-c3Zj-aW5z-L2FwaQ==-aG9zdA==");
}

test "ids of 64 bits, of 128 and with leading zeros are one" {
    for ([_][]const u8{ "8448eb211c80319c", "00000000000000008448EB211C80319C", trace }) |text|
        try expectId(low_trace, "x-b3-traceid", text);
    try expectId(low_trace, "b3", "8448eb211c80319c-00f067aa0ba902b7-1");
    try expectId("10000000000000000000000000000000", "x-b3-traceid", "10000000000000000000000000000000");
    try expectId("18446744073709551615", "x-datadog-trace-id", "0018446744073709551615");
    try expectId("0000000000000000" ++ low_trace, "uber-trace-id", "8448eb211c80319c:1:0:1");
}

test "any other header is an id as a whole" {
    try expectId("x", "my-request-id", "x");
    try expectId("00-" ++ trace ++ "-b7ad6b7169203331-01", "x-request-id", "00-" ++ trace ++ "-b7ad6b7169203331-01");
    try expectId(null, "my-request-id", "");
    try expectId(null, "my-request-id", " \t");
}

test "what is not of its format has no trace id" {
    const cases = [_][2][]const u8{
        .{ "traceparent", "" },
        .{ "traceparent", "x0001" },
        .{ "traceparent", "ff-" ++ trace ++ "-b7ad6b7169203331-01" },
        .{ "traceparent", "00-00000000000000000000000000000000-b7ad6b7169203331-01" },
        .{ "traceparent", "00-" ++ trace ++ "-0000000000000000-01" },
        .{ "traceparent", "00-" ++ trace ++ "-b7ad6b7169203331-01-x" },
        .{ "traceparent", "cc-" ++ trace ++ "-b7ad6b7169203331-01x" },
        .{ "traceparent", "00-" ++ trace ++ "-B7AD6B7169203331-01" },
        .{ "traceparent", "00-" ++ trace ++ "-b7ad6b7169203331-1" },
        .{ "traceparent", "00_" ++ trace ++ "-b7ad6b7169203331-01" },
        .{ "b3", "0" },
        .{ "b3", trace },
        .{ "b3", trace ++ "-1" },
        .{ "b3", trace ++ "-00f067aa0ba902b7-2" },
        .{ "b3", trace ++ "-00f067aa0ba902b7-1-" },
        .{ "b3", trace ++ "-00f067aa0ba902b7-1-00f067aa0ba902b7-1" },
        .{ "b3", trace[1..] ++ "-00f067aa0ba902b7" },
        .{ "x-b3-traceid", "0000000000000000" },
        .{ "x-b3-traceid", "8448eb211c80319" },
        .{ "x-b3-traceid", "8448eb211c80319g" },
        .{ "sw8", "1-YWJj-ZGVm-3-c3Zj-aW5z-L2FwaQ==" },
        .{ "sw8", "1-YWJj-ZGVm-3-c3Zj-aW5z-L2FwaQ==-aG9zdA==-x" },
        .{ "sw8", "1--ZGVm-3-c3Zj-aW5z-L2FwaQ==-aG9zdA==" },
        .{ "sw8", "2-YWJj-ZGVm-3-c3Zj-aW5z-L2FwaQ==-aG9zdA==" },
        .{ "sw8", "1-YWJj-ZGVm-x-c3Zj-aW5z-L2FwaQ==-aG9zdA==" },
        .{ "sw8", "1-Y,Jj-ZGVm-3-c3Zj-aW5z-L2FwaQ==-aG9zdA==" },
        .{ "uber-trace-id", trace },
        .{ "uber-trace-id", trace ++ ":1:0" },
        .{ "uber-trace-id", trace ++ ":1:0:1:1" },
        .{ "uber-trace-id", trace ++ ":0:0:1" },
        .{ "uber-trace-id", trace ++ "0:1:0:1" },
        .{ "uber-trace-id", "0:1:0:1" },
        .{ "uber-trace-id", trace ++ "%3:1%3a0%3a1" },
        .{ "uber-trace-id", trace ++ "%3" },
        .{ "x-cloud-trace-context", trace ++ "/" },
        .{ "x-cloud-trace-context", trace ++ "/1;o=" },
        .{ "x-cloud-trace-context", trace ++ "x" },
        .{ "x-cloud-trace-context", trace[1..] },
        .{ "x-amzn-trace-id", "Sampled=1" },
        .{ "x-amzn-trace-id", "Root=1-0af76519-16cd43dd8448eb211c80319c;Sampled=1,Root=1" },
        .{ "x-amzn-trace-id", "Root=1-0af76519-16cd43dd8448eb211c80319" },
        .{ "x-amzn-trace-id", "Root=2-0af76519-16cd43dd8448eb211c80319c" },
        .{ "x-amzn-trace-id", "Root=1-0af7651-916cd43dd8448eb211c80319c" },
        .{ "x-datadog-trace-id", "0" },
        .{ "x-datadog-trace-id", "18446744073709551616" },
        .{ "x-datadog-trace-id", "-1" },
        .{ "x-datadog-trace-id", "1_0" },
        .{ "x-datadog-trace-id", trace },
    };
    for (cases) |case| expectId(null, case[0], case[1]) catch |err| {
        std.debug.print("{s}: {s}\n", .{ case[0], case[1] });
        return err;
    };
}

fn seedOf(random: std.Random) Seed {
    var seed: Seed = .{ .random = undefined, .time = random.int(u64) };
    random.bytes(&seed.random);
    return seed;
}

test "a new context has a trace id of its own, in every format" {
    var random = std.Random.DefaultPrng.init(1);
    for (std.enums.values(Format)) |format| {
        if (format == .plain) continue;
        var before: [64]u8 = undefined;
        var length: usize = 0;
        for (0..1000) |n| {
            var seed = seedOf(random.random());
            if (n == 0) seed.random = @splat(0);
            const context = create(format, &seed, "").?;
            var buffer: Buffer = undefined;
            const id = traceId(format, context.text(), &buffer).?;
            try testing.expect(!std.mem.eql(u8, before[0..length], id));
            length = id.len;
            @memcpy(before[0..length], id);
            try testing.expectEqual(format.spanHeader() != null, context.span().len > 0);
        }
    }
    try testing.expectEqual(null, create(.plain, &seedOf(random.random()), ""));
}

test "a decision about sampling is kept" {
    const seed: Seed = .{ .random = @splat(0xab), .time = 0x65000000 };
    const id = "abababababababababababababababab";
    const cases = [_][3][]const u8{
        .{ "traceparent", "", "00-" ++ id ++ "-abababababababab-01" },
        .{ "b3", "", id ++ "-abababababababab-1" },
        .{ "b3", " 0", id ++ "-abababababababab-0" },
        .{ "b3", "d", id ++ "-abababababababab-d" },
        .{ "b3", "x", id ++ "-abababababababab-1" },
        .{ "x-b3-traceid", "", id },
        .{ "uber-trace-id", "", id ++ ":abababababababab:0:1" },
        .{ "x-cloud-trace-context", "", id ++ "/12370169555311111083;o=1" },
        .{ "x-amzn-trace-id", "", "Root=1-65000000-" ++ id[0..24] ++ ";Parent=abababababababab;Sampled=1" },
        .{ "x-amzn-trace-id", "a=b; Sampled=0", "Root=1-65000000-" ++ id[0..24] ++ ";Parent=abababababababab;Sampled=0" },
        .{ "x-amzn-trace-id", "Sampled=?", "Root=1-65000000-" ++ id[0..24] ++ ";Parent=abababababababab;Sampled=1" },
        .{ "x-datadog-trace-id", "", "12370169555311111083" },
    };
    for (cases) |case| try testing.expectEqualStrings(case[2], create(.of(case[0]), &seed, case[1]).?.text());
}

test "a trace without a span gets one" {
    const seed: Seed = .{ .random = @splat(0xab), .time = 0 };
    const root = "Root=1-0af76519-16cd43dd8448eb211c80319c";
    const cases = [_][3][]const u8{
        .{ "x-cloud-trace-context", trace, trace ++ "/12370169555311111083;o=1" },
        .{ "x-cloud-trace-context", trace ++ ";o=0", trace ++ "/12370169555311111083;o=0" },
        .{ "x-amzn-trace-id", root, root ++ ";Parent=abababababababab;Sampled=1" },
        .{ "x-amzn-trace-id", "Self=1;" ++ root ++ ";Sampled=0", "Self=1;" ++ root ++ ";Sampled=0;Parent=abababababababab" },
        .{ "x-b3-traceid", low_trace, low_trace },
    };
    for (cases) |case| {
        const format: Format = .of(case[0]);
        try testing.expectEqual(format != .@"x-b3-traceid", lacksSpan(format, case[1]));
        const completed = complete(format, &seed, case[1]).?;
        try testing.expectEqualStrings(case[2], completed.text());
        try testing.expect(!lacksSpan(format, case[2]));
        var buffers: [2]Buffer = undefined;
        try testing.expectEqualStrings(traceId(format, case[1], &buffers[0]).?, traceId(format, case[2], &buffers[1]).?);
    }
    try testing.expect(!lacksSpan(.traceparent, "00-" ++ trace ++ "-b7ad6b7169203331-01"));
    const long: [1000]u8 = @splat('x');
    try testing.expectEqual(null, complete(.@"x-amzn-trace-id", &seed, root ++ ";" ++ long));
}

test "any bytes: there is an id, or none" {
    var random = std.Random.DefaultPrng.init(2);
    const r = random.random();
    const alphabet = "0af1-:/;=%3AoRootSampled,. \t\xff";
    var text: [80]u8 = undefined;
    var buffer: Buffer = undefined;
    for (0..200_000) |n| {
        const format = r.enumValue(Format);
        const made = create(format, &seedOf(r), "");
        const valid = if (made) |*context| context.text() else "some id";
        // A valid one with some bytes changed, or any bytes at all.
        const length = if (n % 2 == 0) @min(valid.len, text.len) else r.uintAtMost(usize, text.len);
        for (text[0..length], 0..) |*byte, place|
            byte.* = if (n % 2 == 0 and r.uintLessThan(u8, 20) > 0) valid[place] else alphabet[r.uintLessThan(usize, alphabet.len)];
        const id = traceId(format, text[0..length], &buffer) orelse continue;
        try testing.expect(id.len > 0);
        if (format != .plain and format != .sw8) try testing.expect(id.len <= buffer.len);
    }
}
