"""Files of an application that is edited while it runs, saved as editors save them."""

from __future__ import annotations

import os
from pathlib import Path

#: An application whose answer stands in another file.
WATCHED = """\
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from content.text import TEXT

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT.encode())

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def save_as_editors_do(folder: Path, text: str) -> None:
    """Beside, and renamed over; a backup; many other files at once."""
    (folder / "4913").write_text("")
    (folder / "4913").unlink()
    (folder / ".text.py.swp").write_text("x")
    file = folder / "text.py"
    file.with_suffix(".new").write_text(f"TEXT = '{text}'\n")
    os.replace(file, folder / "text.py~")
    os.replace(file.with_suffix(".new"), file)
    for number in range(50):
        (folder / f"module{number}.py").write_text(f"# {text}")
