// What the scripts about permessage-deflate share: the messages, and parameters as `ws` names them.

export const LINE = 'as much again, and as much again, ';

export const messages = [
  'Hello', 'Hello', '', new Uint8Array(0), LINE.repeat(3000), LINE.repeat(3000),
  Uint8Array.from({ length: 100_000 }, ((state) => () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24)(7)),
  'é'.repeat(500_000), 'Hello',
];

// `server_max_window_bits=9; ...` as `{ serverMaxWindowBits: 9, ... }`.
export function parameters(wishes) {
  const pairs = wishes.split(';').map((wish) => wish.trim()).filter(Boolean).map((wish) => wish.split('='));
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(pairs.map(([name, value]) => [camel(name), value ? Number(value) : true]));
}
