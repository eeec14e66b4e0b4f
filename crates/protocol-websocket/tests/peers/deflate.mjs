// Shared code of the scripts for permessage-deflate: the messages, and parameters as `ws` names them.

export const LINE = 'repeated text, repeated text, and so on, ';

export const messages = [
  'Hello', 'Hello', '', new Uint8Array(0), LINE.repeat(3000), LINE.repeat(3000),
  Uint8Array.from({ length: 100_000 }, ((state) => () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24)(7)),
  'é'.repeat(500_000), 'Hello',
];

// Converts `server_max_window_bits=9; ...` to `{ serverMaxWindowBits: 9, ... }`.
export function parameters(values) {
  const pairs = values.split(';').map((value) => value.trim()).filter(Boolean).map((value) => value.split('='));
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(pairs.map(([name, value]) => [camel(name), value ? Number(value) : true]));
}
