"""The Python package `websockets` as a client that compresses, of an echo server.

    python3 deflate_client.py URL WISHES ANSWER

WISHES are the parameters of permessage-deflate that it offers, ANSWER is what the server has to say to that. Stops with
status 1 at the first check that did not pass.
"""

import os
import pathlib
import random
import sys
import threading

sys.path.insert(0, os.environ.get("PEERS", str(pathlib.Path(__file__).parents[4] / "target/peers")) + "/python")

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

LINE = "as much again, and as much again, "


def main(url, wishes, answer):
    threading.Timer(120, os._exit, [1]).start()
    extension = ClientPerMessageDeflateFactory(**parameters(wishes))
    with connect(url, compression=None, extensions=[extension], max_size=None) as socket:
        check("answer", socket.response.headers["Sec-WebSocket-Extensions"], answer)
        noise = random.Random(7).randbytes(100_000)
        for message in ["Hello", "Hello", "", b"", LINE * 3000, LINE * 3000, noise, "é" * 500_000, "Hello"]:
            socket.send(message)
            check(f"echo of {message[:20]!r}", socket.recv(), message)
        socket.send(iter([LINE, "", LINE * 100, "end"]))
        check("fragments", socket.recv(), LINE + LINE * 100 + "end")
    os._exit(0)


def parameters(wishes):
    pairs = (wish.strip().partition("=") for wish in wishes.split(";") if wish.strip())
    return {name: int(value) if value else True for name, _, value in pairs}


def check(name, found, wanted):
    if found != wanted:
        print(f"FAILED {name}: found {found!r:.200}, wanted {wanted!r:.200}", file=sys.stderr)
        os._exit(1)
    print(f"ok {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
