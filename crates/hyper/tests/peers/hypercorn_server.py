"""Hypercorn as a server over HTTP/1.1 and, without TLS, over HTTP/2.

    hypercorn_server.py

Prints its port on a line when it is ready. Exits when its standard input ends. What it does depends on the path:

    /             echoes messages, and selects the subprotocol `chat` if it is offered
    /connections  responds to each message with the number of TCP connections that the clients have opened
    /close        closes with 4001 and `bye` after a message
    /403          refuses
    /404          refuses with a response of the application
"""

import asyncio
import os
import pathlib
import socket
import sys

PEERS = os.environ.get("PEERS") or pathlib.Path(__file__).resolve().parents[4] / "target" / "peers"
sys.path.insert(0, str(pathlib.Path(PEERS) / "python"))

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402

clients = set()


async def application(scope, receive, send):
    if scope["type"] != "websocket":
        raise ValueError(scope["type"])
    clients.add(scope["client"])
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
        if scope["path"] == "/connections":
            event = {"text": str(len(clients))}
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})


async def main():
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{bound.fileno()}"]
    config.errorlog = "-"
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    bound.listen()
    print(bound.getsockname()[1], flush=True)
    await serve(application, config, shutdown_trigger=lambda: end)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)
