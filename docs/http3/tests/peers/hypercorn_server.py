"""Hypercorn as an echo server over HTTP/3, with an ASGI application.

    hypercorn_server.py CERTIFICATE KEY

Prints its port on a line when it is ready. Ends when its standard input ends. What it does depends on the path:

    /       echoes messages, and selects the subprotocol `chat` if it is offered
    /close  closes with 4001 and `bye` when the first message arrives
    /403    refuses
    /404    refuses with a response of the application
"""

import asyncio
import os
import socket
import sys

import http3  # noqa: F401, because it finds the packages

from hypercorn.asyncio import serve
from hypercorn.config import Config


async def application(scope, receive, send):
    if scope["type"] != "websocket":
        raise ValueError(scope["type"])
    assert scope["http_version"] == "3", scope
    assert (await receive())["type"] == "websocket.connect"
    if scope["path"] == "/403":
        return await send({"type": "websocket.close"})
    if scope["path"] == "/404":
        await send({"type": "websocket.http.response.start", "status": 404, "headers": [(b"content-length", b"10")]})
        return await send({"type": "websocket.http.response.body", "body": b"not found\n"})
    await send({"type": "websocket.accept", "subprotocol": "chat" if "chat" in scope["subprotocols"] else None})
    while (event := await receive())["type"] == "websocket.receive":
        if scope["path"] == "/close":
            return await send({"type": "websocket.close", "code": 4001, "reason": "bye"})
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})


async def main(certificate, key):
    sockets = [socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    for bound in sockets:
        bound.bind(("127.0.0.1", 0))
    config = Config()
    config.certfile, config.keyfile = certificate, key
    config.bind, config.quic_bind = ([f"fd://{bound.fileno()}"] for bound in sockets)
    config.websocket_ping_interval = 1
    config.errorlog = "-"
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(sockets[1].getsockname()[1], flush=True)
    await serve(application, config, shutdown_trigger=lambda: end)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
    os._exit(0)
