// The node package `ws` as a client of an echo server.
//
//     node node_client.mjs URL [SUBPROTOCOL [VERSION]]
//
// Prints a line for each successful check, and exits with status 1 at the first failure.
// SUBPROTOCOL (default: chat) is supported by the server. VERSION is 13 (default) or 8.

import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const { WebSocket } = createRequire(`${peers}/`)('ws');

const MIB = 1 << 20;
const [url, subprotocol = 'chat', version = '13'] = process.argv.slice(2);
setTimeout(() => fail('the whole run', 'still running', 'an end within two minutes'), 120_000).unref();

const socket = await open();
check('no subprotocol unless asked', socket.protocol, '');

await echo('text', 'Hello');
await echo('non-ASCII text', 'Größe κόσμε 世界 🦀 \u0000 end');
await echo('empty text', '');
await echo('empty binary', Buffer.alloc(0));
for (const length of [125, 126, 65535, 65536]) await echo(`binary of ${length} bytes`, pattern(length));
await echo('1 MiB of binary', pattern(MIB));
await echo('1 MiB of text', 'é'.repeat(MIB / 2));

// The fragments split a character, and a ping goes between them.
const text = Buffer.from('Größe 🦀');
const whole = once(socket, 'message');
const between = once(socket, 'pong');
socket.send(text.subarray(0, 3), { binary: false, fin: false });
socket.ping('between');
socket.send('', { fin: false });
socket.send(text.subarray(3, 10), { fin: false });
socket.send(text.subarray(10), { fin: true });
check('ping between fragments', (await between)[0], Buffer.from('between'));
check('text in fragments', decoded(await whole), 'Größe 🦀');

const joined = once(socket, 'message');
socket.send(pattern(70000), { binary: true, fin: false });
socket.send(pattern(3), { fin: true });
check('binary in fragments', decoded(await joined), Buffer.concat([pattern(70000), pattern(3)]));

for (const [name, payload] of [['empty', Buffer.alloc(0)], ['125 bytes', pattern(125)]]) {
  const pong = once(socket, 'pong');
  socket.ping(payload);
  check(`ping answered, ${name}`, (await pong)[0], payload);
}

const hundred = [];
const gathered = new Promise((resolve) => {
  socket.on('message', (data) => hundred.push(data.toString()) === 100 && resolve());
});
for (let i = 0; i < 100; i++) socket.send(`message ${i}`);
await gathered;
check('100 messages at once, in order', hundred.join(), Array.from({ length: 100 }, (_, i) => `message ${i}`).join());
socket.close();

check('subprotocol chosen', (await open(['no-such', subprotocol])).protocol, subprotocol);
check('no subprotocol in common', await refused(['no-such']), 'Server sent no subprotocol');

const closes = [[undefined, ''], [1000, ''], [1000, 'done'], [1001, 'going away'], [3000, 'Größe'], [4999, 'r'.repeat(123)]];
for (const [code, reason] of closes) {
  const closing = await open();
  const closed = once(closing, 'close');
  closing.close(code, reason);
  check(`close ${code ?? 'without a code'} answered`, (await closed).join(' '), `${code ?? 1005} ${reason}`);
}
process.exit(0);

async function open(subprotocols = []) {
  const socket = new WebSocket(url, subprotocols, { maxPayload: 2 * MIB, protocolVersion: Number(version) });
  await once(socket, 'open');
  return socket;
}

// `ws` reports a missing subprotocol as an error.
async function refused(subprotocols) {
  const [error] = await once(new WebSocket(url, subprotocols), 'error');
  return error.message;
}

async function echo(name, message) {
  const answer = once(socket, 'message');
  socket.send(message);
  check(name, decoded(await answer), message);
}

function decoded([data, binary]) {
  return binary ? data : data.toString();
}

function pattern(length) {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8)));
}

function check(name, found, wanted) {
  const same = Buffer.isBuffer(wanted) ? Buffer.isBuffer(found) && wanted.equals(found) : wanted === found;
  if (!same) fail(name, found, wanted);
  console.log(`ok ${name}`);
}

function fail(name, found, wanted) {
  console.error(`FAILED ${name}: found ${String(found).slice(0, 200)}, wanted ${String(wanted).slice(0, 200)}`);
  process.exit(1);
}
