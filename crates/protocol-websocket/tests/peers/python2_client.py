# coding: utf-8
"""Two packages of Python 2 as clients of an echo server, each with the newest version of its time.

    python2_client.py URL SUBPROTOCOL VERSION

Prints a line for each successful check, and exits with status 1 at the first failure.
VERSION is 00 (`websocket-client` 0.4.1) or 75 (`amitu-websocket-client`).
"""

import os
import signal
import site
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.environ.get("PEERS") or os.path.join(HERE, "../../../../target/peers")
site.addsitedir(os.path.join(PEERS, "python2"))

import websocket  # noqa: E402
from amitu import websocket_client  # noqa: E402

TEXTS = [u"Hello", u"Größe κόσμε 世界 🦀", u"", u"a" * 126, u"é" * 32768] + [u"%d" % n for n in range(100)]


def main(url, subprotocol, version):
    signal.alarm(120)
    {"00": hybi_00, "75": hixie_75}[version](url, subprotocol)


def hybi_00(url, subprotocol):
    client = Hybi00()
    client.connect(url, header=["Sec-WebSocket-Protocol: " + subprotocol])
    check("the subprotocol", client.answer.get("sec-websocket-protocol"), subprotocol)
    for text in TEXTS:
        client.send(text)
        check("text of %d characters" % len(text), client.recv(), text.encode("utf-8"))
    for text in TEXTS:
        client.send(text)
    for text in TEXTS:
        check("text of %d characters, at once" % len(text), client.recv(), text.encode("utf-8"))
    client.sock.sendall("\xff\x00")
    check("the close is answered", client.recv(), None)


class Hybi00(websocket.WebSocket):
    def _validate_header(self, headers):
        self.answer = headers
        return websocket.WebSocket._validate_header(self, headers)


def hixie_75(url, subprotocol):
    client = Hixie75(url, protocol=subprotocol)
    client.run()
    check("all messages were echoed", client.remaining, [])


class Hixie75(websocket_client.WebSocket):
    remaining = list(TEXTS)

    def onopen(self):
        self.send(self.remaining[0])

    def onmessage(self, message):
        text = self.remaining.pop(0)
        check("text of %d characters" % len(text), message, text.encode("utf-8"))
        if self.remaining:
            self.send(self.remaining[0])
        else:
            self.sock.shutdown(socket.SHUT_WR)


def check(name, found, wanted):
    if found != wanted:
        sys.exit("FAILED %s: found %.200r, wanted %.200r" % (name, found, wanted))
    print("ok " + name)


main(*sys.argv[1:])
