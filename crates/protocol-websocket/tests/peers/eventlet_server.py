"""The Python package `eventlet` as an echo server with all versions that it supports.

    eventlet_server.py [SUBPROTOCOL...]

Prints its port on a line when it is ready. Echoes each message.
Exits when its standard input ends, and after two minutes at the latest.
"""

import os
import pathlib
import sys
import threading

PEERS = os.environ.get("PEERS") or pathlib.Path(__file__).resolve().parents[4] / "target" / "peers"
sys.path.insert(0, str(pathlib.Path(PEERS) / "python"))

import eventlet  # noqa: E402
from eventlet import websocket, wsgi  # noqa: E402


def main(subprotocols):
    @websocket.WebSocketWSGI.configured(supported_protocols=subprotocols, support_legacy_versions=True)
    def handle(socket):
        while (message := socket.wait()) is not None:
            socket.send(message)

    listener = eventlet.listen(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    threading.Timer(120, os._exit, [1]).start()
    wsgi.server(listener, handle, log_output=False)


def end_with_input():
    while os.read(0, 65536):
        pass
    os._exit(0)


main(sys.argv[1:])
