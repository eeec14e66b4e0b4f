// Chromium as a client of an echo server, with compression.
//
//     node deflate_chromium.mjs URL ACCEPTED
//
// Chromium always sends the same offer, with a window of the server's choice. The server must respond with the extension
// ACCEPTED. Exits with status 1 at the first failed check.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { messages } from './deflate.mjs';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const { chromium } = createRequire(`${peers}/`)('playwright-core');

const [url, accepted] = process.argv.slice(2);
setTimeout(() => process.exit(1), 120_000).unref();
const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
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
