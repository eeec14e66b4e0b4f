// Node packages of 2011 as echo servers.
//
//     node odd_server.mjs ws-0.4|websocket.io|node-websocket-server
//
// Prints its port on a line when it is ready. Echoes each message.
// Exits when its standard input ends, and after two minutes at the latest.

import './old_node.cjs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const [name] = process.argv.slice(2);
const library = createRequire(`${peers}/`)(name);
const server = createServer((request, response) => response.writeHead(404).end());
// `setEncoding` throws since node 12.
server.on('upgrade', (request, socket) => delete socket.setEncoding);

const attach = {
  'ws-0.4': () => new library.Server({ server }),
  'websocket.io': () => library.attach(server),
  'node-websocket-server': () => library.createServer({ server }),
};

attach[name]().on('connection', (peer) => {
  peer.on('message', (data, flags) => peer.send(data, { binary: flags?.binary ?? false }));
  peer.on('error', () => {});
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
setTimeout(() => process.exit(1), 120_000);
