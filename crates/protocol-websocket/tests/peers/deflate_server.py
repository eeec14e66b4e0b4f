"""The Python package `websockets` as an echo server with compression.

    python3 deflate_server.py PARAMETERS

PARAMETERS are those of permessage-deflate. Prints its port on a line when it is ready. Exits when its standard
input ends, and after two minutes at the latest.
"""

import os
import pathlib
import sys
import threading

sys.path.insert(0, os.environ.get("PEERS", str(pathlib.Path(__file__).parents[4] / "target/peers")) + "/python")

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory  # noqa: E402
from websockets.sync.server import serve  # noqa: E402


def main(values):
    pairs = (item.strip().partition("=") for item in values.split(";") if item.strip())
    extension = ServerPerMessageDeflateFactory(**{name: int(value) if value else True for name, _, value in pairs})
    with serve(echo, "127.0.0.1", 0, compression=None, extensions=[extension], max_size=None, ping_interval=None) as server:
        print(server.socket.getsockname()[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        threading.Timer(120, os._exit, [1]).start()
        sys.stdin.read()
        os._exit(0)


def echo(socket):
    for message in socket:
        socket.send(message)


if __name__ == "__main__":
    main(*sys.argv[1:])
