//! The trace memory's contents: which trace id runs in which lane.
//!
//! Pure. A host's shared data cannot be deleted, only replaced, so the memory is a fixed number of
//! *sets*; a set is one value of bounded size that holds the newest few entries. An id always falls
//! into the same set; a full set drops its oldest entry. `main.zig` reads and writes the sets.

const std = @import("std");

/// Entries a set. Few enough to copy cheaply, many enough that live ones are hardly ever dropped:
/// the probabilities are in docs/decisions/0003-trace-memory.md.
pub const capacity = 16;
/// Ids up to this length are kept, and compared, whole; a longer one by its length and keyed digest.
pub const id_limit = 128;
/// A lane's name is an RFC 1123 label.
pub const lane_limit = 63;
pub const set_limit = 1 + capacity * (header_length + id_limit + lane_limit);

pub const Key = [Digest.key_length]u8;

/// Entries of another layout, left by an older module under the same VM id, read as no entries.
const layout: u8 = 1;
const header_length = 8 + 4 + 4 + 1;
const Digest = std.crypto.auth.siphash.SipHash128(2, 4);
const digest_length = Digest.mac_length;

pub const IdDigest = [digest_length]u8;

/// A trace id within one pair of headers, ready to compare.
pub const Id = struct {
    digest: IdDigest,
    pair: u32,
    length: u32,
    /// Empty for an id that is known by its digest alone.
    text: []const u8,

    /// `text` must outlive the result. The key is secret, so that nobody can aim ids at one set.
    pub fn of(text: []const u8, pair: u32, key: *const Key) Id {
        var digest = Digest.init(key);
        digest.update(std.mem.asBytes(&pair));
        digest.update(text);
        return .{
            .digest = digest.finalResult(),
            .pair = pair,
            .length = @intCast(text.len),
            .text = text,
        };
    }

    pub fn set(id: *const Id, sets: u32) u32 {
        return setOf(&id.digest, sets);
    }

    fn kept(id: *const Id) []const u8 {
        return if (id.length <= id_limit) id.text else &id.digest;
    }

    fn matches(id: *const Id, entry: Entry) bool {
        return entry.length == id.length and entry.pair == id.pair and
            std.mem.eql(u8, entry.id, id.kept());
    }
};

/// The set that an id of that digest falls into.
pub fn setOf(digest: *const IdDigest, sets: u32) u32 {
    return @intCast(std.mem.readInt(u64, digest[0..8], .little) % sets);
}

/// What is known of an id. An empty lane says that its latest request named none.
pub const Memory = struct { lane: []const u8, expires: u64 };

/// The unexpired memory of `id` in `set`, or null.
pub fn find(set: []const u8, id: *const Id, now: u64) ?Memory {
    var entries = Entries.of(set);
    while (entries.next()) |entry| {
        if (!id.matches(entry)) continue;
        return if (entry.expires > now) .{ .lane = entry.lane, .expires = entry.expires } else null;
    }
    return null;
}

/// An id whose text is no longer there.
pub const Fingerprint = struct {
    digest: IdDigest,
    pair: u32,
    length: u32,

    pub fn of(id: *const Id) Fingerprint {
        return .{ .digest = id.digest, .pair = id.pair, .length = id.length };
    }

    /// The id itself, from the entry that `set` has of it; null when there is none.
    pub fn idIn(fingerprint: *const Fingerprint, set: []const u8, key: *const Key) ?Id {
        var entries = Entries.of(set);
        while (entries.next()) |entry| {
            if (entry.pair != fingerprint.pair or entry.length != fingerprint.length) continue;
            const id: Id = if (entry.length <= id_limit) .of(entry.id, entry.pair, key) else .{
                .digest = entry.id[0..digest_length].*,
                .pair = entry.pair,
                .length = entry.length,
                .text = "",
            };
            if (std.mem.eql(u8, &id.digest, &fingerprint.digest)) return id;
        }
        return null;
    }
};

pub const Insertion = struct { set: []const u8, evicted: bool };

/// Writes to `out` the set `old` with `memory` as its newest entry, without expired entries and
/// without any other of the same id. `evicted`: an entry that had not expired had to go.
///
/// The oldest is the last by position, not by time, so that no step of a clock can make an entry
/// outlive newer ones.
pub fn insert(out: *[set_limit]u8, old: []const u8, id: *const Id, memory: Memory, now: u64) Insertion {
    std.debug.assert(memory.lane.len <= lane_limit);
    out[0] = layout;
    var length: usize = 1 + write(out[1..], id, memory);
    var count: usize = 1;
    var entries = Entries.of(old);
    while (entries.next()) |entry| {
        if (entry.expires <= now or id.matches(entry)) continue;
        if (count == capacity) return .{ .set = out[0..length], .evicted = true };
        @memcpy(out[length..][0..entry.raw.len], entry.raw);
        length += entry.raw.len;
        count += 1;
    }
    return .{ .set = out[0..length], .evicted = false };
}

