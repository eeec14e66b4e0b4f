#!/usr/bin/env python3
"""Writes initial inputs for fuzzing, from the vectors of Perl's module and from the examples of the RFCs and drafts. The
folder seeds/ has those of them that reach new code: see .ci/fuzz --minimise.

    seeds.py FOLDER     writes FOLDER/TARGET/NAME
"""
import json
import pathlib
import sys

here = pathlib.Path(__file__).parent
recorded = here / "../crates/protocol-websocket/tests/perl"
out = pathlib.Path(sys.argv[1])

SPLITS = bytes([2, 0, 16, 5])
NO_LIMITS = b"\xff\xff\xff\xff\xff"


def write(target, name, data):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    if len(data) <= 4096:
        (folder / name).write_bytes(data)


def recorded_inputs(kind):
    """Returns the names and inputs of every third vector of one kind."""
    with open(recorded / f"{kind}.jsonl") as lines:
        for number, line in enumerate(lines):
            if number % 3 == 0:
                result = json.loads(line)
                yield result["id"], result["in"]


def unhex(text):
    """Decodes recorded bytes: one hexadecimal string, or a list of strings and of pairs of a string and a repeat count."""
    pieces = [text] if isinstance(text, str) else text
    pieces = ((piece, 1) if isinstance(piece, str) else piece for piece in pieces)
    return b"".join(bytes.fromhex(piece) * count for piece, count in pieces)


def record(kind, first="", second=""):
    return kind.encode() + first.encode() + b"\xfe" + second.encode() + b"\xff"


# Frames. Options of the decoder: bit 0 selects the server's role, 3 to 5 the allowed reserved bits, 7 perl_compat.
for name, value in recorded_inputs("frame-decode"):
    stream = unhex(value["stream_hex"])
    old = value.get("version") in ("draft-ietf-hybi-00", "draft-hixie-75")
    target, options = ("sentinel", 0) if old else ("decoder", 0x80)
    write(target, name, bytes([options]) + NO_LIMITS + SPLITS + stream)
    if not old:
        write("frame_header", name, stream[:14])
        write("decoder", name + "-strict", bytes([stream[1] >> 7 if len(stream) > 1 else 0]) + NO_LIMITS + SPLITS + stream)
for name, value in recorded_inputs("frame-encode"):
    payload = unhex(value["buffer_hex"])[:200]
    first = {"text": 0x81, "binary": 0x82, "close": 0x88, "ping": 0x89, "pong": 0x8A}.get(value.get("type"), 0x01)
    version = 2 if value.get("version") == "draft-ietf-hybi-00" else 0
    write("frame_encode", name, bytes([version, first, len(payload)]) + b"key!" + payload)
    write("mask", name, b"key!" + bytes(8) + SPLITS + payload)
    write("utf8", name, SPLITS + payload)
RFC6455 = {  # section 5.7
    "text": "810548656c6c6f",
    "masked": "818537fa213d7f9f4d5158",
    "fragmented": "010348656c80026c6f",
    "ping": "890548656c6c6f",
    "pong": "8a8537fa213d7f9f4d5158",
    "256": "827e0100" + "00" * 256,
    "65536": "827f0000000000010000",
    "close": "880203e8",
    "reason": "881a03e8" + "c3bc" * 12,
    "longest length": "82ff7fffffffffffffff00000000",
    "reserved bit": "c10548656c6c6f",
    "long control": "897e007e",
    "ping inside": "0101618900800162",
}
for name, stream in RFC6455.items():
    stream = bytes.fromhex(stream)
    write("frame_header", name, stream[:14])
    for options in (0, 1, 0x08, 0x46):
        write("decoder", f"{name} {options}", bytes([options]) + NO_LIMITS + SPLITS + stream)
    write("decoder", f"{name} limited", bytes([0]) + b"\x08\x00\x04\x00\x03" + SPLITS + stream)
