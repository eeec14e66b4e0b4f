// The node package `ws`, as its documentation shows, with compression for clients that offer it.
//
//     node ws_server.mjs all     sends each message to all clients
//     node ws_server.mjs echo    echoes
//
// The environment variable PING_INTERVAL has the seconds between two pings, if they are not those of the documentation.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = fileURLToPath(new URL('../../../target/peers/', import.meta.url));
const { WebSocket, WebSocketServer } = createRequire(peers)('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true });
const toAll = (data, binary) => {
    for (const client of server.clients) {
        if (client.readyState === WebSocket.OPEN) client.send(data, { binary });
    }
};

server.on('listening', () => console.log(`ws://127.0.0.1:${server.address().port}/`));
server.on('connection', (socket) => {
    socket.isAlive = true;
    socket.on('error', () => socket.terminate());
    socket.on('pong', () => (socket.isAlive = true));
    socket.on('message', process.argv[2] === 'all' ? toAll : (data, binary) => socket.send(data, { binary }));
});

setInterval(() => {
    for (const client of server.clients) {
        if (!client.isAlive) {
            client.terminate();
            continue;
        }
        client.isAlive = false;
        client.ping();
    }
}, 1000 * (process.env.PING_INTERVAL ?? 30));
setTimeout(() => process.exit(1), 600_000);
