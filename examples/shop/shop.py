"""A shop of three services, with nothing but Python's standard library: web -> cart -> stock.

Each process is one of them. It shows all that laneway asks of an application: listen on
127.0.0.1:$PORT, call others by their service's name through $http_proxy (urllib does so by
itself), and pass the incoming x-request-id on with each call.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

NAME, VERSION, *CALLS = sys.argv[1:]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answers = [f"{NAME} {VERSION}"]
        if self.path != "/healthz":
            answers += [self.call(service) for service in CALLS]
        body = (" -> ".join(answers)).encode()
        self.send_response(200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def call(self, service: str) -> str:
        passed_on = {"x-request-id": self.headers.get("x-request-id", "")}
        with urlopen(Request(f"http://{service}/", headers=passed_on), timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def log_message(self, *arguments: object) -> None:
        """laneway keeps access logs (``--access-log``); the application need not."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
