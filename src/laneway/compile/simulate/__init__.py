"""The simulator: reads the IR and says where one request would go, and why."""

from laneway.compile.simulate.applications import Applications, Call, infer
from laneway.compile.simulate.outcomes import Failure, Hop, Outcome, Reason, Request, Why
from laneway.compile.simulate.paths import simulate

__all__ = [
    "Applications",
    "Call",
    "Failure",
    "Hop",
    "Outcome",
    "Reason",
    "Request",
    "Why",
    "infer",
    "simulate",
]
