// Chromium as a client of an echo server, with compression.
//
//     node deflate_chromium.mjs URL ACCEPTED
//
// Chromium always sends the same offer, with a window of the server's choice. The server must respond with the extension
// ACCEPTED. Exits with status 1 at the first failed check.

import assert from 'node:assert/strict';
import { launch } from './browser.mjs';
import { messages } from './deflate.mjs';

const [url, accepted] = process.argv.slice(2);
const browser = await launch();
const page = await browser.newPage();
const plain = messages.map((message) => (typeof message === 'string' ? message : [...message]));
const found = await page.evaluate(async ({ url, plain }) => {
  const once = (socket, name) => new Promise((resolve) => socket.addEventListener(name, resolve, { once: true }));
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  await once(socket, 'open');
  const same = [];
  for (const message of plain) {
    const next = once(socket, 'message');
    socket.send(typeof message === 'string' ? message : Uint8Array.from(message));
    const { data } = await next;
    same.push(typeof message === 'string' ? data === message : new Uint8Array(data).join() === message.join());
  }
  const { extensions } = socket;
  const closing = once(socket, 'close');
  socket.close(1000);
  return { extensions, same, clean: (await closing).wasClean };
}, { url, plain });
assert.deepEqual(found, { extensions: accepted, same: messages.map(() => true), clean: true });
await browser.close();
process.exit(0);
