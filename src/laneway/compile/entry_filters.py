"""The two Lua filters of a gateway that find a request's lane before it is routed.

``NAMES`` sets the route header to the lane that a request names in any way, or removes the header.
``ENTRY`` acts on routes that are made from ``enter`` rules: it sets the route header to the lane
that the route has chosen, and lets Envoy choose the route again.

The parts that change with lanes are in the routes, never in the listener. The script of ``NAMES``
is in the route configuration, with a table of all names. ``ENTRY`` has a fixed script, and reads
the route's *filter context* (Envoy copies it for each request, so it must be small).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from laneway.compile.ir import LaneNaming

NAMES = "laneway.lane_names"
ENTRY = "laneway.lane_entry"

#: Marks a request for which an ``enter`` rule has decided. Gateways remove it before they send the
#: request on.
ENTERED_HEADER = "x-laneway-entered"

Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table from a value in the request to a lane, for rules that differ in that value only.

    ``by`` is the place of the value: a ``header`` or ``query`` parameter with that ``name``, or the
    first ``length`` characters of the ``path`` (0 for all). The lane is written into the header
    ``result``, unless the request names another lane in ``header``.
    """

    result: str
    header: str
    by: str
    name: str
    length: int
    lanes: Mapping[str, str]


def entry_context(
    header: str, lane: str = "", result: str = "", lookups: Sequence[str] = ()
) -> Context:
    """The filter context of a route by which requests enter ``lane``, or the lane in the header
    ``result`` of a lookup, or no lane if both are empty. ``lookups`` are the headers with results
    for lanes of ``header``."""
    context: Context = {"header": header.lower()}
    if lane:
        context["lane"] = lane
    if result:
        context["result"] = result
    if lookups:
        context["lookups"] = [*lookups]
    return context


def names_script(namings: Iterable[LaneNaming], lookups: Iterable[Lookup] = ()) -> str:
    """The script for all routes of a gateway's port. Lanes are looked up by ``HEADER=VALUE``."""
    namings = list(namings)
    lanes = {
        f"{each.header}={value}": lane for each in namings for value, lane in each.lanes.items()
    }
    headers = [
        {
            "header": each.header,
            "others": each.others,
            "cookies": each.cookies,
            "query": each.query,
        }
        for each in namings
    ]
    tables = [
        {
            "result": each.result,
            "header": each.header,
            "by": each.by,
            "name": each.name,
            "length": each.length,
            "lanes": each.lanes,
        }
        for each in lookups
    ]
    data = {"LANES": lanes, "HEADERS": headers, "LOOKUPS": tables}
    return "".join(f"local {name} = {_lua(value)}\n" for name, value in data.items()) + _NAMES_CODE


def _lua(value: object) -> str:
    """A constant of Lua."""
    match value:
        case Mapping():
            return "{" + ",".join(f"[{_lua(k)}]={_lua(v)}" for k, v in sorted(value.items())) + "}"
        case str():
            escaped = re.sub(r'[^ -~]|["\\\\]', _escape, value)
            return f'"{escaped}"'
        case int():
            return str(value)
        case list() | tuple():
            return "{" + ",".join(map(_lua, value)) + "}"
    raise TypeError(f"no constant of Lua: {value!r}")


def _escape(found: re.Match[str]) -> str:
    return "".join(f"\\{byte:03}" for byte in found[0].encode())


_NAMES_CODE = f"""\

local function parameter(headers, name)
  local query = string.match(headers:get(":path") or "", "^[^?]*%?(.*)$") or ""
  for part in string.gmatch(query, "[^&]+") do
    local key, value = string.match(part, "^([^=]*)=?(.*)$")
    if key == name then return value end
  end
end

local function cookie(headers, name)
  for index = 0, headers:getNumValues("cookie") - 1 do
    for pair in string.gmatch(headers:getAtIndex("cookie", index), "[^;]+") do
      local key, value = string.match(pair, "^[ \\t]*(.-)[ \\t]*=[ \\t]*(.-)[ \\t]*$")
      if key == name then return string.match(value, '^"(.*)"$') or value end
    end
  end
end

local function named(headers, naming)
  local function lane_of(value)
    return value and LANES[naming.header .. "=" .. value]
  end
  local lane = lane_of(headers:get(naming.header))
  for _, name in ipairs(naming.others) do lane = lane or lane_of(headers:get(name)) end
  for _, name in ipairs(naming.cookies) do lane = lane or lane_of(cookie(headers, name)) end
  for _, name in ipairs(naming.query) do lane = lane or lane_of(parameter(headers, name)) end
  return lane
end

local function by_header(headers, lookup, lane)
  local least
  for index = 0, headers:getNumValues(lookup.name) - 1 do
    local value = headers:getAtIndex(lookup.name, index)
    local found = lookup.lanes[value]
    if found and found == lane then return found end
    if found and (not least or value < least) then least = value end
  end
  return least and lookup.lanes[least]
end

local function found(headers, lookup, lane)
  if lookup.by == "header" then return by_header(headers, lookup, lane) end
  if lookup.by == "query" then return lookup.lanes[parameter(headers, lookup.name) or ""] end
  local path = string.match(headers:get(":path") or "", "^[^?]*")
  if lookup.length > 0 then path = string.sub(path, 1, lookup.length) end
  return lookup.lanes[path]
end

function envoy_on_request(request)
  local headers = request:headers()
  local changed = headers:get("{ENTERED_HEADER}") ~= nil
  headers:remove("{ENTERED_HEADER}")
  for _, naming in ipairs(HEADERS) do
    local lane = named(headers, naming)
    if lane ~= headers:get(naming.header) then
      changed = true
      headers:remove(naming.header)
      if lane then headers:add(naming.header, lane) end
    end
  end
  for _, lookup in ipairs(LOOKUPS) do
    local lane = headers:get(lookup.header)
    local result = found(headers, lookup, lane)
    if result and (not lane or lane == result) then
      changed = true
      headers:add(lookup.result, result)
    end
  end
  if changed then request:clearRouteCache() end
end
"""

ENTRY_SCRIPT = f"""\
function envoy_on_request(request)
  local headers, context = request:headers(), request:filterContext()
  local header, lane = context:get("header"), context:get("lane")
  if not header then return end
  if context:get("result") then lane = headers:get(context:get("result")) end
  if lane then
    headers:remove(header)
    headers:add(header, lane)
    for _, result in ipairs(context:get("lookups") or {{}}) do
      if headers:get(result) ~= lane then headers:remove(result) end
    end
  end
  headers:add("{ENTERED_HEADER}", "1")
  request:clearRouteCache()
end
"""

#: For requests whose route has no script of its own.
NO_SCRIPT = "function envoy_on_request(request) end\n"
