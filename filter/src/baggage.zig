//! The lane as a member of W3C baggage (https://www.w3.org/TR/baggage/): finding it, and putting it in.
//!
//! Pure. `text` is always the header's whole value; repeated headers are joined by commas. Members
//! of other keys are never decoded, reordered or dropped, whatever they look like.

const std = @import("std");

/// The longest baggage that everybody has to pass on whole; longer, and some drop all of it.
pub const limit = 8192;
/// A lane's name is an RFC 1123 label.
const lane_limit = 63;

/// A lane's name, held by value.
pub const Lane = struct {
    bytes: [lane_limit]u8 = undefined,
    length: u8 = 0,

    pub fn text(self: *const Lane) []const u8 {
        return self.bytes[0..self.length];
    }
};

/// The lane that the member `key` names; the last of several, as OpenTelemetry reads them. Null when
/// there is none, or what it names cannot be a lane: nothing else may become a header's value.
pub fn find(text: []const u8, key: []const u8) ?Lane {
    var found: ?Lane = null;
    var members: Members = .of(text);
    while (members.next()) |member| {
        if (valueOf(member, key)) |value| found = decode(value);
    }
    return found;
}

/// `text` with `key=lane` as its first member and no other of that key, written to `out`. The first
/// place, since what is cut off for its length is cut off at the end. Null when it does not fit.
pub fn put(out: *[limit]u8, text: []const u8, key: []const u8, lane: []const u8) ?[]const u8 {
    var length: usize = 0;
    for ([_][]const u8{ key, "=", lane }) |part| {
        if (part.len > out.len - length) return null;
        @memcpy(out[length..][0..part.len], part);
        length += part.len;
    }
    var members: Members = .of(text);
    while (members.next()) |member| {
        if (valueOf(member, key) != null or trim(member).len == 0) continue;
        if (member.len + 1 > out.len - length) return null;
        out[length] = ',';
        @memcpy(out[length + 1 ..][0..member.len], member);
        length += member.len + 1;
    }
    return out[0..length];
}

/// Whether `text` has the member once, with that lane and as `put` writes it. Some readers (Python's
/// OpenTelemetry) take a property for a part of the value, so there must be none.
pub fn has(text: []const u8, key: []const u8, lane: []const u8) bool {
    var count: usize = 0;
    var members: Members = .of(text);
    while (members.next()) |member| {
        if (valueOf(member, key) == null) continue;
        const plain = trim(member);
        if (plain.len != key.len + 1 + lane.len or !std.mem.endsWith(u8, plain, lane)) return false;
        count += 1;
    }
    return count == 1;
}

/// Members as they stand between commas. A value's own comma is percent-encoded.
const Members = struct {
    parts: std.mem.SplitIterator(u8, .scalar),

    fn of(text: []const u8) Members {
        return .{ .parts = std.mem.splitScalar(u8, text, ',') };
    }

    fn next(members: *Members) ?[]const u8 {
        return members.parts.next();
    }
};

/// The value, still encoded and without properties, if the member is of that key. Keys have a case.
fn valueOf(member: []const u8, key: []const u8) ?[]const u8 {
    const end = std.mem.findScalar(u8, member, ';') orelse member.len;
    const equals = std.mem.findScalar(u8, member[0..end], '=') orelse return null;
    if (!std.mem.eql(u8, trim(member[0..equals]), key)) return null;
    return trim(member[equals + 1 .. end]);
}

fn decode(value: []const u8) ?Lane {
    var lane: Lane = .{};
    var n: usize = 0;
    while (n < value.len) : (n += 1) {
        var byte = value[n];
        if (byte == '%') {
            if (n + 2 >= value.len) return null;
            byte = std.fmt.parseInt(u8, value[n + 1 ..][0..2], 16) catch return null;
            n += 2;
        }
        if (lane.length == lane_limit or !(std.ascii.isAlphanumeric(byte) or byte == '-')) return null;
        lane.bytes[lane.length] = byte;
        lane.length += 1;
    }
    return if (lane.length > 0) lane else null;
}

fn trim(text: []const u8) []const u8 {
    return std.mem.trim(u8, text, " \t");
}

const testing = std.testing;

