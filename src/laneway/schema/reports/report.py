"""What all reports have in common: they are written, with every field, and never read."""

from __future__ import annotations

from typing import Annotated, Any

from laneway.schema.field_metadata import Constraint
from laneway.schema.fields import Shape

Number = Annotated[int, Constraint("0 or more", "不小于 0", minimum=0)]


class Report(Shape):
    """A mapping of which laneway writes every field, null where there is no value."""

    def as_json(self) -> dict[str, Any]:
        """Plain data, as JSON has it."""
        return self.model_dump(by_alias=True, mode="json")
