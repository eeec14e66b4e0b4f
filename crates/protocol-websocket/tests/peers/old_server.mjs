// Node packages that support old versions, as echo servers.
//
//     node old_server.mjs websocket-driver|faye-websocket|websocket [SUBPROTOCOL...]
//
// Prints its port on a line when it is ready. Echoes each message.
// Exits when its standard input ends, and after two minutes at the latest.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const [name, ...subprotocols] = process.argv.slice(2);
const library = createRequire(`${peers}/`)(name);
const server = createServer((request, response) => response.writeHead(404).end());

const attach = {
  'websocket-driver': (request, socket, head) => {
    const driver = library.http(request, { protocols: subprotocols });
    driver.messages.on('data', (data) => (typeof data === 'string' ? driver.text(data) : driver.binary(data)));
    driver.on('close', () => socket.end());
    socket.on('end', () => socket.end());
    driver.io.write(head);
    socket.pipe(driver.io).pipe(socket);
    driver.start();
  },
  'faye-websocket': (request, socket, head) => {
    const peer = new library(request, socket, head, subprotocols);
    peer.on('message', ({ data }) => peer.send(data));
  },
};

if (name in attach) {
  server.on('upgrade', attach[name]);
} else {
  const websocket = new library.server({ httpServer: server, maxReceivedFrameSize: 1 << 20 });
  websocket.on('request', (request) => {
    const peer = request.accept(subprotocols.find((name) => request.requestedProtocols.includes(name)), request.origin);
    peer.on('message', (message) => (message.type === 'utf8' ? peer.sendUTF(message.utf8Data) : peer.sendBytes(message.binaryData)));
  });
}

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
setTimeout(() => process.exit(1), 120_000);
