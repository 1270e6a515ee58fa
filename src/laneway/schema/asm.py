"""ASM's ``istio.alibabacloud.com/v1`` ``ASMSwimLaneGroup`` and ``ASMSwimLane``.

Every field is known. One that laneway cannot honour yet is a warning that names it and says what
happens instead.
"""

from __future__ import annotations

from laneway.schema.asm_group import GROUP
from laneway.schema.asm_lane import LANE

__all__ = ["GROUP", "KINDS", "LANE"]

KINDS = (GROUP, LANE)
