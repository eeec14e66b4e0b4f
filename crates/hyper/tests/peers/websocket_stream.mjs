// A WebSocket over a stream of HTTP/2, with the frames and the compression of `ws`.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const { extension, PerMessageDeflate, Receiver, Sender } = createRequire(`${peers}/`)('ws');
const NAME = PerMessageDeflate.extensionName;

// Returns the extension of one end, which `accept`s what the other end sends.
export function deflate(isServer) {
  return new PerMessageDeflate({ isServer, threshold: 0 });
}

// Returns the parameters of permessage-deflate in a header field, for `accept`.
export function parseExtensions(field) {
  return extension.parse(field)[NAME];
}

export function formatExtensions(params) {
  return extension.format({ [NAME]: [params] });
}

export class WebSocketStream {
  #sender;
  #defaults;
  #events = [];
  #waiting = [];

  constructor(stream, isServer, agreed) {
    const extensions = agreed ? { [NAME]: agreed } : {};
    this.stream = stream;
    this.#defaults = { compress: Boolean(agreed), fin: true, mask: !isServer };
    this.#sender = new Sender(stream, extensions);
    const receiver = new Receiver({ isServer, extensions });
    for (const name of ['message', 'ping', 'pong', 'conclude', 'error']) {
      receiver.on(name, (...values) => this.#push([name, ...values]));
    }
    stream.on('error', (error) => this.#push(['error', error]));
    stream.on('close', () => this.#push(['end', stream.rstCode]));
    stream.pipe(receiver);
  }

  // Returns the next event: its name and its values. The last one is `end`, with the code of RST_STREAM or 0.
  next() {
    return this.#events.length ? this.#events.shift() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  // Resolves when the stream has taken the frame.
  send(data, options) {
    const all = { binary: typeof data !== 'string', ...this.#defaults, ...options };
    return new Promise((resolve) => this.#sender.send(data, all, resolve));
  }

  ping(data) {
    this.#sender.ping(data, this.#defaults.mask);
  }

  pong(data) {
    this.#sender.pong(data, this.#defaults.mask);
  }

  close(code, reason) {
    this.#sender.close(code, reason, this.#defaults.mask);
  }

  end() {
    this.stream.end();
  }

  #push(event) {
    if (this.#waiting.length) this.#waiting.shift()(event);
    else this.#events.push(event);
  }
}
