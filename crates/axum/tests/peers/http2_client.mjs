// node as a client of the server of server.rs, over HTTP/2 without TLS.
//
//     node http2_client.mjs PORT
//
// Exits with status 1 at the first failed check.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { text } from 'node:stream/consumers';

import { deflate, parseExtensions, WebSocketStream } from '../../../hyper/tests/peers/websocket_stream.mjs';

setTimeout(() => process.exit(1), 60_000).unref();
const MIB = 1 << 20;
const session = connect(`http://127.0.0.1:${process.argv[2]}`);
await once(session, 'remoteSettings');
assert.equal(session.remoteSettings.enableConnectProtocol, true);

async function request(path, fields = {}) {
  const stream = session.request({
    ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': path, 'sec-websocket-version': '13', ...fields,
  });
  const [head] = await once(stream, 'response');
  return [stream, head];
}

async function open(path, fields, extension) {
  const [stream, head] = await request(path, fields);
  assert.equal(head[':status'], 200);
  if (extension) extension.accept(parseExtensions(head['sec-websocket-extensions']));
  return [new WebSocketStream(stream, false, extension), head];
}

async function echo(socket, message) {
  await socket.send(message);
  assert.deepEqual(await socket.next(), ['message', Buffer.from(message), typeof message !== 'string']);
}

const bytes = Buffer.from(Uint8Array.from({ length: MIB }, (_, i) => (i * 31 + (i >> 8)) ^ (i >> 3)));
const messages = ['Größe κόσμε 世界 🦀', '', Buffer.alloc(0), 'é'.repeat(MIB / 2), bytes];

{
  const [socket, head] = await open('/echo?plain', { 'sec-websocket-protocol': 'no-such, chat' });
  assert.equal(head['sec-websocket-protocol'], 'chat');
  assert.equal(head['sec-websocket-extensions'], undefined);
  for (const message of messages) await echo(socket, message);
  socket.send('Grö', { fin: false });
  socket.ping('between');
  assert.deepEqual(await socket.next(), ['pong', Buffer.from('between')]);
  socket.send('ße', { fin: true });
  assert.deepEqual(await socket.next(), ['message', Buffer.from('Größe'), false]);
  socket.close(4000, 'Größe');
  assert.deepEqual(await socket.next(), ['conclude', 4000, Buffer.from('Größe')]);
  socket.end();
  assert.deepEqual(await socket.next(), ['end', constants.NGHTTP2_NO_ERROR]);
}
{
  const [socket] = await open('/echo?deflate', { 'sec-websocket-extensions': 'permessage-deflate' }, deflate(false));
  for (const message of messages) await echo(socket, message);
  socket.close();
  assert.deepEqual(await socket.next(), ['conclude', 1005, Buffer.alloc(0)]);
  socket.end();
  assert.deepEqual(await socket.next(), ['end', constants.NGHTTP2_NO_ERROR]);
}
{
  const [socket] = await open('/parts');
  assert.deepEqual(await socket.next(), ['ping', Buffer.from('between')]);
  assert.deepEqual(await socket.next(), ['message', Buffer.from('Größe 🦀'), false]);
  socket.pong('between');
  assert.deepEqual(await socket.next(), ['message', Buffer.from('pong'), false]);
  socket.close(1000);
  assert.deepEqual(await socket.next(), ['conclude', 1000, Buffer.alloc(0)]);
  socket.end();
}
{
  const [socket] = await open('/close');
  socket.send('close');
  assert.deepEqual(await socket.next(), ['conclude', 4001, Buffer.from('bye')]);
  socket.close(4001, 'bye');
  socket.end();
  assert.deepEqual(await socket.next(), ['end', constants.NGHTTP2_NO_ERROR]);
}
{
  const [socket] = await open('/echo?unmasked');
  socket.send('not masked', { mask: false });
  assert.deepEqual((await socket.next()).slice(0, 2), ['conclude', 1002]);
  socket.end();
}
{
  const [socket] = await open('/echo?end');
  await echo(socket, 'text');
  socket.end();
  assert.deepEqual(await socket.next(), ['end', constants.NGHTTP2_NO_ERROR]);
}
{
  const [socket] = await open('/echo?reset');
  await echo(socket, 'text');
  socket.stream.close(constants.NGHTTP2_CANCEL);
}

for (const [path, fields, status, field, value, body] of [
  ['/echo', { ':protocol': 'connect-udp' }, 501, 'content-type', 'text/plain; charset=utf-8', 'protocol of a CONNECT must be websocket'],
  ['/echo', { 'sec-websocket-version': '8' }, 400, 'sec-websocket-version', '13', 'sec-websocket-version of an extended CONNECT must be 13'],
  ['/echo', { 'sec-websocket-version': undefined }, 400, 'sec-websocket-version', '13', 'sec-websocket-version of an extended CONNECT must be 13'],
  ['/forbidden', { origin: 'https://example.org' }, 403, 'content-type', 'text/plain; charset=utf-8', 'origin is not allowed'],
]) {
  const [stream, head] = await request(path, fields);
  const found = [head[':status'], head[field], await text(stream)];
  assert.deepEqual(found, [status, value, body]);
  stream.end();
}
{
  const [stream, head] = await request('/forbidden', { origin: 'https://example.com' });
  assert.equal(head[':status'], 200);
  stream.close();
}
session.close();
await once(session, 'close');
