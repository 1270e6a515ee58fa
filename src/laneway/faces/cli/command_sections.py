"""The sections in which ``laneway --help`` lists the commands, the first steps first."""

from __future__ import annotations

SECTIONS = {
    "Run a mesh": ("demo", "init", "up", "serve"),
    "Check and convert files": ("validate", "analyze", "explain", "render", "convert", "schema"),
    "Objects of a running mesh": ("get", "describe", "apply", "diff", "edit", "delete", "wait"),
    "Lanes and their traffic": ("lane", "promote", "verify", "top", "tap"),
    "Workloads and proxies": (
        "ps",
        "logs",
        "restart",
        "stop",
        "start",
        "exec",
        "env",
        "proxy-status",
        "proxy-config",
    ),
    "History and store": ("history", "rollback", "store"),
    "Access": ("console", "token", "kubeconfig"),
    "laneway itself": ("completion", "version"),
}
