"""Which workloads stand behind a service or a lane's subset: the model's own answer."""

from laneway.model.selection import Selection

__all__ = ["Selection"]
