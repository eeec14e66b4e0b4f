// The node package `ws` 0.4 as a client of an echo server.
//
//     node ws_0_4_client.mjs URL SUBPROTOCOL VERSION
//
// Prints a line for each successful check, and exits with status 1 at the first failure.
// The server supports SUBPROTOCOL. VERSION is 8 or 13.

import './old_node.cjs';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const WebSocket = createRequire(`${peers}/`)('ws-0.4');
const [url, subprotocol, version] = process.argv.slice(2);
setTimeout(() => fail('the whole run', 'still running', 'an end within two minutes'), 120_000).unref();

check('subprotocol chosen', (await open({ protocol: subprotocol })).protocol, subprotocol);
const peer = await open({});
for (const text of ['Hello', 'Größe κόσμε 世界 🦀 \u0000 end', '', 'é'.repeat(32768)]) {
  peer.send(text);
  check(`text of ${text.length} characters`, (await once(peer, 'message'))[0], text);
}
for (const length of [0, 125, 126, 65535, 65536]) {
  const bytes = Buffer.alloc(length, 0xff);
  peer.send(bytes, { binary: true });
  const [data, flags] = await once(peer, 'message');
  check(`binary of ${length} bytes`, `${flags.binary} ${data?.toString('hex') ?? ''}`, `true ${bytes.toString('hex')}`);
}
const parts = ['Gr', 'ö', '', 'ße'];
peer.stream((error, send) => send(parts.shift(), parts.length === 0));
check('text in fragments', (await once(peer, 'message'))[0], 'Größe');
const pong = once(peer, 'pong');
peer.ping('are you there');
check('pong', (await pong)[0].toString(), 'are you there');
const closed = once(peer, 'close');
peer.close(4000, 'enough');
check('closed', (await closed).join(), '4000,enough');
process.exit(0);

async function open(options) {
  const socket = new WebSocket(url, { protocolVersion: Number(version), ...options });
  await once(socket, 'open');
  return socket;
}

function check(name, found, wanted) {
  if (found !== wanted) fail(name, found, wanted);
  console.log(`ok ${name}`);
}

function fail(name, found, wanted) {
  console.error(`FAILED ${name}: found ${String(found).slice(0, 200)}, wanted ${String(wanted).slice(0, 200)}`);
  process.exit(1);
}
