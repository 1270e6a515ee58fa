//! The native module with a defect: a trace id that makes it panic. For tests alone.

const native = @import("native.zig");

pub const panics_at = "panic now";
pub const panic = native.panic;

comptime {
    _ = native;
}
