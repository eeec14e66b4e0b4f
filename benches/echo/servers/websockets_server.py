"""The Python package `websockets`, as its documentation shows.

    python3 websockets_server.py all     sends each message to all clients, with the default settings
    python3 websockets_server.py echo    echoes, with the window and the level of memory of zlib's defaults

The environment variable PING_INTERVAL has the seconds between two pings, if they are not the default.
"""

import asyncio
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "target/peers/python"))

from websockets.asyncio.server import broadcast, serve  # noqa: E402
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory  # noqa: E402


async def to_all(connection):
    async for message in connection:
        broadcast(connection.server.connections, message)


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main(mode):
    options = {"ping_interval": float(os.environ.get("PING_INTERVAL", 20))}
    if mode == "echo":
        options.update(compression=None, extensions=[ServerPerMessageDeflateFactory()])
    async with serve({"all": to_all, "echo": echo}[mode], "127.0.0.1", 0, **options) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
        await asyncio.sleep(600)


asyncio.run(main(sys.argv[1]))