fn write(out: []u8, id: *const Id, memory: Memory) usize {
    const kept = id.kept();
    std.mem.writeInt(u64, out[0..8], memory.expires, .little);
    std.mem.writeInt(u32, out[8..12], id.pair, .little);
    std.mem.writeInt(u32, out[12..16], id.length, .little);
    out[16] = @intCast(memory.lane.len);
    @memcpy(out[header_length..][0..kept.len], kept);
    @memcpy(out[header_length + kept.len ..][0..memory.lane.len], memory.lane);
    return header_length + kept.len + memory.lane.len;
}

const Entry = struct {
    expires: u64,
    pair: u32,
    length: u32,
    id: []const u8,
    lane: []const u8,
    raw: []const u8,
};

/// Walks a set from its newest entry; ends early where the bytes are not entries.
const Entries = struct {
    rest: []const u8,

    fn of(set: []const u8) Entries {
        return .{ .rest = if (set.len > 0 and set[0] == layout) set[1..] else "" };
    }

    fn next(entries: *Entries) ?Entry {
        const rest = entries.rest;
        if (rest.len < header_length) return null;
        const length = std.mem.readInt(u32, rest[12..16], .little);
        const kept: usize = if (length <= id_limit) length else digest_length;
        const lane_length: usize = rest[16];
        const end = header_length + kept + lane_length;
        if (lane_length > lane_limit or rest.len < end) return null;
        entries.rest = rest[end..];
        return .{
            .expires = std.mem.readInt(u64, rest[0..8], .little),
            .pair = std.mem.readInt(u32, rest[8..12], .little),
            .length = length,
            .id = rest[header_length..][0..kept],
            .lane = rest[header_length + kept ..][0..lane_length],
            .raw = rest[0..end],
        };
    }
};

const testing = std.testing;
const test_key: Key = @splat(7);

fn idOf(text: []const u8) Id {
    return .of(text, 1, &test_key);
}

/// A set in the making, as the shell sees it: each insertion reads the one before.
const TestSet = struct {
    buffers: [2][set_limit]u8 = undefined,
    turn: u1 = 0,
    set: []const u8 = "",

    fn put(self: *TestSet, text: []const u8, lane: []const u8, expires: u64, now: u64) bool {
        self.turn +%= 1;
        const id = idOf(text);
        const memory: Memory = .{ .lane = lane, .expires = expires };
        const insertion = insert(&self.buffers[self.turn], self.set, &id, memory, now);
        self.set = insertion.set;
        return insertion.evicted;
    }

    fn laneOf(self: *const TestSet, text: []const u8, now: u64) ?[]const u8 {
        const id = idOf(text);
        return if (find(self.set, &id, now)) |memory| memory.lane else null;
    }
};

test "an id is found with its lane, another is not" {
    var set: TestSet = .{};
    _ = set.put("request-1", "s2", 100, 0);
    _ = set.put("request-2", "s3", 100, 0);
    try testing.expectEqualStrings("s2", set.laneOf("request-1", 1).?);
    try testing.expectEqualStrings("s3", set.laneOf("request-2", 1).?);
    try testing.expectEqual(null, set.laneOf("request-3", 1));
    try testing.expectEqual(null, set.laneOf("request-", 1));
    try testing.expectEqual(null, set.laneOf("request-11", 1));
}

test "nothing is found in an empty set" {
    const set: TestSet = .{};
    try testing.expectEqual(null, set.laneOf("request-1", 0));
}

test "the latest lane of an id wins and leaves one entry" {
    var set: TestSet = .{};
    _ = set.put("a", "s1", 100, 0);
    const length = set.set.len;
    _ = set.put("a", "s2", 100, 0);
    try testing.expectEqualStrings("s2", set.laneOf("a", 1).?);
    try testing.expectEqual(length, set.set.len);
    _ = set.put("a", "", 100, 0);
    try testing.expectEqualStrings("", set.laneOf("a", 1).?);
}

test "an entry expires at its time and is dropped by the next insertion" {
    var set: TestSet = .{};
    _ = set.put("a", "s1", 100, 0);
    const one = set.set.len;
    try testing.expect(set.laneOf("a", 99) != null);
    try testing.expectEqual(null, set.laneOf("a", 100));
    try testing.expect(!set.put("b", "s1", 300, 200));
    try testing.expectEqual(one, set.set.len);
}

test "a full set drops its oldest and says so" {
    var set: TestSet = .{};
    var text: [2]u8 = .{ 'i', 0 };
    for (0..capacity) |n| {
        text[1] = @intCast(n);
        try testing.expect(!set.put(&text, "s1", 100, 0));
    }
    try testing.expect(set.put("newest", "s2", 100, 0));
    try testing.expectEqual(null, set.laneOf(&.{ 'i', 0 }, 1));
    for (1..capacity) |n| {
        text[1] = @intCast(n);
        try testing.expectEqualStrings("s1", set.laneOf(&text, 1).?);
    }
}

