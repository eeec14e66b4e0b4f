"""WebSocket over HTTP/3, by aioquic and wsproto: what `aioquic_client.py` and `aioquic_server.py` have in common."""

import asyncio
import os
import pathlib
import sys

PEERS = os.environ.get("PEERS") or pathlib.Path(__file__).resolve().parents[4] / "target" / "peers"
sys.path.insert(0, str(pathlib.Path(PEERS) / "http3"))

from aioquic.asyncio.protocol import QuicConnectionProtocol  # noqa: E402
from aioquic.h3.connection import H3Connection  # noqa: E402
from aioquic.h3.events import DataReceived, HeadersReceived  # noqa: E402
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamReset  # noqa: E402
from wsproto import Connection  # noqa: E402
from wsproto.events import CloseConnection, Message, Ping, Pong  # noqa: E402

SILENCE = 60
"""The time in seconds that the peer may take for anything."""


class Protocol(QuicConnectionProtocol):
    """A QUIC connection. Each stream has a queue of events: fields, bytes, and `None` for the end of the stream."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.http = None
        self.streams = {}
        self.terminated = None

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        elif isinstance(event, StreamReset):
            self.put(event.stream_id, event)
        elif isinstance(event, ConnectionTerminated):
            self.terminated = event
            for stream_id in self.streams:
                self.put(stream_id, None)
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                if isinstance(http_event, HeadersReceived):
                    self.put(http_event.stream_id, http_event.headers)
                elif isinstance(http_event, DataReceived) and http_event.data:
                    self.put(http_event.stream_id, http_event.data)
                if isinstance(http_event, (HeadersReceived, DataReceived)) and http_event.stream_ended:
                    self.put(http_event.stream_id, None)

    def put(self, stream_id, event):
        if stream_id not in self.streams:
            self.streams[stream_id] = asyncio.Queue()
            self.opened(stream_id)
        self.streams[stream_id].put_nowait(event)

    def opened(self, stream_id):
        """The peer has opened a stream."""

    async def event(self, stream_id):
        """Returns the next event of a stream."""
        return await asyncio.wait_for(self.streams[stream_id].get(), SILENCE)


class WebSocket:
    """A WebSocket on a stream that the handshake has opened."""

    def __init__(self, protocol, stream_id, kind, extensions):
        self.protocol = protocol
        self.stream_id = stream_id
        self.connection = Connection(kind, extensions)
        self.events = []
        self.parts = []
        self.sent = 0
        """The number of bytes in DATA frames to the peer, and from the peer."""
        self.received = 0

    def send_bytes(self, data, end=False):
        self.protocol.http.send_data(self.stream_id, data, end)
        self.protocol.transmit()
        self.sent += len(data)

    def send(self, event, end=False):
        self.send_bytes(self.connection.send(event), end)

    async def receive(self):
        """Returns the next message, Ping, Pong or Close. Replies to a Ping."""
        while True:
            while not self.events:
                data = await self.protocol.event(self.stream_id)
                assert isinstance(data, bytes), f"the stream ended with {data}"
                self.received += len(data)
                self.connection.receive_data(data)
                self.events = list(self.connection.events())
            event = self.events.pop(0)
            if isinstance(event, Message):
                self.parts.append(event.data)
                if event.message_finished:
                    parts, self.parts = self.parts, []
                    return type(event.data)().join(parts)
                continue
            if isinstance(event, Ping):
                self.send(Pong(event.payload))
            return event

    async def expect(self, expected):
        event = await self.receive()
        assert event == expected, f"expected {expected!r:.80}, received {event!r:.80}"

    async def expect_end(self):
        event = await self.protocol.event(self.stream_id)
        assert event is None, f"expected the end of the stream, received {event!r:.80}"

    async def close(self, code, reason):
        """The closing handshake, after which the peer ends the stream."""
        self.send(CloseConnection(code, reason))
        await self.expect(CloseConnection(code, reason))
        await self.expect_end()