HYBI00 = ["0048656c6c6fff", "ff00", "8003000102006869ff", "01000102ff006869ff", "8081" + "01" + "41" * 129, "00e282ff"]
for name, stream in enumerate(HYBI00):
    for options in range(8):
        write("sentinel", f"draft {name} {options}", bytes([options]) + NO_LIMITS + SPLITS + bytes.fromhex(stream))
for name, text in {"all lengths": "aé€𝄞", "greek": "κόσμε"}.items():
    for missing in range(4):
        write("utf8", f"{name} {missing}", SPLITS + text.encode()[: len(text.encode()) - missing])
for name, bad in {"overlong": "c080", "surrogate": "eda080", "too large": "f4908080", "orphan": "80"}.items():
    write("utf8", name, SPLITS + b"ok" + bytes.fromhex(bad))
for name, frames in {"fragments": "05026162", "text": "0101610403c3a962", "interleaved": "020163070004016a", "bad": "0501ff"}.items():
    write("assembler", name, b"\xff" + bytes.fromhex(frames))

# A stream in reads, for decoders with different kinds of input: literal bytes, repeated bytes, long payloads, parts.
def read(stream):
    """The step that reads up to 31 bytes."""
    return bytes([len(stream) << 3]) + stream


def repeat(byte, times):
    """The step that reads a byte many times, in multiples of 16 or 4096."""
    return bytes([(times >> 12) << 3 | 4 if times >= 4096 else (times >> 4) << 3 | 3, byte])


HELLO, LONG = b"\x81\x05Hello", b"\x82\x7f" + (200 << 10).to_bytes(8, "big")
READS = {
    "text": read(HELLO),
    "split": read(HELLO[:1]) + read(HELLO[1:4]) + read(HELLO[4:]),
    "masked": read(bytes.fromhex(RFC6455["masked"]) * 2),
    "long": read(LONG) + repeat(0x41, 64 << 10) + repeat(0x42, 72 << 10) + repeat(0x43, 64 << 10) + read(HELLO),
    "direct": b"\x26" + read(LONG) + repeat(0x41, 100 << 10) + b"\x3e" + repeat(0x42, 100 << 10) + read(HELLO),
    "parts": b"\x3f" + read(b"\x82\x7e\x01\x00") + repeat(0x41, 112) + repeat(0x42, 144) + b"\x07" + read(HELLO),
    "fragments": b"\x05\xff" + read(b"\x01\x01a\x89\x00\x80\x02\xc3") + b"\x0e" + read(b"\xa9\x88\x00"),
    "sentinel": read(b"\x00Hello\xff\x00\xe2\x82") + read(b"\xac\xc3\xff\xff\x00"),
}
for name, steps in READS.items():
    for options in range(4):
        write("modified_input", f"{name} {options}", bytes([options]) + steps)

# Compressed messages: the examples of RFC 7692, section 7.2.3, and invalid streams.
RFC7692 = {
    "one block": "f248cdc9c90700",
    "shared window": "f200110000",
    "no compression": "000500faff48656c6c6f00",
    "final block": "f348cdc9c9070000",
    "two blocks": "f248050000 00ffffcac9c90700",
    "dynamic": "0441010d0000004034f6ef",
    "bad type": "ffff",
    "bad length": "000500faf048656c6c6f",
    "too far back": "0221",
    "zlib": "789cf348cdc9c90700058c01f5",
}
for name, stream in RFC7692.items():
    for room in (b"\0\0", b"\x03\0", b"\xff\xff"):
        write("inflate", f"{name} {room.hex()}", room + SPLITS + bytes.fromhex(stream))
for name, messages in {"whole": "00011068656c6c6f", "parts": "83900568656c6c6f0101400368690a", "none": "41ff01780201ff79"}.items():
    for options in [*range(16), *range(0x20, 0x30)]:
        write("deflate", f"{name} {options}", bytes([options, 6, options, 7]) + SPLITS + bytes.fromhex(messages) * 4)

