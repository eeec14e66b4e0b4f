"""aioquic and wsproto as a client of our server.

    aioquic_client.py PORT CERTIFICATE TEST

Runs the function `TEST` below, and exits with 0 if it has succeeded.
"""

import asyncio
import contextlib
import os
import sys

from http3 import SILENCE, Protocol, WebSocket  # first, because it finds the packages

from aioquic.h3.connection import H3_ALPN, ErrorCode, Setting
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import StreamReset
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import client_extensions_handshake

MIB = 1024 * 1024
HOST = f"localhost:{sys.argv[1]}"


@contextlib.asynccontextmanager
async def connected(**options):
    """Connects, and waits for the settings of the server."""
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name="localhost", **options)
    configuration.load_verify_locations(sys.argv[2])
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Protocol(QuicConnection(configuration=configuration)), local_addr=("127.0.0.1", 0)
    )
    protocol.connect(("127.0.0.1", int(sys.argv[1])))
    await asyncio.wait_for(protocol.wait_connected(), SILENCE)
    while not protocol.http.received_settings:
        await asyncio.wait_for(protocol.ping(), SILENCE)
    try:
        yield protocol
    finally:
        protocol.close()
        transport.close()


def request(connection, fields=(), send=True, **changed):
    """Sends an extended CONNECT with more fields, and with changed pseudo-header fields. Returns its stream."""
    pseudo = {"method": "CONNECT", "protocol": "websocket", "scheme": "https", "authority": HOST, "path": "/"}
    headers = [(f":{name}".encode(), value.encode()) for name, value in (pseudo | changed).items() if value]
    headers += [(name.encode(), value.encode()) for name, value in fields]
    stream_id = connection._quic.get_next_available_stream_id()
    connection.streams[stream_id] = asyncio.Queue()
    connection.http.send_headers(stream_id, headers)
    if send:
        connection.transmit()
    return stream_id


VERSION = ("sec-websocket-version", "13")


async def opened(protocol, *fields, extensions=()):
    """Opens a WebSocket. Returns it and the fields of the response."""
    stream_id = request(protocol, [VERSION, *fields])
    headers = dict(await protocol.event(stream_id))
    assert headers.pop(b":status") == b"200", headers
    accepted = headers.get(b"sec-websocket-extensions")
    accepted = client_extensions_handshake([accepted.decode()], extensions) if accepted else []
    return WebSocket(protocol, stream_id, ConnectionType.CLIENT, accepted), headers


async def echoes():
    async with connected() as protocol:
        assert protocol.http.received_settings[Setting.ENABLE_CONNECT_PROTOCOL] == 1
        websocket, headers = await opened(protocol, ("sec-websocket-protocol", "other, chat"))
        assert headers == {b"sec-websocket-protocol": b"chat"}, headers
        for text in ["Größe", "", "x" * 70_000]:
            websocket.send(TextMessage(text))
            await websocket.expect(text)
        for length in [0, 1, MIB]:
            message = os.urandom(length)
            websocket.send(BytesMessage(message))
            await websocket.expect(message)
        websocket.send(TextMessage("Hel", message_finished=False))
        websocket.send(Ping(b"between"))
        websocket.send(TextMessage("lo"))
        await websocket.expect(Pong(b"between"))
        await websocket.expect("Hello")
        await websocket.close(4000, "enough")


async def compresses():
    async with connected() as protocol:
        offer = ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")
        websocket, headers = await opened(protocol, offer, extensions=[PerMessageDeflate()])
        assert headers[b"sec-websocket-extensions"].startswith(b"permessage-deflate"), headers
        for message in ["Hello", "Hello" * 100_000, "Hello", ""]:
            websocket.send(TextMessage(message))
            await websocket.expect(message)
        assert websocket.sent < 10_000 and websocket.received < 10_000, (websocket.sent, websocket.received)
        message = os.urandom(MIB)
        websocket.send(BytesMessage(message))
        await websocket.expect(message)
        await websocket.close(1000, "")


async def refusals():
    async with connected() as protocol:
        refused = [
            (404, {"path": "/other"}, [VERSION]),
            (403, {}, [VERSION, ("origin", "https://example.com")]),
            (400, {}, [("sec-websocket-version", "8")]),
            (501, {"protocol": "webtransport"}, [VERSION]),
            (405, {"method": "GET", "protocol": None}, [VERSION]),
            (400, {"authority": "a b"}, [VERSION]),
        ]
        for status, changed, fields in refused:
            stream_id = request(protocol, fields, **changed)
            headers = dict(await protocol.event(stream_id))
            assert headers[b":status"] == str(status).encode(), (status, headers)
            length = int(headers[b"content-length"])
            body = await protocol.event(stream_id) if length else b""
            assert len(body) == length, (status, body)
            assert await protocol.event(stream_id) is None, status
        # The connection is still in use.
        websocket, _ = await opened(protocol, ("origin", f"https://{HOST}"))
        websocket.send(TextMessage("Hello"))
        await websocket.expect("Hello")
        await websocket.close(1001, "done")


