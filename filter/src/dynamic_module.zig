//! Envoy's side of the dynamic modules' ABI v0.2, as far as the trace memory needs it.
//!
//! What Envoy hands over is borrowed: it is void when a header is set, and when the hook returns.

pub const Pointer = ?*anyopaque;

pub const Buffer = extern struct {
    ptr: ?[*]const u8,
    len: usize,

    pub fn of(text: []const u8) Buffer {
        return .{ .ptr = text.ptr, .len = text.len };
    }

    pub fn bytes(buffer: Buffer) []const u8 {
        return if (buffer.ptr) |ptr| ptr[0..buffer.len] else "";
    }
};

/// The version that this file is written for; Envoy compares it with its own.
pub const abi_version = "v0.2.0";

/// `envoy.data.accesslog.v3.AccessLogType`: the only one at the end of an HTTP request.
pub const downstream_end: c_int = 6;

const LogLevel = enum(c_int) { err = 4, critical = 5 };
const HeaderType = enum(c_int) { request = 0 };

const envoy = struct {
    extern fn envoy_dynamic_module_callback_log(LogLevel, Buffer) void;
    extern fn envoy_dynamic_module_callback_early_header_mutation_get_header_value(Pointer, Buffer, *Buffer, usize, ?*usize) bool;
    extern fn envoy_dynamic_module_callback_early_header_mutation_set_header(Pointer, Buffer, Buffer) bool;
    extern fn envoy_dynamic_module_callback_early_header_mutation_remove_header(Pointer, Buffer) bool;
    extern fn envoy_dynamic_module_callback_access_logger_get_header_value(Pointer, HeaderType, Buffer, *Buffer, usize, ?*usize) bool;
    extern fn envoy_dynamic_module_callback_access_logger_get_upstream_cluster(Pointer, *Buffer) bool;
    extern fn envoy_dynamic_module_callback_access_logger_config_define_counter(Pointer, Buffer, *usize) c_int;
    extern fn envoy_dynamic_module_callback_access_logger_increment_counter(Pointer, usize, u64) c_int;
};

pub fn logError(text: []const u8) void {
    envoy.envoy_dynamic_module_callback_log(.err, .of(text));
}

pub fn logCritical(text: []const u8) void {
    envoy.envoy_dynamic_module_callback_log(.critical, .of(text));
}

/// One of a header's values; `count` is how many there are.
pub const Value = struct { text: []const u8, count: usize };

/// A request before it is routed.
pub const Arriving = struct {
    context: Pointer,

    pub fn value(request: Arriving, name: []const u8, index: usize) ?Value {
        var found: Buffer = .of("");
        var count: usize = 0;
        if (!envoy.envoy_dynamic_module_callback_early_header_mutation_get_header_value(request.context, .of(name), &found, index, &count))
            return null;
        return .{ .text = found.bytes(), .count = count };
    }

    /// Leaves one header of that name.
    pub fn set(request: Arriving, name: []const u8, text: []const u8) void {
        _ = envoy.envoy_dynamic_module_callback_early_header_mutation_set_header(request.context, .of(name), .of(text));
    }

    pub fn remove(request: Arriving, name: []const u8) void {
        _ = envoy.envoy_dynamic_module_callback_early_header_mutation_remove_header(request.context, .of(name));
    }
};

/// A request that has ended, with its headers as they were routed.
pub const Ended = struct {
    context: Pointer,

    pub fn value(request: Ended, name: []const u8, index: usize) ?Value {
        var found: Buffer = .of("");
        var count: usize = 0;
        if (!envoy.envoy_dynamic_module_callback_access_logger_get_header_value(request.context, .request, .of(name), &found, index, &count))
            return null;
        return .{ .text = found.bytes(), .count = count };
    }

    /// To which it was routed. Null where it was not.
    pub fn cluster(request: Ended) ?[]const u8 {
        var found: Buffer = .of("");
        if (!envoy.envoy_dynamic_module_callback_access_logger_get_upstream_cluster(request.context, &found)) return null;
        return found.bytes();
    }
};

pub const Counter = struct {
    id: usize,

    /// Only while an access logger is being configured.
    pub fn define(configuration: Pointer, name: []const u8) Counter {
        var id: usize = 0;
        _ = envoy.envoy_dynamic_module_callback_access_logger_config_define_counter(configuration, .of(name), &id);
        return .{ .id = id };
    }

    pub fn add(counter: Counter, configuration: Pointer, number: u64) void {
        _ = envoy.envoy_dynamic_module_callback_access_logger_increment_counter(configuration, counter.id, number);
    }
};
