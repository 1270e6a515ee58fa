//! For fuzzing alone: `hatch_build.py` compiles the filter. See `src/fuzz.zig`.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const tests = b.addTest(.{ .root_module = b.createModule(.{
        .root_source_file = b.path("src/fuzz.zig"),
        .target = b.standardTargetOptions(.{}),
        .optimize = .ReleaseSafe,
    }) });
    b.step("fuzz", "Fuzz the core").dependOn(&b.addRunArtifact(tests).step);
}