# Two endpoints of a connection: options, limits and timeouts of each, then the steps.
STEPS = {
    "messages": "0a0108 18 180b 0a0108 18", "pings": "0c05 0c06 18 1305", "parts": "0e00 05 2e0004 18", "closes": "1402 18 15 0418",
    "frames": "1003 01 05 3000 00 07 18", "times": "17ff 18 17ff 17ff 18", "splits": "0a0108 0003 0405 0601 0003 0405 0600",
}
for name, steps in STEPS.items():
    for version in (3, 0, 1, 2):
        for options in (0x00, 0x01, 0x08, 0x3f, 0x40, 0x80, 0xff):
            settings = bytes([options, 0x80, 0x80, 0x10, 0x21, 0x31, 0x40]) * 2
            write("connection", f"{name} {version} {options}", bytes([version]) + settings + bytes.fromhex(steps))

# An open connection: role, version and limit, the extension and its windows, then what it receives. The last one is compressed.
OPEN = {name: (0, 0, bytes.fromhex(stream)) for name, stream in RFC6455.items()}
OPEN |= {f"sentinel {name}": (4, 0, bytes.fromhex(stream)) for name, stream in enumerate(HYBI00)}
OPEN |= {f"deflate {name}": (0, 1, b"\xc1" + bytes([len(bytes.fromhex(stream))]) + bytes.fromhex(stream)) for name, stream in RFC7692.items()}
for name, (options, extension, stream) in OPEN.items():
    for role in (0, 1):
        for limit in (0, 8, 24):
            settings = bytes([options | role | limit, extension, 0xFF if role else 0])
            write("open_connection", f"{name} {role} {limit}", settings + SPLITS + stream)

# Two sessions: options of both and of each, then the steps.
SESSIONS = {
    "messages": "0c2040 1f 0d4101 3f 0c0800 1f", "pings": "13 12 1f 33 52 1f 3f", "parts": "0e2000 1f 2e2101 1f",
    "long": "0cff00 05c8 45 03 2cff01 25ff 07 0b 09", "frames": "102000 5200 1f 1f", "times": "17c8 17c8 03 17c8 17c8",
    "closes": "0d2000 1b00 1f 1e", "failures": "0c1000 1d00 07 0b", "hand-over": "0c2000 01 1f00 0a 1f",
    "handshake": "1f 1f 15 1e 1f 0c2001 1f 0c0501 1e", "splits": "0c2000 0110 0405 0403 09 0130 04ff 0b",
}
for name, steps in SESSIONS.items():
    for shared in range(16):
        for options in ("0303", "0414", "1a19", "0000"):
            write("session", f"{name} {shared} {options}", bytes([shared]) + bytes.fromhex(options + steps * 4))

# HTTP heads.
for kind, target in (("request-parse", "request_head"), ("response-parse", "response_head")):
    for name, value in recorded_inputs(kind):
        write(target, name, b"\xff\xff" + SPLITS + unhex(value["stream_hex"]))
for name, value in recorded_inputs("handshake-server"):
    write("server_handshake", name, b"\x03" + SPLITS + unhex(value["stream_hex"]))
for name, value in recorded_inputs("handshake-client"):
    write("client_handshake", name, b"\x04" + bytes(9) + SPLITS + unhex(value["stream_hex"]))
for version in range(4):
    for extra in (0, 8, 24, 128):
        for name, edits in {"valid": b"", "upper": b"\x09\x00X", "twice": b"\x20\xc0\x30"}.items():
            options = version | extra | (0x20 if edits else 0)
            data = bytes([options]) + edits.ljust(9, b"\0") + SPLITS + b"\x81\x02hi\x88\x00"
            write("client_handshake", f"{name} {version} {extra}", data)
