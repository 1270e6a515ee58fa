//! The lane filter as a dynamic module of Envoy: a shell around `hop.zig` that runs as native code.
//!
//! As *early header mutation* it sees a request once, before it is routed; as *access logger* it sees
//! each request's end. Its memory is the process's: all workers, listeners and configurations share
//! one `Table`, and the process after a hot restart takes it over.
//!
//! Envoy gives each configuration a name, which is the lane group's: what one group's requests inside
//! say of calls is said of that group alone.
//!
//! A panic must not end the proxy. Every hook runs behind `guard.c`; one that panics returns, the
//! request goes on as it came, and from then on the module does nothing.

const std = @import("std");
const config = @import("config.zig");
const envoy = @import("dynamic_module.zig");
const hop = @import("hop.zig");
const Inside = @import("inside.zig").Inside;
const memory = @import("memory.zig");
const system = @import("system.zig");
const table_module = @import("table.zig");

const Pointer = envoy.Pointer;
const Table = table_module.Table;

/// Only in a build for tests: a request whose trace header says so makes the module panic.
const panics_at: ?[]const u8 = if (@hasDecl(@import("root"), "panics_at")) @import("root").panics_at else null;

/// Set by a panic: the module does nothing any more.
var stopped: std.atomic.Value(bool) = .init(false);

/// Made with the first configuration, on Envoy's main thread, and never given back.
var table: ?Table = null;

/// What was counted since an access logger last gave it to Envoy.
var pending: std.EnumArray(hop.Counter, std.atomic.Value(u64)) = .initFill(.init(0));

/// Groups are added with their first configuration, on Envoy's main thread, and never removed.
var groups: ?*Group = null;

const Group = struct {
    next: ?*Group,
    name: []const u8,
    inside: Inside = .{},

    /// Null when there is no memory.
    fn of(name: []const u8) ?*Group {
        var each = groups;
        while (each) |group| : (each = group.next) if (std.mem.eql(u8, group.name, name)) return group;
        const group = std.heap.c_allocator.create(Group) catch return null;
        const copy = std.heap.c_allocator.dupe(u8, name) catch return null;
        group.* = .{ .next = groups, .name = copy };
        groups = group;
        return group;
    }
};

/// What Envoy has of a configuration.
const Extension = struct { c: config.Config, group: *Group };

/// Names the descriptor of shared memory that Envoy has inherited.
const descriptor_variable = "LANEWAY_TRACE_MEMORY";

/// Of all values of a repeated header together; beyond the most that a listener of ours accepts.
const joined_limit = 256 * 1024;
threadlocal var joined_values: ?*[joined_limit]u8 = null;

pub const panic = std.debug.FullPanic(escape);

extern fn laneway_guarded(*const fn (Pointer) callconv(.c) void, Pointer) bool;
extern fn laneway_escape() noreturn;

fn escape(reason: []const u8, _: ?usize) noreturn {
    @branchHint(.cold);
    if (!stopped.swap(true, .monotonic)) {
        envoy.logCritical("the trace memory has failed and does nothing until this proxy is restarted; requests go on as they come:");
        envoy.logCritical(reason);
    }
    laneway_escape();
}

/// Runs `work.run()`; false when that panicked, or when the module has stopped.
fn guarded(work: anytype) bool {
    if (stopped.load(.monotonic)) return false;
    const Work = @TypeOf(work.*);
    const body = struct {
        fn run(argument: Pointer) callconv(.c) void {
            @as(*Work, @ptrCast(@alignCast(argument))).run();
        }
    };
    if (laneway_guarded(body.run, work)) return true;
    table_module.abandon();
    return false;
}

export fn envoy_dynamic_module_on_program_init() ?[*:0]const u8 {
    return envoy.abi_version;
}

export fn envoy_dynamic_module_on_early_header_mutation_config_new(_: Pointer, name: envoy.Buffer, json: envoy.Buffer) Pointer {
    return configured(name, json);
}

export fn envoy_dynamic_module_on_early_header_mutation_config_destroy(pointer: Pointer) void {
    if (pointer) |given| std.heap.c_allocator.destroy(@as(*Extension, @ptrCast(@alignCast(given))));
}

