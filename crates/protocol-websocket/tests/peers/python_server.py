"""The Python package `websockets` as an echo server.

    python_server.py [SUBPROTOCOL...]

Prints its port on a line when it is ready. Echoes each message, except these texts:

    close CODE REASON    closes the connection with CODE and REASON; without CODE, with 1000
    ping PAYLOAD         sends a ping; after the pong, sends the text `pong PAYLOAD`
    fragments A B ...    sends the words as one text message, with one word in each fragment

Exits when its standard input ends, and after two minutes at the latest.
"""

import os
import pathlib
import sys
import threading

PEERS = os.environ.get("PEERS") or pathlib.Path(__file__).resolve().parents[4] / "target" / "peers"
sys.path.insert(0, str(pathlib.Path(PEERS) / "python"))

from websockets.exceptions import ConnectionClosed  # noqa: E402
from websockets.sync.server import serve  # noqa: E402


def main(subprotocols):
    def select(_connection, offered):
        return next((name for name in subprotocols if name in offered), None)

    def handle(socket):
        try:
            for message in socket:
                answer(socket, message)
        except ConnectionClosed:
            pass

    with serve(handle, "127.0.0.1", 0, subprotocols=subprotocols, select_subprotocol=select, max_size=None, ping_interval=None) as server:
        print(server.socket.getsockname()[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        threading.Timer(120, os._exit, [1]).start()
        sys.stdin.read()
        os._exit(0)


def answer(socket, message):
    command, _, rest = message.partition(" ") if isinstance(message, str) else ("", "", "")
    if command == "close":
        code, _, reason = rest.partition(" ")
        socket.close(int(code or 1000), reason)
    elif command == "ping":
        socket.ping(rest).wait(60)
        socket.send(f"pong {rest}")
    elif command == "fragments":
        socket.send(iter(rest.split()))
    else:
        socket.send(message)


if __name__ == "__main__":
    main(sys.argv[1:])
