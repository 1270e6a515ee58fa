"""Scopes: from the host that an application calls to the routes of that service.

With one route configuration for all services, Envoy would rebuild all tables whenever one service
changes. Hence each service has its own, and scoped routes (SRDS) select it by the value of a header
that the proxy itself sets to the called host.

Envoy has no scope for "any other host". So a filter handles requests whose host has no scope; known
hosts switch it off. It tries the host in lower case (scopes are case-sensitive, hosts are not) and
then selects the scope for hosts outside the mesh. A web page can send a request whose target is a
path (``GET /``), but not one whose target is a URL, or CONNECT, as clients of a proxy do. Therefore
only the latter may leave the mesh.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from envoy.config.common.mutation_rules.v3 import mutation_rules_pb2
from envoy.config.core.v3 import base_pb2, extension_pb2
from envoy.config.route.v3 import scoped_route_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import header_mutation_pb2

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.protobuf import ads, extension, packed, resource
from laneway.compile.resources import SCOPE, Resource
from laneway.model.services import Service

#: The name of the filter that known hosts switch off.
UNKNOWN_HOST = "laneway.unknown_host"

#: Between the scheme and the host in the header. No host has it: Envoy refuses slashes there.
_SEPARATOR = "://"

# The name of the route is empty until Envoy has looked for a route, which ``metadata`` triggers.
_LUA = f"""\
local function refuse(request, status, reason)
  request:respond({{[":status"] = status}}, "laneway: " .. reason .. "\\n")
end

function envoy_on_request(request)
  local headers = request:headers()
  local host = headers:get(":authority") or ""
  local scheme = string.match(headers:get("{names.HOST_HEADER}"), "^[^:]*")
  local folded = string.lower(host)
  if folded ~= host then
    headers:replace("{names.HOST_HEADER}", "{_SEPARATOR}" .. folded)
    request:clearRouteCache()
    request:metadata()
    if request:streamInfo():routeName() ~= "" then return end
  end
  if string.find(host, "[^%w%.%-_:%[%]]") then
    refuse(request, "400", host .. " is neither the name of a host nor an address")
    return
  end
  if headers:get(":method") ~= "CONNECT" and scheme == "" then
    refuse(request, "421", host .. " is no service of the mesh; other hosts are called as clients "
      .. "of a proxy do it: GET http://HOST/, or CONNECT")
    return
  end
  headers:replace("{names.HOST_HEADER}", "{_SEPARATOR}{names.ANY_HOST}")
  request:clearRouteCache()
end
"""


def use_scopes(manager: hcm_pb2.HttpConnectionManager, host: str | None = None) -> None:
    """Makes ``manager``, which has its other filters already, route by scopes.

    With a ``host``, all requests go to that service, whatever host they name.
    """
    scoped = manager.scoped_routes
    scoped.name = names.SCOPES
    fragment = scoped.scope_key_builder.fragments.add()
    fragment.header_value_extractor.name = names.HOST_HEADER
    fragment.header_value_extractor.element_separator = _SEPARATOR
    fragment.header_value_extractor.index = 1
    # Without its scopes, a sidecar would treat services as hosts outside the mesh.
    scoped.rds_config_source.CopyFrom(ads(wait=0))
    scoped.scoped_rds.scoped_rds_config_source.CopyFrom(ads(wait=0))
    manager.early_header_mutation_extensions.append(_host_header(host))
    manager.http_filters.insert(0, _unknown_host())
    if host is not None:
        manager.http_filters.insert(0, _named_host(host))


def service_scopes(service: Service) -> Iterable[Resource]:
    """The hosts that workloads in all namespaces may use."""
    name, home = service.name.name, service.name.namespace
    for host in (f"{name}.{home}", f"{name}.{home}.svc", service.host):
        yield from _scopes(service, host)


def home_scopes(service: Service) -> Iterable[Resource]:
    """The hosts that workloads in the service's namespace may use (Kubernetes' DNS search path)."""
    return _scopes(service, service.name.name)


def passthrough_scope() -> Resource:
    return _scope(names.PASSTHROUGH_ROUTES, names.ANY_HOST, names.PASSTHROUGH_ROUTES)


def _scopes(service: Service, host: str) -> Iterable[Resource]:
    for port in service.ports:
        routes = names.service_routes(service.host, port.port)
        yield _scope(f"{host}:{port.port}", f"{host}:{port.port}", routes)
        if port.port == 80:
            yield _scope(host, host, routes)


def _scope(name: str, host: str, routes: str) -> Resource:
    scope = scoped_route_pb2.ScopedRouteConfiguration(name=name, route_configuration_name=routes)
    scope.key.fragments.add(string_key=host)
    return resource(SCOPE, name, scope)


@cache
def _host_header(host: str | None) -> extension_pb2.TypedExtensionConfig:
    """Sets the header for the request's host, or for ``host`` as if a client of a proxy sent it.

    One header has both, since each change of a header costs a request 0.2 % of a hop.
    """
    authority = host or "%REQ(:AUTHORITY)%"
    scheme = "http" if host else "%REQ(:SCHEME)%"
    called = visibility.header(names.HOST_HEADER, f"{scheme}{_SEPARATOR}{authority}")
    mutation = mutation_rules_pb2.HeaderMutation(append=called)
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        header_mutation_pb2.HeaderMutation(mutations=[mutation]),
    )


@cache
def _named_host(host: str) -> hcm_pb2.HttpFilter:
    """Sets the host to the service's name, so that the application sees no loopback address.

    Refuses CONNECT: inside a tunnel to the outbound listener, a client could name any host.
    """
    code = f"""\
function envoy_on_request(request)
  if request:headers():get(":method") == "CONNECT" then
    local reason = "laneway: this port leads to {host}, and is no proxy\\n"
    request:respond({{[":status"] = "405"}}, reason)
    return
  end
  request:headers():replace(":authority", "{host}")
end
"""
    source = base_pb2.DataSource(inline_string=code)
    return hcm_pb2.HttpFilter(
        name="laneway.named_host", typed_config=packed(lua_pb2.Lua(default_source_code=source))
    )


@cache
def _unknown_host() -> hcm_pb2.HttpFilter:
    source = base_pb2.DataSource(inline_string=_LUA)
    return hcm_pb2.HttpFilter(
        name=UNKNOWN_HOST, typed_config=packed(lua_pb2.Lua(default_source_code=source))
    )
