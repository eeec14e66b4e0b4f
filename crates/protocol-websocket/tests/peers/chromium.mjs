// Chromium as a client of the `serve` example: through the example's page, and by scripts.
//
//     node chromium.mjs http://127.0.0.1:PORT/ [SUBPROTOCOL]
//
// Prints a line for each successful check, and exits with status 1 at the first failure.
// SUBPROTOCOL (default: chat) is supported by the server.

import { check, fail, launch } from './browser.mjs';

const MIB = 1 << 20;
const [url, subprotocol = 'chat'] = process.argv.slice(2);
const browser = await launch();

const page = await browser.newPage();
page.setDefaultTimeout(60_000);
const requests = [];
page.on('request', (request) => requests.push(request.url()));
page.on('pageerror', (error) => fail(`error in the page: ${error.message}`));
page.on('console', (message) => message.type() === 'error' && fail(`error in the console: ${message.text()}`));

try {
  await page.goto(url);
  check('the page', await page.textContent('h1'), 'protocol-websocket');
  check('no state before connecting', await page.getAttribute('#state', 'data-state'), 'CLOSED');
  await throughThePage();
  await byScript();
  check('no other request was sent', requests.filter((request) => !request.startsWith('data:')).join(), url);
} catch (error) {
  fail(error.message);
}
await browser.close();

async function throughThePage() {
  await connect(`no-such, ${subprotocol}`);
  check('subprotocol', await page.textContent('#agreed'), `subprotocol ${subprotocol}, permessage-deflate`);

  await page.check('#kind-text', { force: true });
  const texts = { text: 'Hello', 'non-ASCII text': 'Größe κόσμε 世界 🦀', 'empty text': '', '1 MiB of text': 'é'.repeat(MIB / 2) };
  for (const [name, text] of Object.entries(texts)) {
    await page.fill('#text', text);
    await echoed(name, 1, Buffer.byteLength(text), () => page.click('#send'));
  }
  await page.check('#kind-hex', { force: true });
  await page.fill('#hex', '00 ff 0x80, c3:28');
  await echoed('hex', 2, 5, () => page.click('#send'));
  await page.check('#kind-file', { force: true });
  await page.setInputFiles('#file', { name: 'file.bin', mimeType: 'application/octet-stream', buffer: Buffer.from([0, 1, 254, 255]) });
  await echoed('file', 2, 4, () => page.click('#send'));
  await page.check('#kind-random', { force: true });
  for (const bytes of [0, 125, 126, 65535, 65536, MIB]) {
    await page.click(`#sizes [data-size="${bytes}"]`);
    await echoed(`binary of ${bytes} bytes`, 2, bytes, () => page.click('#send'));
  }

  await header('sent', 1, 5, '81 85 ?? ?? ?? ??');
  await header('received', 1, 5, '81 05');
  await header('sent', 2, 126, '82 fe 00 7e ?? ?? ?? ??');
  await header('received', 2, 65536, '82 7f 00 00 00 00 00 01 00 00');

  await page.fill('#ping-count', '20');
  await page.click('#ping');
  await page.waitForFunction(() => document.querySelectorAll('[data-echo=identical]').length === 32);
  check('20 pings', /^\d+(\.\d)? ms$/.test(await page.textContent('#ping-median')), true);
  check('messages counted', await page.getAttribute('#count-received', 'data-messages'), '32');
  check('none differed', await page.locator('[data-echo=different]').count(), 0);

  await page.fill('#close-code', '1001');
  await page.click('#close');
  check('a code that browsers refuse', await page.textContent('#close-error'), 'The code must be 1000 or 3000 to 4999, or nothing.');
  await closed('4999', 'Größe');

  for (const [code, reason] of [['1000', ''], ['3000', 'r'.repeat(123)], ['', '']]) {
    await connect('');
    check('no subprotocol', await page.textContent('#agreed'), 'no subprotocol, permessage-deflate');
    await closed(code, reason);
  }
}

async function connect(subprotocols) {
  await page.fill('#path', '/some/path?query=1');
  await page.fill('#subprotocols', subprotocols);
  await page.click('#connect');
  await page.waitForSelector('#state[data-state=OPEN]');
  await page.click('#clear');
}

async function echoed(name, opcode, length, send) {
  const before = Number(await page.getAttribute('#count-received', 'data-messages'));
  await send();
  await page.waitForSelector(`#count-received[data-messages="${before + 1}"]`);
  const { dataset } = await page.locator('#timeline > li').first().evaluate(({ dataset }) => ({ dataset: { ...dataset } }));
  const found = [dataset.direction, dataset.opcode, dataset.length, dataset.echo];
  check(name, found.join(' '), ['received', opcode, length, 'identical'].join(' '));
}

async function header(direction, opcode, length, wanted) {
  const line = page.locator(`[data-test=frame][data-direction=${direction}][data-opcode="${opcode}"][data-length="${length}"]`).first();
  await line.locator('summary').click();
  check(`fields of a frame ${direction}, ${length} bytes`, await line.locator('[data-field=header]').getAttribute('data-value'), wanted);
  await line.locator('summary').click();
}

async function closed(code, reason) {
  await page.fill('#close-code', code);
  await page.fill('#close-reason', reason);
  await page.click('#close');
  await page.waitForSelector('#state[data-state=CLOSED]');
  const { dataset } = await page.locator('#timeline > li').first().evaluate(({ dataset }) => ({ dataset: { ...dataset } }));
  const found = [dataset.direction, dataset.opcode, dataset.code, dataset.reason, dataset.clean];
  check(`close ${code || 'without a code'}`, found.join(' '), ['received', 8, code || 1005, reason, true].join(' '));
}

async function byScript() {
  const found = await page.evaluate(async ({ url, subprotocol, MIB }) => {
    const once = (socket, name) => new Promise((resolve) => socket.addEventListener(name, resolve, { once: true }));
    const bytes = Uint8Array.from({ length: MIB }, (_, i) => i * 31 + (i >> 8));
    const socket = new WebSocket(url, [subprotocol, 'no-such']);
    socket.binaryType = 'arraybuffer';
    await once(socket, 'open');

    let next = once(socket, 'message');
    socket.send('Größe 🦀');
    const text = (await next).data;
    next = once(socket, 'message');
    socket.send(bytes);
    const binary = new Uint8Array((await next).data);

    const many = [];
    const all = new Promise((resolve) => socket.addEventListener('message', ({ data }) => many.push(data) === 1000 && resolve()));
    for (let i = 0; i < 1000; i++) socket.send(`message ${i}`);
    await all;

    const closing = once(socket, 'close');
    socket.close(3999, 'Größe');
    const { code, reason, wasClean } = await closing;
    return {
      protocol: socket.protocol, text, binary: binary.length === MIB && binary.every((byte, i) => byte === bytes[i]),
      many: many.every((message, i) => message === `message ${i}`), close: `${code} ${reason} ${wasClean}`,
    };
  }, { url: url.replace('http', 'ws'), subprotocol, MIB });
  check('by script: subprotocol', found.protocol, subprotocol);
  check('by script: text', found.text, 'Größe 🦀');
  check('by script: 1 MiB of binary', found.binary, true);
  check('by script: 1000 messages at once, in order', found.many, true);
  check('by script: close', found.close, '3999 Größe true');
}