test "a clock that steps backwards does not keep new entries out" {
    var set: TestSet = .{};
    var text: [2]u8 = .{ 'i', 0 };
    for (0..capacity) |n| {
        text[1] = @intCast(n);
        _ = set.put(&text, "old", 1_000_100, 1_000_000);
    }
    for (0..capacity) |n| {
        text[1] = @intCast(100 + n);
        _ = set.put(&text, "new", 110, 10);
    }
    for (0..capacity) |n| {
        text[1] = @intCast(100 + n);
        try testing.expectEqualStrings("new", set.laneOf(&text, 11).?);
    }
}

test "the same id under another pair of headers is another id" {
    var set: TestSet = .{};
    _ = set.put("a", "s1", 100, 0);
    const other: Id = .of("a", 2, &test_key);
    try testing.expectEqual(null, find(set.set, &other, 1));
}

test "ids of any length and any bytes are told apart, and fit" {
    var set: TestSet = .{};
    var text: [70_000]u8 = @splat(0xff);
    const lengths = [_]usize{ 1, id_limit - 1, id_limit, id_limit + 1, 4096, 60 * 1024, text.len };
    for (lengths) |length| _ = set.put(text[0..length], &.{@intCast(length % 251)}, 100, 0);
    for (lengths) |length| {
        try testing.expectEqual(length % 251, set.laneOf(text[0..length], 1).?[0]);
        text[length - 1] = 0;
        try testing.expectEqual(null, set.laneOf(text[0..length], 1));
        text[length - 1] = 0xff;
    }
}

test "an id is found again by its fingerprint" {
    var set: TestSet = .{};
    const long: [id_limit + 1]u8 = @splat('x');
    const texts = [_][]const u8{ "a", "b", long[0..id_limit], &long };
    for (texts) |text| _ = set.put(text, "s1", 100, 0);
    for (texts) |text| {
        const id = idOf(text);
        const found = Fingerprint.of(&id).idIn(set.set, &test_key).?;
        try testing.expectEqualStrings("s1", find(set.set, &found, 1).?.lane);
        var out: [set_limit]u8 = undefined;
        const renewed = insert(&out, set.set, &found, .{ .lane = "s1", .expires = 200 }, 1);
        try testing.expectEqual(200, find(renewed.set, &id, 101).?.expires);
        try testing.expectEqual(set.set.len, renewed.set.len);
    }
    const unknown = idOf("c");
    try testing.expectEqual(null, Fingerprint.of(&unknown).idIn(set.set, &test_key));
}

test "a set of the longest entries is as long as the limit" {
    var set: TestSet = .{};
    var text: [id_limit]u8 = @splat('x');
    const lane: [lane_limit]u8 = @splat('y');
    for (0..2 * capacity) |n| {
        text[0] = @intCast(n);
        _ = set.put(&text, &lane, 100, 0);
    }
    try testing.expectEqual(set_limit, set.set.len);
}

test "bytes that are no set read as an empty one" {
    var random = std.Random.DefaultPrng.init(1);
    var bytes: [400]u8 = undefined;
    var out: [set_limit]u8 = undefined;
    const id = idOf("a");
    for (0..20_000) |n| {
        random.fill(&bytes);
        bytes[0] = if (n % 4 == 0) bytes[0] else layout;
        const set = bytes[0 .. n % bytes.len];
        _ = find(set, &id, 0);
        const insertion = insert(&out, set, &id, .{ .lane = "s1", .expires = 9 }, 0);
        try testing.expectEqualStrings("s1", find(insertion.set, &id, 0).?.lane);
    }
}

test "ids spread evenly over the sets" {
    var counts: [64]u32 = @splat(0);
    var buffer: [32]u8 = undefined;
    for (0..64_000) |n| {
        const id = idOf(try std.fmt.bufPrint(&buffer, "request-{d}", .{n}));
        counts[id.set(64)] += 1;
    }
    for (counts) |count| try testing.expect(count > 800 and count < 1200);
}

test "against a model: random insertions and look-ups" {
    const Known = struct { lane: u8, expires: u64 };
    var random = std.Random.DefaultPrng.init(2);
    const r = random.random();
    var set: TestSet = .{};
    var known: [capacity]?Known = @splat(null);
    var now: u64 = 0;
    for (0..50_000) |_| {
        now += r.uintLessThan(u64, 10);
        const n = r.uintLessThan(u8, capacity);
        if (r.boolean()) {
            const lane = r.intRangeAtMost(u8, 'a', 'z');
            try testing.expect(!set.put(&.{n}, &.{lane}, now + 100, now));
            known[n] = .{ .lane = lane, .expires = now + 100 };
        } else if (known[n]) |expected| {
            const found = set.laneOf(&.{n}, now);
            if (expected.expires > now) {
                try testing.expectEqual(expected.lane, found.?[0]);
            } else try testing.expectEqual(null, found);
        } else try testing.expectEqual(null, set.laneOf(&.{n}, now));
    }
}
