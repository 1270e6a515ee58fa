"""Pictures of every page of the console, in both languages and both themes: `make screenshots`.

It serves the article's first scenario, changes a little so that there is something to see, keeps
requests running, and has `console/browser/screenshots.mjs` take the pictures with Chromium.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
LANEWAY = Path(sys.executable).with_name("laneway")
WALK = ROOT / "console/browser/screenshots.mjs"
ROUTE_HEADER, TRACE_HEADER = "x-asm-prefer-tag", "my-request-id"
LANES = ("s1", "s2", "s3")
#: Seconds between requests: few enough that the machine has time for the browser.
_BETWEEN = 0.1


def main(target: Path, pages: list[str]) -> None:
    """`pages` are names of `screenshots.mjs`; without any, all of them."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if node is None or chromium is None:
        raise SystemExit("screenshots need node and chromium (on Debian: apt install chromium)")
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="laneway-") as folder:
        data = Path(folder, "data")
        command = [str(LANEWAY), "serve", "--data-dir", str(data), "--console", "127.0.0.1:0"]
        command += ["--log-header", "x-user"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                link = _sign_in_link(server)
                url = _declare(Path(folder), data)
                threading.Thread(target=_call, args=(url,), daemon=True).start()
                subprocess.run([node, str(WALK), chromium, link, str(target), *pages], check=True)
            finally:
                server.terminate()
                server.stdout = None


def _sign_in_link(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.search(r"http://\S+/#/sign-in/\S+", line):
            return found[0]
    raise SystemExit("laneway serve did not start")


def _declare(folder: Path, data: Path) -> str:
    """The gateway's URL."""
    files = folder / "mesh"
    shutil.copytree(ROOT / "examples/scenario-1", files)
    lanes = files / "lanes.yaml"
    text = lanes.read_text().replace("80=18000", "80=0")
    more = "name: s2\nspec:\n  owner: jill\n  weight: 20\n"
    weighed = text.replace("name: s2\nspec:\n", more)
    for changed, message in ((text, "release 1.7"), (weighed, "20% of all requests try s2")):
        lanes.write_text(changed)
        apply: list[str | Path] = [LANEWAY, "apply", "--data-dir", data, "-f", files, "-m", message]
        subprocess.run(apply, check=True)
    listed = subprocess.run(
        [LANEWAY, "ps", "--data-dir", data], check=True, capture_output=True, text=True
    )
    found = re.search(r"ingressgateway\S* .*?(\d+)->80\b", listed.stdout)
    if found is None:
        raise SystemExit(f"laneway ps names no gateway: {listed.stdout}")
    return f"http://127.0.0.1:{found[1]}"


def _call(url: str) -> None:
    """Requests of all lanes, until the server ends."""
    for number, lane in enumerate(itertools.cycle(LANES)):
        headers = {ROUTE_HEADER: lane, TRACE_HEADER: f"x{number}", "x-user": "jill"}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{url}/mock", headers=headers)):
                pass
        except OSError:
            return
        time.sleep(_BETWEEN)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
