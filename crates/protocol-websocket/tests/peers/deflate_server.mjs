// The node package `ws` as an echo server with compression.
//
//     node deflate_server.mjs PARAMETERS
//
// PARAMETERS are those of permessage-deflate. Prints its port on a line when it is ready. Exits when its
// standard input ends, and after two minutes at the latest.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { parameters } from './deflate.mjs';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const { WebSocketServer } = createRequire(`${peers}/`)('ws');

const perMessageDeflate = { ...parameters(process.argv[2]), threshold: 0 };
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate });
server.on('listening', () => console.log(server.address().port));
server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));

process.stdin.on('end', () => process.exit(0)).resume();
setTimeout(() => process.exit(1), 120_000);
