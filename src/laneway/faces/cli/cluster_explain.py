"""``laneway explain`` in a cluster: its objects are read, and the simulator runs here.

Lanes' statuses say of which services pods are ready. The answer's first line names the cluster, and
says what is not known.
"""

from __future__ import annotations

from collections.abc import Collection

from rich.text import Text

from laneway.faces.cli.cluster_objects import cluster_objects, warn_of
from laneway.faces.cli.explain import Question, answered, print_report
from laneway.faces.cli.explanations import CALLS_OPTION, print_outcome
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import errors, output
from laneway.model.names import ObjectName
from laneway.model.suggestions import listing
from laneway.wiring.cluster_meshes import ClusterMesh, cluster_mesh
from laneway.wiring.lane_expiry import utc_now


def explain_in_cluster(server: Server, question: Question, *, as_json: bool) -> int:
    """Raises ``ServerError``."""
    found = cluster_mesh(cluster_objects(server), utc_now())
    warn_of(found.errors)
    mesh = found.mesh
    request, outcome = answered(question, mesh, found.inactive, found.unready)
    state = f" the cluster of {server}: {_state(found)}"
    first = Text.assemble(("live:", "bold green"), state)
    (errors() if as_json else output()).print(first, soft_wrap=True)
    if as_json:
        print_report(request, outcome)
        return 0
    several = {each.name for each in mesh.services if len(each.ports) > 1}
    print_outcome(request, outcome, several, calls=f"with {CALLS_OPTION}")
    return 0


def _state(found: ClusterMesh) -> str:
    parts = []
    if found.unready:
        parts.append(f"no pod is ready of {_names(found.unready)}")
    if found.unknown:
        which = f"of {_names(found.unknown)} " if found.unready else ""
        parts.append(f"how many pods {which}are ready is not known, so they count as ready")
    return "; ".join(parts) or "all lanes have ready pods"


def _names(workloads: Collection[ObjectName]) -> str:
    return listing([each.short for each in sorted(workloads)])
