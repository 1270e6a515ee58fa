"""An application as users have them: it answers with what it was given, and with what it called.

Arguments: its name, and the URLs that it calls in turn, without any proxy where ``direct`` is in
the environment. It listens on ``$PORT``, or on ``$OWN_PORT`` as one that chooses its port itself.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import ProxyHandler, Request, build_opener

NAME, *CALLS = sys.argv[1:]
OPENER = build_opener(*([ProxyHandler({})] if "direct" in os.environ else []))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        told = {
            "name": NAME,
            "host": self.headers.get("host", ""),
            "greeting": os.environ.get("GREETING", ""),
            "called": [self.call(url) for url in CALLS],
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def call(self, url: str) -> object:
        passed_on = {"x-request-id": self.headers.get("x-request-id", "")}
        with OPENER.open(Request(url, headers=passed_on), timeout=10) as answer:
            return json.loads(answer.read())

    def log_message(self, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    port = int(os.environ.get("OWN_PORT") or os.environ["PORT"])
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
