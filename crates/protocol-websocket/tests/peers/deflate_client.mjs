// The node package `ws` as a client of an echo server, with compression.
//
//     node deflate_client.mjs URL OFFERED ACCEPTED
//
// OFFERED are the parameters of permessage-deflate in the offer. The server must respond with the extension ACCEPTED. Exits
// with status 1 at the first failed check.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { LINE, messages, parameters } from './deflate.mjs';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const { WebSocket } = createRequire(`${peers}/`)('ws');

const [url, offered, accepted] = process.argv.slice(2);
setTimeout(() => process.exit(1), 120_000).unref();

const socket = new WebSocket(url, { perMessageDeflate: { ...parameters(offered), threshold: 0 }, maxPayload: 1 << 24 });
const [[response]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')]);
assert.equal(response.headers['sec-websocket-extensions'], accepted);

for (const message of messages) {
  socket.send(message);
  const [data, binary] = await once(socket, 'message');
  assert.ok(binary ? Buffer.from(message).equals(data) : data.toString() === message, String(message).slice(0, 20));
}
const parts = [LINE, '', LINE.repeat(100), 'end'];
parts.forEach((part, i) => socket.send(part, { fin: i === parts.length - 1 }));
const [whole] = await once(socket, 'message');
assert.equal(whole.toString(), parts.join(''));
socket.close(1000);
await once(socket, 'close');
process.exit(0);