/// True lets Envoy call the mutations after this one.
export fn envoy_dynamic_module_on_early_header_mutation_mutate(pointer: Pointer, context: Pointer) bool {
    var work: struct {
        extension: *const Extension,
        source: envoy.Arriving,

        fn run(self: *@This()) void {
            const request: Request(envoy.Arriving) = .{ .source = self.source, .inside = &self.extension.group.inside };
            hop.rewrite(request, &self.extension.c);
        }
    } = .{ .extension = @ptrCast(@alignCast(pointer)), .source = .{ .context = context } };
    _ = guarded(&work);
    return true;
}

const Logger = struct {
    extension: *Extension,
    /// Envoy's, by which counters are reached.
    configuration: Pointer,
    counters: std.EnumArray(hop.Counter, envoy.Counter),
    calls: std.EnumArray(hop.Call, envoy.Counter),

    fn flush(logger: *const Logger) void {
        for (std.enums.values(hop.Counter)) |counter| {
            const number = pending.getPtr(counter);
            if (number.load(.monotonic) == 0) continue;
            logger.counters.get(counter).add(logger.configuration, number.swap(0, .monotonic));
        }
    }
};

export fn envoy_dynamic_module_on_access_logger_config_new(configuration: Pointer, name: envoy.Buffer, json: envoy.Buffer) Pointer {
    const extension = configured(name, json) orelse return null;
    const logger = std.heap.c_allocator.create(Logger) catch {
        std.heap.c_allocator.destroy(extension);
        return null;
    };
    logger.* = .{ .extension = extension, .configuration = configuration, .counters = undefined, .calls = undefined };
    for (std.enums.values(hop.Counter)) |counter|
        logger.counters.set(counter, .define(configuration, hop.statistic(counter)));
    for (std.enums.values(hop.Call)) |call| {
        var text: [512]u8 = undefined;
        const statistic = std.fmt.bufPrint(&text, "laneway_calls.{s}.{s}", .{ extension.group.name, @tagName(call) });
        logger.calls.set(call, .define(configuration, statistic catch "laneway_calls"));
    }
    return logger;
}

export fn envoy_dynamic_module_on_access_logger_config_destroy(pointer: Pointer) void {
    const logger: *Logger = @ptrCast(@alignCast(pointer orelse return));
    std.heap.c_allocator.destroy(logger.extension);
    std.heap.c_allocator.destroy(logger);
}

/// One for each worker; all are the configuration.
export fn envoy_dynamic_module_on_access_logger_new(pointer: Pointer, _: Pointer) Pointer {
    return pointer;
}

export fn envoy_dynamic_module_on_access_logger_destroy(_: Pointer) void {}

export fn envoy_dynamic_module_on_access_logger_log(context: Pointer, pointer: Pointer, kind: c_int) void {
    if (kind != envoy.downstream_end) return;
    const logger: *const Logger = @ptrCast(@alignCast(pointer));
    const inside = &logger.extension.group.inside;
    if (logger.extension.c.direction == .outbound and !inside.areAllOfLanes()) return;
    var work: struct {
        logger: *const Logger,
        source: envoy.Ended,

        fn run(self: *@This()) void {
            const extension = self.logger.extension;
            const request: Request(envoy.Ended) = .{
                .source = self.source,
                .inside = &extension.group.inside,
                .logger = self.logger,
            };
            hop.finish(request, &extension.c);
            if (extension.c.direction == .inbound) self.logger.flush();
        }
    } = .{ .logger = logger, .source = .{ .context = context } };
    _ = guarded(&work);
}

/// A configuration, which is the same for both kinds of extension; null when it is refused.
fn configured(name: envoy.Buffer, json: envoy.Buffer) ?*Extension {
    var work: struct {
        name: []const u8,
        json: []const u8,
        made: ?*Extension = null,

        fn run(self: *@This()) void {
            const parsed = config.parse(self.json) catch |err| return envoy.logError(config.explain(err));
            if (table == null) table = Table.open(inherited(), &stopped);
            if (table == null) return envoy.logError("there is no memory for the trace memory's table");
            const group = Group.of(self.name) orelse return;
            const made = std.heap.c_allocator.create(Extension) catch return;
            made.* = .{ .c = parsed, .group = group };
            self.made = made;
        }
    } = .{ .name = name.bytes(), .json = json.bytes() };
    _ = guarded(&work);
    return work.made;
}

