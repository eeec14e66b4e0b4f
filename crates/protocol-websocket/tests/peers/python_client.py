"""The Python package `websockets` as a client of an echo server.

    python_client.py URL [SUBPROTOCOL]

Prints a line for each successful check, and exits with status 1 at the first failure.
SUBPROTOCOL (default: chat) is supported by the server.
"""

import os
import pathlib
import sys

PEERS = os.environ.get("PEERS") or pathlib.Path(__file__).resolve().parents[4] / "target" / "peers"
sys.path.insert(0, str(pathlib.Path(PEERS) / "python"))

from websockets.sync.client import connect  # noqa: E402

MIB = 1 << 20
SECONDS = 60


def main(url, subprotocol="chat"):
    with open_(url) as socket:
        check("no subprotocol unless asked", socket.subprotocol, None)

        echo(socket, "text", "Hello")
        echo(socket, "non-ASCII text", "Größe κόσμε 世界 🦀 \u0000 end")
        echo(socket, "empty text", "")
        echo(socket, "empty binary", b"")
        for length in (125, 126, 65535, 65536):
            echo(socket, f"binary of {length} bytes", pattern(length))
        echo(socket, "1 MiB of binary", pattern(MIB))
        echo(socket, "1 MiB of text", "é" * (MIB // 2))

        socket.send(["Grö", "", "ße", " 🦀"])
        check("text in fragments", receive(socket), "Größe 🦀")
        socket.send([pattern(70000), b"", pattern(3)])
        check("binary in fragments", receive(socket), pattern(70000) + pattern(3))

        for name, payload in (("empty", b""), ("125 bytes", pattern(125))):
            check(f"ping answered, {name}", socket.ping(payload).wait(SECONDS), True)

    with open_(url, subprotocols=["no-such", subprotocol]) as socket:
        check("subprotocol chosen", socket.subprotocol, subprotocol)
    with open_(url, subprotocols=["no-such"]) as socket:
        check("no subprotocol in common", socket.subprotocol, None)

    for code, reason in ((1000, ""), (1000, "done"), (1001, "going away"), (3000, "Größe"), (4999, "r" * 123)):
        with open_(url) as socket:
            socket.close(code, reason)
        received = socket.protocol.close_rcvd
        check(f"close {code} answered", received and (received.code, received.reason), (code, reason))
        check(f"close {code} begun by us", socket.protocol.close_rcvd_then_sent, False)


def open_(url, **options):
    return connect(url, max_size=None, open_timeout=SECONDS, close_timeout=SECONDS, **options)


def echo(socket, name, message):
    socket.send(message)
    check(name, receive(socket), message)


def receive(socket):
    return socket.recv(timeout=SECONDS)


def pattern(length):
    return bytes((i * 31 + (i >> 8)) & 0xFF for i in range(length))


def check(name, found, wanted):
    if found != wanted or type(found) is not type(wanted):
        sys.exit(f"FAILED {name}: found {found!r:.200}, wanted {wanted!r:.200}")
    print(f"ok {name}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
