//! The host's side of the proxy-wasm ABI 0.2.1, as far as the trace memory needs it.
//!
//! Every value that the host hands over lies in an arena that lasts for one call into the module:
//! `begin` empties it. It grows to the largest call ever seen, never beyond `arena_limit`.

const page = 64 * 1024;
/// Twice the most that Envoy accepts as request headers (`max_request_headers_kb` <= 8192).
const arena_limit = 16 * 1024 * 1024;

const Status = enum(u32) { ok = 0, not_found = 1, cas_mismatch = 8, _ };
const MapType = enum(u32) { request_headers = 0 };
const BufferType = enum(u32) { plugin_configuration = 7 };
const LogLevel = enum(u32) { err = 4 };
const MetricType = enum(u32) { counter = 0 };

const env = struct {
    extern "env" fn proxy_log(LogLevel, [*]const u8, usize) Status;
    extern "env" fn proxy_get_buffer_bytes(BufferType, usize, usize, *[*]const u8, *usize) Status;
    extern "env" fn proxy_get_header_map_value(MapType, [*]const u8, usize, *[*]const u8, *usize) Status;
    extern "env" fn proxy_replace_header_map_value(MapType, [*]const u8, usize, [*]const u8, usize) Status;
    extern "env" fn proxy_remove_header_map_value(MapType, [*]const u8, usize) Status;
    extern "env" fn proxy_get_property([*]const u8, usize, *[*]const u8, *usize) Status;
    extern "env" fn proxy_get_shared_data([*]const u8, usize, *[*]const u8, *usize, *u32) Status;
    extern "env" fn proxy_set_shared_data([*]const u8, usize, [*]const u8, usize, u32) Status;
    extern "env" fn proxy_define_metric(MetricType, [*]const u8, usize, *u32) Status;
    extern "env" fn proxy_increment_metric(u32, i64) Status;
    extern "env" fn proxy_set_tick_period_milliseconds(u32) Status;
};

const wasi = struct {
    extern "wasi_snapshot_preview1" fn clock_time_get(clock: u32, precision: u64, out: *u64) u32;
    extern "wasi_snapshot_preview1" fn random_get([*]u8, usize) u32;
};

var arena_start: usize = 0;
var arena_size: usize = 0;
var arena_used: usize = 0;

/// To be called first by whatever the host calls: what earlier calls were handed is void.
pub fn begin() void {
    arena_used = 0;
}

/// Null makes the host's call fail with a status; it must never trap.
export fn proxy_on_memory_allocate(size: usize) ?[*]u8 {
    if (size > arena_limit - arena_used) return null;
    const needed = arena_used + size;
    if (needed > arena_size) {
        const pages = (needed - arena_size + page - 1) / page;
        const before = @wasmMemoryGrow(0, pages);
        if (before < 0) return null;
        if (arena_size == 0) arena_start = @as(usize, @intCast(before)) * page;
        arena_size += pages * page;
    }
    defer arena_used = needed;
    return @ptrFromInt(arena_start + arena_used);
}

pub fn logError(text: []const u8) void {
    _ = env.proxy_log(.err, text.ptr, text.len);
}

pub fn configuration(size: usize) []const u8 {
    var ptr: [*]const u8 = undefined;
    var len: usize = 0;
    const status = env.proxy_get_buffer_bytes(.plugin_configuration, 0, size, &ptr, &len);
    return if (status == .ok and len > 0) ptr[0..len] else "";
}

/// A request header's first value; null when missing or empty.
pub fn header(name: []const u8) ?[]const u8 {
    var ptr: [*]const u8 = undefined;
    var len: usize = 0;
    const status = env.proxy_get_header_map_value(.request_headers, name.ptr, name.len, &ptr, &len);
    return if (status == .ok and len > 0) ptr[0..len] else null;
}

/// One of Envoy's attributes; `path` has its parts parted by zero bytes. Null when missing or empty.
pub fn attribute(path: []const u8) ?[]const u8 {
    var ptr: [*]const u8 = undefined;
    var len: usize = 0;
    const status = env.proxy_get_property(path.ptr, path.len, &ptr, &len);
    return if (status == .ok and len > 0) ptr[0..len] else null;
}

/// Leaves one header of that name. Envoy chooses the route anew.
pub fn replaceHeader(name: []const u8, value: []const u8) void {
    _ = env.proxy_replace_header_map_value(.request_headers, name.ptr, name.len, value.ptr, value.len);
}

pub fn removeHeader(name: []const u8) void {
    _ = env.proxy_remove_header_map_value(.request_headers, name.ptr, name.len);
}

/// A shared value and the token of its version.
pub const Shared = struct {
    value: []const u8,
    version: u32,

    /// A version that the host's counter reaches once in 2^32 writes. The host creates a missing
    /// key whatever the version, and refuses an existing one of another version: with this one,
    /// exactly one of two threads creates the key.
    const absent: Shared = .{ .value = "", .version = 0xffff_ffff };
};

pub fn shared(key: []const u8) Shared {
    var ptr: [*]const u8 = undefined;
    var len: usize = 0;
    var version: u32 = 0;
    const status = env.proxy_get_shared_data(key.ptr, key.len, &ptr, &len, &version);
    return if (status == .ok and len > 0) .{ .value = ptr[0..len], .version = version } else .absent;
}

/// Whether `value` took the place of `old`; false when another thread was faster.
pub fn replaceShared(key: []const u8, old: Shared, value: []const u8) bool {
    return env.proxy_set_shared_data(key.ptr, key.len, value.ptr, value.len, old.version) == .ok;
}

/// Nanoseconds of a clock that is never set back, the same for all threads of the process.
pub fn monotonic() u64 {
    var now: u64 = 0;
    _ = wasi.clock_time_get(1, 0, &now);
    return now;
}

/// Nanoseconds since 1970.
pub fn wallClock() u64 {
    var now: u64 = 0;
    _ = wasi.clock_time_get(0, 0, &now);
    return now;
}

/// False when the host has no randomness.
pub fn random(out: []u8) bool {
    return wasi.random_get(out.ptr, out.len) == 0;
}

/// From now on the host calls `proxy_on_tick` with the current root context, once a period.
pub fn tickEvery(milliseconds: u32) void {
    _ = env.proxy_set_tick_period_milliseconds(milliseconds);
}

pub const Counter = struct {
    id: u32,

    pub fn define(name: []const u8) Counter {
        var id: u32 = 0;
        _ = env.proxy_define_metric(.counter, name.ptr, name.len, &id);
        return .{ .id = id };
    }

    pub fn increment(counter: Counter) void {
        _ = env.proxy_increment_metric(counter.id, 1);
    }
};