fn inherited() ?std.posix.fd_t {
    const text = std.c.getenv(descriptor_variable) orelse return null;
    return std.fmt.parseInt(std.posix.fd_t, std.mem.span(text), 10) catch null;
}

/// Memory of this thread, void at the next call. Null when there is none to be had.
fn threadBuffer() ?*[joined_limit]u8 {
    if (joined_values == null) joined_values = std.heap.c_allocator.create([joined_limit]u8) catch return null;
    return joined_values;
}

/// One request as `hop.zig` sees it.
fn Request(comptime Source: type) type {
    return struct {
        source: Source,
        inside: *Inside,
        /// At the end of a request.
        logger: ?*const Logger = null,
        comptime follows_requests: bool = true,

        const Self = @This();

        pub fn header(request: Self, name: []const u8) ?[]const u8 {
            const value = request.source.value(name, 0) orelse return null;
            if (panics_at) |text| if (std.mem.eql(u8, text, value.text)) @panic("as the test asks for");
            return if (value.text.len > 0) value.text else null;
        }

        pub fn joined(request: Self, name: *const config.Name) ?[]const u8 {
            const first = request.source.value(name.text(), 0) orelse return null;
            if (first.count > 1) return request.join(name.text(), first.count);
            return if (first.text.len > 0) first.text else null;
        }

        /// `value` may be a part of the header's own, which Envoy overwrites.
        pub fn replaceHeader(request: Self, name: []const u8, value: []const u8) void {
            const copy = threadBuffer() orelse return;
            if (value.len > copy.len) return;
            @memmove(copy[0..value.len], value);
            request.source.set(name, copy[0..value.len]);
        }

        pub fn removeHeader(request: Self, name: []const u8) void {
            request.source.remove(name);
        }

        pub fn key(_: Self) *const memory.Key {
            return table.?.key();
        }

        pub fn monotonic(_: Self) u64 {
            return system.monotonic();
        }

        pub fn wallClock(_: Self) u64 {
            return system.wallClock();
        }

        pub fn random(_: Self, out: []u8) bool {
            return system.random(out);
        }

        /// The end of the request is seen.
        pub fn remembered(_: Self, _: *const memory.Id, _: *const config.Trace, _: u64) void {}

        pub fn entered(request: Self, of_lane: bool) void {
            request.inside.enter(of_lane);
        }

        /// What came without headers, such as a broken request, never entered. A request of a lane
        /// has one that names it; another search would be 0.2 % of a hop.
        pub fn left(request: Self, of_lane: bool) void {
            if (of_lane or request.source.value(":method", 0) != null) request.inside.leave(of_lane);
        }

        pub fn areAllOfLanes(request: Self) bool {
            return request.inside.areAllOfLanes();
        }

        pub fn cluster(request: Self) ?[]const u8 {
            return request.source.cluster();
        }

        pub fn countCall(request: Self, call: hop.Call) void {
            const logger = request.logger orelse return;
            logger.calls.get(call).add(logger.configuration, 1);
        }

        pub fn count(_: Self, counter: hop.Counter) void {
            _ = pending.getPtr(counter).fetchAdd(1, .monotonic);
        }

        pub fn update(_: Self, set: u32, change: anytype) bool {
            return table.?.update(set, change);
        }

        /// Into memory of this thread, which is void at the next call.
        fn join(request: Self, name: []const u8, count_: usize) ?[]const u8 {
            const out = threadBuffer() orelse return null;
            var length: usize = 0;
            for (0..count_) |index| {
                const text = (request.source.value(name, index) orelse break).text;
                if (length + 1 + text.len > out.len) return null;
                if (index > 0) {
                    out[length] = ',';
                    length += 1;
                }
                @memcpy(out[length..][0..text.len], text);
                length += text.len;
            }
            return if (length > 0) out[0..length] else null;
        }
    };
}
