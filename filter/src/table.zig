//! The sets of a process's trace memory, in memory that all its threads share; and with them, where
//! a descriptor of shared memory was inherited, the process that takes over in a hot restart.
//!
//! Every set has a lock of its own, which holds the number of the process that has it: where one was
//! killed in the middle of a change, its successor empties the set and goes on. Pages are touched
//! when something is stored in them, so the table may be far larger than what it holds.
//!
//! A set's bytes begin in `near`, with room for sixteen short entries, and go on in `far`, which is
//! seldom touched.

const std = @import("std");
const memory = @import("memory.zig");
const system = @import("system.zig");

const linux = std.os.linux;
const Atomic = std.atomic.Value(u32);

/// More sets than a configuration may ask for are of no use.
const most_sets = 1 << 20;
/// How many there are where nothing can be shared with a successor, or all of them do not fit.
const fewer_sets = 1 << 14;
const near_limit = 1024 - 8;
const far_limit = memory.set_limit - near_limit;
const page = 4096;

/// How long a thread waits for a lock. Locks are held for less than a microsecond, but the thread
/// that has one may lose its CPU meanwhile.
const patience = 1 * std.time.ns_per_s;

const Near = extern struct {
    holder: Atomic,
    length: u32,
    bytes: [near_limit]u8,
};

/// At the start of the memory: whoever finds zeros here fills it in. All later ones read it.
const Header = extern struct {
    state: Atomic,
    layout: u32,
    key: memory.Key,

    const empty = 0;
    const ready = 1;
    const beginning = 2;
};

/// The table of a process with another layout is not used.
const layout: u32 = 1 << 16 | memory.set_limit;

pub const Table = struct {
    header: *Header,
    near: []Near,
    far: [*][far_limit]u8,
    /// The number of this process.
    process: u32,
    /// Set when the module must not touch anything any more: nobody waits for a lock then.
    stopped: *const std.atomic.Value(bool),

    /// Memory for the table, or null when there is none to be had. `descriptor` is of shared memory
    /// and not closed; null, or one that cannot be used, makes memory of this process alone.
    pub fn open(descriptor: ?linux.fd_t, stopped: *const std.atomic.Value(bool)) ?Table {
        if (descriptor) |shared| {
            const size = sizeOf(shared);
            if (setsIn(size) > 0) {
                if (mapped(@min(setsIn(size), most_sets), shared, stopped)) |table| return table;
            }
        }
        return mapped(most_sets, null, stopped) orelse mapped(fewer_sets, null, stopped);
    }

    pub fn key(table: *const Table) *const memory.Key {
        return &table.header.key;
    }

    /// Calls `change.apply` with the bytes of the set, and a buffer for others that take their place
    /// unless it returns null. True when others were stored; false, too, when the set stays locked.
    pub fn update(table: *const Table, number: u32, change: anytype) bool {
        // A safe build fills undefined memory, here with 7 kB of a pattern, twice for each request.
        @setRuntimeSafety(false);
        const place = number % @as(u32, @intCast(table.near.len));
        const set = &table.near[place];
        if (!table.acquire(set)) return false;
        held = set;
        defer {
            held = null;
            set.holder.store(0, .release);
        }
        var old: [memory.set_limit]u8 = undefined;
        var out: [memory.set_limit]u8 = undefined;
        const new = change.apply(&out, read(set, &table.far[place], &old)) orelse return false;
        write(set, &table.far[place], new);
        return true;
    }

    fn acquire(table: *const Table, set: *Near) bool {
        var tries: u32 = 0;
        var began: u64 = 0;
        while (true) : (tries += 1) {
            const holder = set.holder.cmpxchgWeak(0, table.process, .acquire, .monotonic) orelse return true;
            if (table.stopped.load(.monotonic)) return false;
            if (tries < 200) {
                std.atomic.spinLoopHint();
                continue;
            }
            _ = linux.sched_yield();
            if (began == 0) began = system.monotonic();
            if (tries % 64 != 0) continue;
            if (holder != 0 and holder != table.process and isGone(holder) and
                set.holder.cmpxchgStrong(holder, table.process, .acquire, .monotonic) == null)
            {
                set.length = 0;
                return true;
            }
            if (system.monotonic() -% began > patience) return false;
        }
    }
};

/// The set that this thread has locked.
threadlocal var held: ?*Near = null;

