// The live section of the page of the `serve` example in Chromium: other clients, the keyboard, and narrow screens.
//
//     node live.mjs http://127.0.0.1:PORT/
//
// Prints a line for each successful check, and exits with status 1 at the first failure.

import { check, fail, launch, require } from './browser.mjs';

const WebSocket = require('ws');
const [url] = process.argv.slice(2);
const browser = await launch();

try {
  await ownPage();
  await foreignPage();
} catch (error) {
  fail(error.message);
}
await browser.close();
process.exit(0);

// A page of another origin. The server is 127.0.0.1 for it, too.
async function foreignPage() {
  const page = await browser.newPage();
  await page.goto(url.replace('127.0.0.1', 'localhost'));
  const open = (subprotocols) => page.evaluate(([url, subprotocols]) => new Promise((resolve) => {
    const socket = new WebSocket(url, subprotocols);
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve('error');
  }), [url.replace('http', 'ws'), subprotocols]);
  check('an echo for a page of another origin', await open([]), 'open');
  check('no connections for a page of another origin', await open(['live-connections']), 'error');
  await page.close();
}

async function ownPage() {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => fail(`error in the page: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && fail(`error in the console: ${message.text()}`));
  const [first, second] = [await client('first'), await client('second')];
  await page.goto(url);
  await page.waitForSelector('#live[data-live=on]');
  await page.waitForFunction(() => document.querySelectorAll('[data-test=live-row]').length === 2);
  check('newest first', (await page.locator('[data-test=live-row] .pick small').allTextContents()).join(), '/second,/first');
  check('open', await page.textContent('#live-open'), '2');

  // The keyboard: one row is in the tab order, the arrow keys move between the rows, Enter selects.
  check('rows in the tab order', await page.locator('.pick[tabindex="0"]').count(), 1);
  await page.focus('#live-pause');
  await page.keyboard.press('Tab');
  check('the focus on the newest', await focused(page), '/second');
  await page.keyboard.press('ArrowDown');
  check('the focus after an arrow key', await focused(page), '/first');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  check('the focus is visible', outline, 'solid');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#live-detail:not([hidden])');
  check('selected', await page.getAttribute('[data-test=live-row][data-selected] .pick', 'aria-pressed'), 'true');
  check('title', /^#\d+ 127\.0\.0\.1:\d+ \/first$/.test(await page.textContent('#live-detail-title')), true);

  // Frames, as they arrive.
  await echoed(second, 'another');
  await echoed(first, 'Hello');
  await frame(page, { direction: 'received', opcode: 'text', fin: true, compressed: true, payload: 5 });
  await frame(page, { direction: 'sent', opcode: 'text', fin: true, payload: 5 });
  await frame(page, { direction: 'sent', opcode: 'ping', fin: true, compressed: false, payload: 10, wire: 10 });
  await echoed(first, 'a'.repeat(20_000));
  await frame(page, { direction: 'received', opcode: 'text', fin: true, compressed: true, payload: 20_000 });
  first.send(Buffer.alloc(10), { fin: false });
  await echoed(first, Buffer.alloc(20));
  await frame(page, { direction: 'received', opcode: 'binary', fin: false, payload: 10 });
  await frame(page, { direction: 'received', opcode: 'continuation', fin: true, payload: 20 });
  check('frames of the other client', await page.locator('[data-test=live-frame][data-payload="7"]').count(), 0);
  await cell(page, 'first', 'Received', '3 messages');
  await cell(page, 'first', 'Sent', '3 messages');
  await cell(page, 'first', 'Compression', ': 1');
  await cell(page, 'first', 'Round trip', ' ms');

  // A burst has more frames than the page keeps.
  for (let i = 0; i < 200; i++) second.send('burst');
  await page.locator('[data-test=live-row]', { hasText: '/second' }).click();
  await page.waitForFunction(() => document.querySelector('#live-earlier').textContent.startsWith('3'));
  check('frames after a burst', await page.locator('[data-test=live-frame]').count(), 64);
  await page.locator('[data-test=live-row]', { hasText: '/first' }).click();
  await frame(page, { direction: 'received', opcode: 'continuation', fin: true, payload: 20 });

  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 800, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        const outside = [...document.querySelectorAll('#live *:not(svg *)')].filter((node) => {
          const { right, width } = node.getBoundingClientRect();
          return width > 1 && right > clientWidth + 0.5;
        });
        return `${scrollWidth <= clientWidth} ${outside.map((node) => node.className || node.tagName)}`;
      });
      check(`nothing overflows, ${width} px, ${colorScheme}`, wide, 'true ');
    }
  }

  // The end of a connection, also for assistive technology.
  first.close(4001, 'confidential');
  await page.waitForSelector('[data-test=live-row][data-selected][data-state=ended][data-ended="4001"]');
  await cell(page, 'first', 'Age or end', '4001 clean');
  await cell(page, 'first', 'Age or end', 'by the peer');
  await page.waitForFunction(() => document.querySelector('#live-announce').textContent.includes('ended: 4001'));
  await frame(page, { direction: 'received', opcode: 'close', payload: 14 });
  second.terminate();
  await page.waitForSelector('[data-test=live-row][data-state=failed][data-ended="1006"]');
  check('open at the end', await page.textContent('#live-open'), '0');

  await page.focus('[data-test=live-row][data-selected] .pick');
  await page.keyboard.press('Escape');
  check('closed by Escape', await page.isHidden('#live-detail'), true);
  check('the focus afterwards', await focused(page), '/first');

  // A pause ends the connection of the page. Afterwards it has everything.
  await page.click('#live-pause');
  await page.waitForSelector('#live[data-live=paused]');
  const third = await client('third');
  check('rows during a pause', await page.locator('[data-test=live-row]').count(), 2);
  await page.click('#live-pause');
  await page.waitForFunction(() => document.querySelectorAll('[data-test=live-row]').length === 3);
  third.terminate();

  check('contents', (await page.content()).includes('confidential'), false);
  await page.close();
}

async function client(path) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('open', resolve));
  return socket;
}

async function echoed(socket, data) {
  const echo = new Promise((resolve) => socket.once('message', resolve));
  socket.send(data);
  await echo;
}

function focused(page) {
  return page.evaluate(() => document.activeElement.querySelector('small')?.textContent);
}

async function frame(page, values) {
  const attributes = Object.entries(values).map(([name, value]) => `[data-${name}="${value}"]`).join('');
  await page.waitForSelector(`[data-test=live-frame]${attributes}`, { state: 'attached' });
  console.log(`ok frame ${attributes}`);
}

async function cell(page, path, column, text) {
  await page.locator('[data-test=live-row]', { hasText: `/${path}` }).locator(`[data-column="${column}"]`, { hasText: text }).waitFor();
  console.log(`ok ${column} of ${path}: ${text}`);
}
