// The node package `ws` as an echo server.
//
//     node node_server.mjs [SUBPROTOCOL...]
//
// Prints its port on a line when it is ready. Echoes each message, except these texts:
//
//     close CODE REASON    closes the connection with CODE and REASON; without CODE, with an empty close frame
//     ping PAYLOAD         sends a ping; after the pong, sends the text `pong PAYLOAD`
//     fragments A B ...    sends the words as one text message, with one word in each fragment
//
// Exits when its standard input ends, and after two minutes at the latest.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const { WebSocketServer } = createRequire(`${peers}/`)('ws');
const subprotocols = process.argv.slice(2);

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
});

server.on('listening', () => console.log(server.address().port));
server.on('connection', (socket) => {
  socket.on('pong', (payload) => socket.send(`pong ${payload}`));
  socket.on('message', (data, binary) => {
    const [command, ...words] = binary ? [] : data.toString().split(' ');
    if (command === 'close') {
      const [code, ...reason] = words;
      socket.close(code && Number(code), reason.join(' '));
    } else if (command === 'ping') {
      socket.ping(words.join(' '));
    } else if (command === 'fragments') {
      words.forEach((word, i) => socket.send(word, { fin: i === words.length - 1 }));
    } else {
      socket.send(data, { binary });
    }
  });
});

process.stdin.on('end', () => process.exit(0)).resume();
setTimeout(() => process.exit(1), 120_000);