/// Gives up what this thread was doing to a set, from which it was torn away: the set is emptied.
pub fn abandon() void {
    const set = held orelse return;
    held = null;
    set.length = 0;
    set.holder.store(0, .release);
}

fn read(set: *const Near, far: *const [far_limit]u8, buffer: *[memory.set_limit]u8) []const u8 {
    const length: usize = @min(set.length, memory.set_limit);
    if (length <= near_limit) return set.bytes[0..length];
    @memcpy(buffer[0..near_limit], &set.bytes);
    @memcpy(buffer[near_limit..length], far[0 .. length - near_limit]);
    return buffer[0..length];
}

/// The length comes last: a process that is killed before leaves a set that reads as empty.
fn write(set: *Near, far: *[far_limit]u8, bytes: []const u8) void {
    const near = @min(bytes.len, near_limit);
    @memcpy(set.bytes[0..near], bytes[0..near]);
    if (bytes.len > near) @memcpy(far[0 .. bytes.len - near], bytes[near..]);
    set.length = @intCast(bytes.len);
}

fn mapped(sets: usize, shared: ?linux.fd_t, stopped: *const std.atomic.Value(bool)) ?Table {
    const size = page + sets * (@sizeOf(Near) + far_limit);
    const flags: linux.MAP = if (shared == null)
        .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true }
    else
        .{ .TYPE = .SHARED, .NORESERVE = true };
    const result = linux.mmap(null, size, .{ .READ = true, .WRITE = true }, flags, shared orelse -1, 0);
    if (linux.errno(result) != .SUCCESS) return null;
    const bytes: [*]align(page) u8 = @ptrFromInt(result);
    // A core dump would hold what callers sent, and be as large as the table.
    _ = linux.madvise(bytes, size, linux.MADV.DONTDUMP);
    // What is stored is scattered: each entry would make two megabytes resident.
    _ = linux.madvise(bytes, size, linux.MADV.NOHUGEPAGE);
    const near: [*]Near = @ptrCast(@alignCast(bytes + page));
    const far: [*][far_limit]u8 = @ptrCast(bytes + page + sets * @sizeOf(Near));
    const table: Table = .{
        .header = @ptrCast(bytes),
        .near = near[0..sets],
        .far = far,
        .process = @intCast(linux.getpid()),
        .stopped = stopped,
    };
    if (begin(table.header)) return table;
    _ = linux.munmap(bytes, size);
    return null;
}

/// Fills in the header, or waits until another process has. False when it is not for us.
fn begin(header: *Header) bool {
    const began = system.monotonic();
    while (true) {
        const state = header.state.cmpxchgStrong(Header.empty, Header.beginning, .acquire, .acquire) orelse {
            header.layout = layout;
            // Without randomness the key is zero: then a caller can aim ids at one set, as without it.
            if (!system.random(&header.key)) header.key = @splat(0);
            header.state.store(Header.ready, .release);
            return true;
        };
        if (state == Header.ready) return header.layout == layout;
        if (system.monotonic() -% began > patience) return false;
        _ = linux.sched_yield();
    }
}

fn setsIn(size: usize) usize {
    return (size -| page) / (@sizeOf(Near) + far_limit);
}

fn sizeOf(descriptor: linux.fd_t) usize {
    const end = std.c.lseek(descriptor, 0, std.c.SEEK.END);
    return if (end < 0) 0 else @intCast(end);
}

fn isGone(process: u32) bool {
    return linux.errno(linux.kill(@intCast(process), @fromBackingInt(@intCast(0)))) == .SRCH;
}

const testing = std.testing;
var running: std.atomic.Value(bool) = .init(false);

/// A change that counts in the set's first bytes, so that a lost one shows.
const Increment = struct {
    length: usize = 8,

    pub fn apply(change: *Increment, out: *[memory.set_limit]u8, set: []const u8) ?[]const u8 {
        const before = if (set.len >= 8) std.mem.readInt(u64, set[0..8], .little) else 0;
        std.mem.writeInt(u64, out[0..8], before + 1, .little);
        @memset(out[8..change.length], @truncate(before + 1));
        return out[0..change.length];
    }
};

const Look = struct {
    bytes: [memory.set_limit]u8 = undefined,
    length: usize = 0,

    pub fn apply(change: *Look, _: *[memory.set_limit]u8, set: []const u8) ?[]const u8 {
        change.length = set.len;
        @memcpy(change.bytes[0..set.len], set);
        return null;
    }
};

fn openTest(descriptor: ?linux.fd_t) Table {
    return Table.open(descriptor, &running).?;
}

