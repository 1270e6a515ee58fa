"""The two Lua filters of a gateway that find a request's lane before it is routed.

``NAMES`` writes the lane that a request names, by whatever value and wherever, into the route
header; where it names none, it removes the header. ``ENTRY`` does what the route says that an
``enter`` rule has become: it writes the lane that the route has chosen, and the request is routed
again. The scripts never change, so that lanes come and go without touching listeners. All they
know comes from the routes, as their *filter context*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from laneway.compile.ir import LaneNaming

NAMES = "laneway.lane_names"
ENTRY = "laneway.lane_entry"

#: Marks a request of which an ``enter`` rule has decided. Gateways remove it before they pass the
#: request on.
ENTERED_HEADER = "x-laneway-entered"

Context = dict[str, Any]


def names_context(namings: Iterable[LaneNaming]) -> Context:
    """For all routes of a gateway. A lane is looked up by ``HEADER=VALUE``."""
    context: Context = {"headers": []}
    for each in namings:
        named = {"header": each.header, "others": [*each.others]}
        context["headers"].append(
            {**named, "cookies": [*each.cookies], "query": [*each.query]},
        )
        context |= {f"{each.header}={value}": lane for value, lane in each.lanes.items()}
    return context


def entry_context(header: str, lane: str) -> Context:
    """For a route by which requests enter ``lane``; none, if it is empty."""
    return {"header": header.lower(), **({"lane": lane} if lane else {})}


def lookup_context(
    header: str, by: str, name: str, lanes: Mapping[str, str], length: int = 0
) -> Context:
    """For a route of several rules. ``by``: ``header``, ``query`` or ``path``, of which the value,
    or the first ``length`` characters, say the lane."""
    found = {f"={value}": lane for value, lane in lanes.items()}
    return {"header": header.lower(), "by": by, "name": name, "length": length, **found}


_PARAMETER = """\
local function parameter(headers, name)
  local query = string.match(headers:get(":path") or "", "^[^?]*%?(.*)$") or ""
  for part in string.gmatch(query, "[^&]+") do
    local key, value = string.match(part, "^([^=]*)=?(.*)$")
    if key == name then return value end
  end
end
"""

NAMES_SCRIPT = f"""\
{_PARAMETER}
local function cookie(headers, name)
  for index = 0, headers:getNumValues("cookie") - 1 do
    for pair in string.gmatch(headers:getAtIndex("cookie", index), "[^;]+") do
      local key, value = string.match(pair, "^[ \\t]*(.-)[ \\t]*=[ \\t]*(.-)[ \\t]*$")
      if key == name then return string.match(value, '^"(.*)"$') or value end
    end
  end
end

local function named(headers, lanes, naming)
  local function lane_of(value)
    return value and lanes:get(naming.header .. "=" .. value)
  end
  local lane = lane_of(headers:get(naming.header))
  for _, name in ipairs(naming.others) do lane = lane or lane_of(headers:get(name)) end
  for _, name in ipairs(naming.cookies) do lane = lane or lane_of(cookie(headers, name)) end
  for _, name in ipairs(naming.query) do lane = lane or lane_of(parameter(headers, name)) end
  return lane
end

function envoy_on_request(request)
  local headers, lanes = request:headers(), request:filterContext()
  local changed = headers:get("{ENTERED_HEADER}") ~= nil
  headers:remove("{ENTERED_HEADER}")
  for _, naming in ipairs(lanes:get("headers") or {{}}) do
    local lane = named(headers, lanes, naming)
    if lane ~= headers:get(naming.header) then
      changed = true
      headers:remove(naming.header)
      if lane then headers:add(naming.header, lane) end
    end
  end
  if changed then request:clearRouteCache() end
end
"""

ENTRY_SCRIPT = f"""\
{_PARAMETER}
local function by_header(headers, context, name)
  local least
  for index = 0, headers:getNumValues(name) - 1 do
    local value = headers:getAtIndex(name, index)
    if context:get("=" .. value) and (not least or value < least) then least = value end
  end
  return least
end

local function lane_of(headers, context)
  local by, name, value = context:get("by"), context:get("name"), nil
  if by == nil then return context:get("lane") end
  if by == "header" then value = by_header(headers, context, name) end
  if by == "query" then value = parameter(headers, name) end
  if by == "path" then
    value = string.sub(string.match(headers:get(":path"), "^[^?]*"), 1, context:get("length"))
  end
  return value and context:get("=" .. value)
end

function envoy_on_request(request)
  local headers, context = request:headers(), request:filterContext()
  local header = context:get("header")
  if not header then return end
  local lane = lane_of(headers, context)
  if lane then
    headers:remove(header)
    headers:add(header, lane)
  end
  headers:add("{ENTERED_HEADER}", "1")
  request:clearRouteCache()
end
"""
