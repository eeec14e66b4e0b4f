// node as a server over HTTP/2 without TLS, with the frames and the compression of `ws`.
//
//     node http2_server.mjs [disabled]
//
// Prints its port on a line when it is ready. With `disabled`, SETTINGS_ENABLE_CONNECT_PROTOCOL is 0. Exits when its standard
// input ends. The paths are those of hypercorn_server.py, and after a message
//
//     /end      ends the stream without a Close
//     /reset    resets the stream

import { createServer } from 'node:http2';

import { deflate, formatExtensions, parseExtensions, WebSocketStream } from './websocket_stream.mjs';

let connections = 0;
const server = createServer({ settings: { enableConnectProtocol: process.argv[2] !== 'disabled' } });
server.on('session', () => (connections += 1));
server.on('stream', (stream, head) => {
  stream.on('error', () => {});
  const [method, protocol, version] = [head[':method'], head[':protocol'], head['sec-websocket-version']];
  if (method !== 'CONNECT' || protocol !== 'websocket' || version !== '13') return refuse(stream, 400, 'not an extended CONNECT\n');
  if (head[':path'] === '/403') return refuse(stream, 403, '');
  if (head[':path'] === '/404') return refuse(stream, 404, 'not found\n');
  const response = { ':status': 200 };
  const subprotocols = (head['sec-websocket-protocol'] ?? '').split(', ');
  if (subprotocols.includes('chat')) response['sec-websocket-protocol'] = 'chat';
  const extension = deflate(true);
  response['sec-websocket-extensions'] = formatExtensions(extension.accept(parseExtensions(head['sec-websocket-extensions'])));
  stream.respond(response);
  converse(new WebSocketStream(stream, true, extension), head[':path']);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit(0));

function refuse(stream, status, body) {
  stream.respond({ ':status': status });
  stream.end(body);
}

async function converse(socket, path) {
  for (;;) {
    const [name, value, more] = await socket.next();
    if (name === 'ping') socket.pong(value);
    if (name === 'conclude') {
      socket.close(value === 1005 ? undefined : value, more);
      return socket.end();
    }
    if (name === 'end' || name === 'error') return;
    if (name !== 'message') continue;
    if (path === '/close') {
      socket.close(4001, 'bye');
      return socket.end();
    }
    if (path === '/end') return socket.end();
    if (path === '/reset') return socket.stream.destroy(new Error('reset'));
    if (path === '/connections') socket.send(String(connections));
    else socket.send(more ? value : value.toString());
  }
}