fn expectFound(expected: ?[]const u8, text: []const u8) !void {
    const found = find(text, "lane");
    if (expected) |lane| {
        try testing.expectEqualStrings(lane, found.?.text());
    } else try testing.expectEqual(null, found);
}

fn expectPut(expected: []const u8, text: []const u8) !void {
    var out: [limit]u8 = undefined;
    const result = put(&out, text, "lane", "s2").?;
    try testing.expectEqualStrings(expected, result);
    try testing.expect(has(result, "lane", "s2"));
}

test "the member is found among others, whatever its blanks, properties and encoding" {
    try expectFound("s2", "lane=s2");
    try expectFound("s2", "a=1, lane = s2 ,b=2");
    try expectFound("s2", "a=lane=s3,\tlane=s2;ttl=3;lane=s4");
    try expectFound("s2", "lane=%732");
    try expectFound("s-2", "lane=s%2d2;a");
    try expectFound("s3", "lane=s2,lane=s3");
    const longest: [lane_limit]u8 = @splat('x');
    try expectFound(&longest, "lane=" ++ longest);
}

test "what is no such member is not" {
    for ([_][]const u8{
        "",            ",",             "lane",         "lane;a=b",                                      "lanes=s2", "xlane=s2",
        "Lane=s2",     "a=1;lane=s2",   "a=%2Clane=s2", "lane=",                                         "lane= ;a", "lane=%",
        "lane=%7",     "lane=%7x",      "lane=%-1",     "lane=s%0D%0Ax",                                 "lane=a b", "lane=s2%2Cs3",
        "lane=\"s2\"", "lane=s%C3%BC1", "lane==s2",     "lane=" ++ @as([lane_limit + 1]u8, @splat('x')),
    }) |text| try expectFound(null, text);
}

test "putting replaces every member of the key, and leaves the others as they are" {
    try expectPut("lane=s2", "");
    try expectPut("lane=s2", " , ");
    try expectPut("lane=s2", "lane=s3;p=1");
    try expectPut("lane=s2,a=1", "a=1");
    try expectPut("lane=s2,a=1;p;q=%20 , b=%2C", "a=1;p;q=%20 , b=%2C");
    try expectPut("lane=s2,a=1,b=\"2\",not a member", "a=1,lane=%%,b=\"2\",lane=s1,not a member");
}

test "the member is there once, with that lane, plain" {
    try testing.expect(has("a=1, lane=s2 ,b", "lane", "s2"));
    try testing.expect(!has("a=1, lane=s2;p", "lane", "s2"));
    try testing.expect(!has("lane= s2", "lane", "s2"));
    try testing.expect(!has("lane=%732", "lane", "s2"));
    try testing.expect(!has("lane=s2,lane=s2", "lane", "s2"));
    try testing.expect(!has("lane=s3", "lane", "s2"));
    try testing.expect(!has("lane=%", "lane", "s2"));
    try testing.expect(!has("a=1", "lane", "s2"));
}

test "up to the limit and not beyond" {
    var out: [limit]u8 = undefined;
    const others: [limit]u8 = @splat('x');
    const fits = limit - "lane=s2,".len;
    try testing.expectEqual(limit, put(&out, others[0..fits], "lane", "s2").?.len);
    try testing.expectEqual(null, put(&out, others[0 .. fits + 1], "lane", "s2"));
}

test "any bytes: other members survive, and the lane is found again" {
    var random = std.Random.DefaultPrng.init(1);
    const alphabet = "lane=s2,; %\t7x";
    var text: [40]u8 = undefined;
    var out: [limit]u8 = undefined;
    for (0..50_000) |n| {
        for (&text) |*byte| byte.* = alphabet[random.random().uintLessThan(usize, alphabet.len)];
        const given = text[0 .. n % text.len];
        const result = put(&out, given, "lane", "s2").?;
        try testing.expectEqualStrings("s2", find(result, "lane").?.text());
        var before: Members = .of(given);
        var after: Members = .of(result);
        _ = after.next();
        while (before.next()) |member| {
            if (valueOf(member, "lane") != null or trim(member).len == 0) continue;
            try testing.expectEqualStrings(member, after.next().?);
        }
        try testing.expectEqual(null, after.next());
    }
}