fn sharedMemory(size: usize) !linux.fd_t {
    const descriptor = try std.posix.memfd_create("table", 0);
    try testing.expectEqual(.SUCCESS, linux.errno(linux.ftruncate(descriptor, @intCast(size))));
    return descriptor;
}

fn expectLength(expected: usize, table: *const Table, set: u32) !void {
    var look: Look = .{};
    try testing.expect(!table.update(set, &look));
    try testing.expectEqual(expected, look.length);
    if (expected > 8) for (look.bytes[8..expected]) |byte| try testing.expectEqual(look.bytes[0], byte);
}

test "what is stored in one set is in no other, whatever its length" {
    const table = openTest(null);
    const lengths = [_]usize{ 8, 9, near_limit - 1, near_limit, near_limit + 1, memory.set_limit - 1, memory.set_limit };
    for (lengths, 0..) |length, set| {
        for (0..3) |_| {
            var change: Increment = .{ .length = length };
            try testing.expect(table.update(@intCast(set), &change));
        }
    }
    for (lengths, 0..) |length, set| try expectLength(length, &table, @intCast(set));
    try expectLength(0, &table, lengths.len);
}

test "a successor finds what is in shared memory, and the key" {
    const descriptor = try sharedMemory(page + 4 * (@sizeOf(Near) + far_limit));
    const first = openTest(descriptor);
    var change: Increment = .{ .length = memory.set_limit };
    try testing.expect(first.update(3, &change));
    const second = openTest(descriptor);
    try testing.expectEqual(4, second.near.len);
    try testing.expectEqualSlices(u8, first.key(), second.key());
    try testing.expect(!std.mem.allEqual(u8, second.key(), 0));
    try expectLength(memory.set_limit, &second, 3);
    try expectLength(memory.set_limit, &second, 7);
}

test "shared memory of another layout, and a descriptor of none, are not used" {
    const descriptor = try sharedMemory(page + @sizeOf(Near) + far_limit);
    openTest(descriptor).header.layout += 1;
    try testing.expectEqual(most_sets, openTest(descriptor).near.len);
    try testing.expectEqual(most_sets, openTest(try sharedMemory(page)).near.len);
    try testing.expectEqual(most_sets, openTest(12345).near.len);
}

test "a set that a killed process has locked is emptied and used again" {
    const table = openTest(null);
    var change: Increment = .{};
    try testing.expect(table.update(0, &change));
    const gone: u32 = std.math.maxInt(i32); // beyond every process's number
    table.near[0].holder.store(gone, .monotonic);
    try expectLength(0, &table, 0);
    try testing.expectEqual(0, table.near[0].holder.load(.monotonic));
}

test "nobody waits for ever for a lock, nor at all when the module has stopped" {
    const table = openTest(null);
    table.near[0].holder.store(1, .monotonic); // which lives as long as the machine
    var change: Increment = .{};
    try testing.expect(!table.update(0, &change));
    running.store(true, .monotonic);
    defer running.store(false, .monotonic);
    const began = system.monotonic();
    for (0..1000) |_| try testing.expect(!table.update(0, &change));
    try testing.expect(system.monotonic() - began < patience);
}

test "what is abandoned is unlocked and empty" {
    const table = openTest(null);
    var change: Increment = .{};
    try testing.expect(table.update(0, &change));
    held = &table.near[0];
    table.near[0].holder.store(table.process, .monotonic);
    abandon();
    abandon();
    try expectLength(0, &table, 0);
}

test "threads that change one set lose nothing and see no half of a change" {
    const table = openTest(null);
    const rounds = 20_000;
    const work = struct {
        fn run(shared: *const Table) void {
            for (0..rounds) |n| {
                var change: Increment = .{ .length = 8 + n % (memory.set_limit - 8) };
                std.debug.assert(shared.update(0, &change));
                var look: Look = .{};
                _ = shared.update(0, &look);
                for (look.bytes[8..look.length]) |byte| std.debug.assert(byte == look.bytes[0]);
            }
        }
    };
    var threads: [4]std.Thread = undefined;
    for (&threads) |*thread| thread.* = try std.Thread.spawn(.{}, work.run, .{&table});
    for (threads) |thread| thread.join();
    var look: Look = .{};
    _ = table.update(0, &look);
    try testing.expectEqual(threads.len * rounds, std.mem.readInt(u64, look.bytes[0..8], .little));
}
