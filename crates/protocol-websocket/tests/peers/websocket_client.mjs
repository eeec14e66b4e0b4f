// The node package `websocket` as a client of an echo server.
//
//     node websocket_client.mjs URL SUBPROTOCOL VERSION
//
// Prints a line for each successful check, and exits with status 1 at the first failure.
// The server supports SUBPROTOCOL. VERSION is 8 or 13.

import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const { client: Client } = createRequire(`${peers}/`)('websocket');
const [url, subprotocol, version] = process.argv.slice(2);
setTimeout(() => fail('the whole run', 'still running', 'an end within two minutes'), 120_000).unref();

check('subprotocol chosen', (await open([subprotocol])).protocol, subprotocol);
const peer = await open([]);
check('version', peer.webSocketVersion, Number(version));
for (const text of ['Hello', 'Größe κόσμε 世界 🦀 \u0000 end', '', 'é'.repeat(32768)]) {
  peer.sendUTF(text);
  check(`text of ${text.length} characters`, (await answer()).utf8Data, text);
}
for (const length of [0, 125, 126, 65535, 65536]) {
  const bytes = Buffer.alloc(length, 0xff);
  peer.sendBytes(bytes);
  check(`binary of ${length} bytes`, (await answer()).binaryData.toString('hex'), bytes.toString('hex'));
}
const pong = once(peer, 'pong');
peer.ping('are you there');
check('pong', (await pong)[0].toString(), 'are you there');
const closed = once(peer, 'close');
peer.close(4000, 'enough');
await closed;
check('closed', peer.connected, false);
process.exit(0);

async function open(subprotocols) {
  const client = new Client({ webSocketVersion: Number(version), fragmentationThreshold: 1000 });
  const connected = once(client, 'connect');
  client.on('connectFailed', (error) => fail('connect', error, 'a connection'));
  client.connect(url, subprotocols, 'http://127.0.0.1');
  return (await connected)[0];
}

async function answer() {
  return (await once(peer, 'message'))[0];
}

function check(name, found, wanted) {
  if (found !== wanted) fail(name, found, wanted);
  console.log(`ok ${name}`);
}

function fail(name, found, wanted) {
  console.error(`FAILED ${name}: found ${String(found).slice(0, 200)}, wanted ${String(wanted).slice(0, 200)}`);
  process.exit(1);
}
