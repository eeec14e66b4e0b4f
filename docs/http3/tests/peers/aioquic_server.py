"""aioquic and wsproto as an echo server.

    aioquic_server.py CERTIFICATE KEY [OPTION...]

Prints its port on a line when it is ready, and a line after each clean end of an echo. Ends when its standard input ends. What it does depends on the path:

    /         echoes messages, without an extension
    /deflate  echoes messages, and requires that the client compresses them
    /ping     sends a Ping before each echo, and waits for the Pong
    /close    closes with 4001 and `bye` when the first message arrives
    /masked   sends a masked frame, which is not allowed, and expects a Close with 1002
    /reset    resets the stream after the response
    /end      ends the stream after the response, without a Close
    /403      responds with this status
    /400      responds with this status and a body

The options: `small-windows`, and `no-connect` for settings without SETTINGS_ENABLE_CONNECT_PROTOCOL.
"""

import asyncio
import sys

from http3 import SILENCE, Protocol, WebSocket  # first, because it finds the packages

from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection, Setting
from aioquic.quic.configuration import QuicConfiguration
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import server_extensions_handshake


class Server(Protocol):
    def opened(self, stream_id):
        asyncio.ensure_future(self.run(stream_id))

    async def run(self, stream_id):
        try:
            await self.serve(stream_id)
        except Exception as error:
            # The client reports that its stream has ended.
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            self.close(ErrorCode.H3_INTERNAL_ERROR)

    async def serve(self, stream_id):
        fields = await self.event(stream_id)
        headers = dict(fields)
        names = [name for name, _ in fields]
        assert headers[b":method"] == b"CONNECT" and headers[b":protocol"] == b"websocket", headers
        assert headers[b":scheme"] == b"https" and headers[b":authority"].startswith(b"localhost:"), headers
        assert headers[b"sec-websocket-version"] == b"13", headers
        assert len(names) == len(set(names)), names
        unknown = {b"host", b"connection", b"upgrade", b"sec-websocket-key"}
        assert not unknown.intersection(names), names

        path = headers[b":path"].decode()
        if path[1:].isdigit():
            body = b"" if path == "/403" else b"invalid\n"
            self.http.send_headers(stream_id, [(b":status", path[1:].encode())], end_stream=not body)
            if body:
                self.http.send_data(stream_id, body, end_stream=True)
            return self.transmit()

        response, extensions = [(b":status", b"200")], []
        if b"chat" in headers.get(b"sec-websocket-protocol", b"").split(b", "):
            response.append((b"sec-websocket-protocol", b"chat"))
        if path == "/deflate":
            extensions = [PerMessageDeflate()]
            offers = headers[b"sec-websocket-extensions"].decode().split(", ")
            response.append((b"sec-websocket-extensions", server_extensions_handshake(offers, extensions)))
        self.http.send_headers(stream_id, response)
        self.transmit()
        websocket = WebSocket(self, stream_id, ConnectionType.SERVER, extensions)
        if path == "/masked":
            websocket.send_bytes(b"\x81\x82\0\0\0\0hi")
            while True:
                event = await websocket.receive()
                if isinstance(event, CloseConnection):
                    assert event.code == 1002, event
                    return websocket.send(event.response(), end=True)
        elif path == "/reset":
            self._quic.reset_stream(stream_id, ErrorCode.H3_REQUEST_CANCELLED)
            self.transmit()
        elif path == "/end":
            websocket.send_bytes(b"", end=True)
        else:
            await self.echo(websocket, path)

    async def echo(self, websocket, path):
        while True:
            event = await websocket.receive()
            if isinstance(event, CloseConnection):
                websocket.send(event.response())
                # Fails if the client has closed the connection already.
                await asyncio.wait_for(self.ping(), SILENCE)
                websocket.send_bytes(b"", end=True)
                return print("the client waits for the end of the stream", flush=True)
            if isinstance(event, Ping):
                continue
            if path == "/deflate" and isinstance(event, str):
                assert websocket.received * 10 < len(event), (websocket.received, len(event))
            if path == "/close":
                websocket.send(CloseConnection(4001, "bye"))
                await websocket.expect(CloseConnection(4001, "bye"))
                return websocket.send_bytes(b"", end=True)
            if path == "/ping":
                websocket.send(Ping(b"between"))
                await websocket.expect(Pong(b"between"))
            websocket.send(TextMessage(event) if isinstance(event, str) else BytesMessage(event))


async def main(certificate, key, options):
    windows = {"max_data": 8192, "max_stream_data": 4096} if "small-windows" in options else {}
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN, **windows)
    configuration.load_cert_chain(certificate, key)
    if "no-connect" in options:
        settings = H3Connection._get_local_settings
        H3Connection._get_local_settings = lambda self: {
            name: value for name, value in settings(self).items() if name != Setting.ENABLE_CONNECT_PROTOCOL
        }
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=Server)
    print(server._transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3], sys.argv[3:]))
