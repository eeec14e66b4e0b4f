"""The Python package `websockets` as a client of an echo server, with compression.

    python3 deflate_client.py URL OFFERED ACCEPTED

OFFERED are the parameters of permessage-deflate in the offer. The server must respond with the extension ACCEPTED. Exits
with status 1 at the first failed check.
"""

import os
import pathlib
import random
import sys
import threading

sys.path.insert(0, os.environ.get("PEERS", str(pathlib.Path(__file__).parents[4] / "target/peers")) + "/python")

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

LINE = "repeated text, repeated text, and so on, "


def main(url, offered, accepted):
    threading.Timer(120, os._exit, [1]).start()
    extension = ClientPerMessageDeflateFactory(**parameters(offered))
    with connect(url, compression=None, extensions=[extension], max_size=None) as socket:
        check("accepted", socket.response.headers["Sec-WebSocket-Extensions"], accepted)
        noise = random.Random(7).randbytes(100_000)
        for message in ["Hello", "Hello", "", b"", LINE * 3000, LINE * 3000, noise, "é" * 500_000, "Hello"]:
            socket.send(message)
            check(f"echo of {message[:20]!r}", socket.recv(), message)
        socket.send(iter([LINE, "", LINE * 100, "end"]))
        check("fragments", socket.recv(), LINE + LINE * 100 + "end")
    os._exit(0)


def parameters(offered):
    pairs = (item.strip().partition("=") for item in offered.split(";") if item.strip())
    return {name: int(value) if value else True for name, _, value in pairs}


def check(name, found, wanted):
    if found != wanted:
        print(f"FAILED {name}: found {found!r:.200}, wanted {wanted!r:.200}", file=sys.stderr)
        os._exit(1)
    print(f"ok {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