async def small_windows():
    """The windows of the client are smaller than the echoes. aioquic doubles them each time they are half used."""
    async with connected(max_data=8192, max_stream_data=4096) as protocol:
        first, _ = await opened(protocol)
        second, _ = await opened(protocol)
        messages = [(socket, os.urandom(length)) for length in [1, 5000, 300_000] for socket in [first, second]]
        for socket, message in messages:
            socket.send(BytesMessage(message))
        for socket, message in messages:
            await socket.expect(message)
        await first.close(1000, "")
        await second.close(1000, "")


async def backpressure():
    """While the client does not read, the server does not read either."""
    async with connected(max_data=64 * 1024, max_stream_data=64 * 1024) as protocol:
        quic = protocol._quic
        raise_limits = quic._write_connection_limits, quic._write_stream_limits
        quic._write_connection_limits = quic._write_stream_limits = lambda **_: None
        websocket, _ = await opened(protocol)
        messages = [os.urandom(MIB) for _ in range(24)]
        for message in messages:
            websocket.send(BytesMessage(message))
        sent, unchanged = 0, 0
        while unchanged < 50:
            await asyncio.wait_for(protocol.ping(), SILENCE)
            before, sent = sent, quic._streams[websocket.stream_id].sender.highest_offset
            unchanged = unchanged + 1 if sent == before else 0
        # 1 MiB is the window of a stream, and as much is the message that the server has received. The rest is between.
        assert sent < 6 * MIB, sent
        quic._write_connection_limits, quic._write_stream_limits = raise_limits
        for message in messages:
            await websocket.expect(message)
        await websocket.close(1000, "")


async def many_streams():
    async with connected() as protocol:
        websockets = [(await opened(protocol))[0] for _ in range(100)]
        for number, websocket in enumerate(websockets):
            websocket.send(TextMessage(f"number {number}"))
        for number, websocket in enumerate(websockets):
            await websocket.expect(f"number {number}")
        for websocket in websockets:
            await websocket.close(1000, "")
        # The server allows more after these have ended.
        for _ in range(20):
            websocket, _ = await opened(protocol)
            await websocket.close(1000, "")


async def unmasked():
    async with connected() as protocol:
        websocket, _ = await opened(protocol)
        websocket.send_bytes(b"\x81\x02hi")
        event = await websocket.receive()
        assert isinstance(event, CloseConnection) and event.code == 1002, event
        await websocket.expect_end()


async def reset():
    async with connected() as protocol:
        websocket, _ = await opened(protocol)
        other, _ = await opened(protocol)
        protocol._quic.reset_stream(websocket.stream_id, ErrorCode.H3_REQUEST_CANCELLED)
        protocol.transmit()
        event = await protocol.event(websocket.stream_id)
        assert isinstance(event, StreamReset) and event.error_code == ErrorCode.H3_REQUEST_CANCELLED, event
        other.send(TextMessage("Hello"))
        await other.expect("Hello")
        await other.close(1000, "")


async def cancelled():
    async with connected() as protocol:
        other, _ = await opened(protocol)
        stream_id = request(protocol, [VERSION], send=False)
        protocol._quic.stop_stream(stream_id, ErrorCode.H3_REQUEST_CANCELLED)
        protocol.transmit()
        event = await protocol.event(stream_id)
        assert isinstance(event, StreamReset), event
        other.send(TextMessage("Hello"))
        await other.expect("Hello")
        await other.close(1000, "")


async def end_without_close():
    async with connected() as protocol:
        websocket, _ = await opened(protocol)
        websocket.send(TextMessage("Hello"), end=True)
        await websocket.expect("Hello")
        await websocket.expect_end()


async def trailers():
    async with connected() as protocol:
        websocket, _ = await opened(protocol)
        protocol.http.send_headers(websocket.stream_id, [(b"x", b"y")])
        protocol.transmit()
        await asyncio.wait_for(protocol.wait_closed(), SILENCE)
        assert protocol.terminated.error_code == ErrorCode.H3_FRAME_UNEXPECTED, protocol.terminated


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(globals()[sys.argv[3]](), 2 * SILENCE))
