"""``laneway console``: a link by which a browser signs in to the console."""

from __future__ import annotations

from laneway.faces.cli.server_commands import Context, RunningData

_LINKS = "/apis/api.laneway.dev/v1alpha1/signinlinks"


def console(data: RunningData = None, context: Context = None) -> None:
    """Print a link that signs one browser in to the console, within ten minutes.

    Exit codes: 0 printed; 1 refused, or no laneway runs.

    Example: laneway console --data-dir data
    """
    from laneway.faces.cli.server_requests import find_server, request

    server = find_server(data.absolute() if data else None, context)
    print(request(server, "POST", _LINKS, {})["status"]["url"])