REQUEST = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
KEYS = b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
REQUEST_TAILS = {
    "hybi-17": KEY + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n\x81\x80\0\0\0\0",
    "hybi-10": KEY + b"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Origin: http://a\r\n\r\n\x88\x80\0\0\0\0",
    "hybi-00": KEYS + b"Origin: http://a\r\n\r\n^n:ds[4U\0hi\xff\xff\0",
    "hixie-75": b"Origin: http://a\r\nWebSocket-Protocol: chat\r\n\r\n\0hi\xff",
    "hybi-07": KEY + b"Sec-WebSocket-Version: 7\r\n\r\n",
    "mixed": KEY + KEYS + b"\r\n",
    "body": KEY + b"Sec-WebSocket-Version: 13\r\nContent-Length: 5\r\n\r\nhello",
}
for name, tail in REQUEST_TAILS.items():
    for options in (0, 3, 7):
        write("server_handshake", f"{name} {options}", bytes([options]) + SPLITS + REQUEST + tail)
    write("request_head", name, b"\xff\xff" + SPLITS + REQUEST + tail)
RESPONSE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
write("response_head", "accepted", b"\xff\xff" + SPLITS + RESPONSE + ACCEPT + b"Sec-WebSocket-Protocol: chat\r\n\r\n")
write("response_head", "redirect", b"\xff\xff" + SPLITS + b"HTTP/1.1 302 \r\nLocation: wss://example.org/\r\n\r\n")
for name, value in recorded_inputs("psgi"):
    letters = {
        "REQUEST_METHOD": "m", "REQUEST_URI": "u", "SCRIPT_NAME": "s", "PATH_INFO": "p", "QUERY_STRING": "q",
        "SERVER_PROTOCOL": "v", "CONTENT_LENGTH": "l",
    }
    data = b""
    for variable, item in value["env"].items():
        if variable.startswith("HTTP_"):
            data += record("h", variable[5:], str(item))
        elif variable in letters:
            data += record(letters[variable], "", str(item))
    write("cgi", name, data)
PARAMETERS = {
    "all": "h,example.com:81 p,/chat?x=%20 s,chat s,superchat o,http://a c,a,b f,X-Y,z e,x-y,z S,chat C,id,7 F,X-Z,y B,no",
    "hybi-00": "v,ab p,/ s,chat S,chat c,a,b w F,Server,x r,ab",
    "hixie-75": "v,abc s,chat S,chat L l",
    "hybi-10": "v,a b,user,pass e,x,y E,x,z R,reason,value",
    "twice": "s,a s,a f,Cookie,a=b c,a,b",
}
for name, parameters in PARAMETERS.items():
    write("handshake_pair", name, b"".join(record(*(word.split(",") + [""] * 2)[:3]) for word in parameters.split()))

# URLs, cookies, extensions and keys.
for name, value in recorded_inputs("url-parse"):
    write("url", name, value["url"].encode())
URLS = ["wss://user:p%C3%A4ss@[2001:db8::1]:8443/a/../b?c=%2F", "ws://bücher.example", "//other/", "?q", "HTTPS://h:443/"]
for name, text in enumerate(URLS):
    write("url", str(name), text.encode())
for kind in ("cookie-parse", "cookie-request-parse"):
    for name, value in recorded_inputs(kind):
        write("cookies", name, value["cookie"].encode())
for name, value in recorded_inputs("cookie-response-build"):
    text = "; ".join(f"{key}={item}" for key, item in value.items() if key not in ("name", "value"))
    write("cookies", name, f"{value['name']}={value['value']}; {text}".encode())
EXTENSIONS = [
    "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover, permessage-deflate",
    "foo, bar; baz=2",
    "mux; max-channels=4; flow-control, deflate-stream",
    'x; y="\\a\\b"\n z;;',
]
for name, text in enumerate(EXTENSIONS):
    write("extensions", str(name), text.encode())
for name, value in recorded_inputs("hybi00-number"):
    write("keys", name, f"{value['key1']}\n{value['key2']}".encode())
write("keys", "standard", b"dGhlIHNhbXBsZSBub25jZQ==")
