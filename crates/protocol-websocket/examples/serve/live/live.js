// The live section: the connections of all clients. The server sends their changes as JSON.

const live = {
  SAMPLES: 60,          // seconds in a chart
  KEPT_FRAMES: 64,      // as the server keeps
  rows: new Map(),      // by number of the connection
  selected: null,
  frames: [],
  isPaused: false,
  announcements: [],
  delay: 1000,          // before the next attempt to connect
  total: { received: [], sent: [] },
};

function liveConnect() {
  const socket = new WebSocket(`${webSocketOrigin()}/live`, 'live-connections');
  live.socket = socket;
  socket.onopen = () => {
    live.delay = 1000;
    live.isFirst = true;
    if (live.selected !== null) liveSelect(live.selected);
    liveState();
  };
  socket.onmessage = ({ data }) => liveUpdate(JSON.parse(data));
  socket.onclose = () => {
    liveState();
    // A pause in the meantime has ended with another socket.
    setTimeout(() => live.isPaused || live.socket !== socket || liveConnect(), live.delay);
    live.delay = Math.min(live.delay * 2, 10_000);
  };
}

function livePause() {
  live.isPaused = !live.isPaused;
  $('live-pause').ariaPressed = String(live.isPaused);
  if (live.isPaused) {
    live.socket.onclose = live.socket.onmessage = null;
    live.socket.close();
  } else {
    liveConnect();
  }
  liveState();
}

function liveState() {
  const isOpen = live.socket.readyState === WebSocket.OPEN;
  const state = live.isPaused ? 'paused' : isOpen ? 'on' : 'connecting';
  $('live').dataset.live = state;
  $('live-state').textContent = { on: 'Live', paused: 'Paused', connecting: 'Not connected, trying again …' }[state];
}

function liveUpdate({ now, open, connections, gone, selected, frames }) {
  live.offset = now - performance.now();
  if (live.isFirst) liveKeep(connections);
  for (const connection of connections.toReversed()) liveShow(connection);
  for (const id of gone) liveRemove(id);
  if (selected === live.selected && frames.length) liveFrames(frames);
  $('live-open').textContent = grouped(open);
  $('live-empty').hidden = live.rows.size > 0;
  liveRoving();
}

// The first update of a connection has all rows. Those that it does not have are gone. After a restart of the server, another
// client may have the number of a row.
function liveKeep(connections) {
  const addresses = new Map(connections.map(({ id, address }) => [id, address]));
  for (const [id, row] of [...live.rows]) {
    if (addresses.get(id) !== row.connection.address) liveRemove(id);
    row.last = null;
  }
  live.isFirst = false;
}

const liveNow = () => performance.now() + live.offset;

// Rows.

const LIVE_COLUMNS = ['Version', 'Last minute', 'Received', 'Sent', 'Compression', 'Round trip', 'Unsent', 'Age or end'];

function liveShow(connection) {
  const { id, ended } = connection;
  let row = live.rows.get(id);
  if (!row) {
    row = liveRow(connection);
    if (!ended) live.announcements.push(`Client ${id} connected, ${connection.version}.`);
  } else if (ended && !row.connection.ended) {
    live.announcements.push(`Client ${id} ended: ${liveEnd(ended)}.`);
  }
  row.connection = connection;
  const { received, sent } = connection;
  row.node.dataset.state = row.state.dataset.state = ended ? (ended.clean ? 'ended' : 'failed') : 'open';
  row.node.dataset.ended = ended ? ended.code : '';
  liveCell(row, 'Received', size(received.payload), plural(received.messages, 'message'), plural(received.frames, 'frame'));
  liveCell(row, 'Sent', size(sent.payload), plural(sent.messages, 'message'), plural(sent.frames, 'frame'));
  liveCell(row, 'Compression', ...liveCompression(connection));
  liveCell(row, 'Round trip', connection.roundTrip === null ? '–' : milliseconds(connection.roundTrip), ...(connection.pings ? [] : ['no pings']));
  liveCell(row, 'Unsent', ended ? '–' : size(connection.unsent));
  row.cells.Unsent.classList.toggle('bad', !ended && connection.unsent > 0);
  liveAge(row);
  if (id === live.selected) liveFacts();
}

function liveRow(connection) {
  const { id, address, path, version, extensions } = connection;
  const state = element('span', {}, `#${id} ${address}`);
  const pick = element('button', { type: 'button', className: 'pick', tabIndex: -1, ariaPressed: 'false', title: path }, state, element('small', {}, path));
  const node = element('tr', { role: 'row', className: 'new', data: { test: 'live-row', id } }, element('th', { role: 'rowheader', scope: 'row' }, pick));
  const cells = {};
  for (const name of LIVE_COLUMNS) {
    cells[name] = element('td', { role: 'cell', data: { label: name, column: name } });
    node.append(cells[name]);
  }
  const chart = element('div', { className: 'spark' });
  cells['Last minute'].append(chart);
  const row = { connection, node, pick, state, cells, chart, last: null, samples: { received: [], sent: [] } };
  liveCell(row, 'Version', version, extensions || 'no extension');
  node.addEventListener('click', () => { if (!String(getSelection())) liveSelect(live.selected === id ? null : id); });
  // Newest first. Numbers increase.
  const older = [...$('live-rows').children].find((other) => Number(other.dataset.id) < id);
  $('live-rows').insertBefore(node, older ?? null);
  live.rows.set(id, row);
  liveChart(row.chart, row.samples);
  if (id === live.selected) liveMarkSelected();
  return row;
}

// The first line of a cell, and smaller ones. They change only if they are different, so that a selection of text stays.
function liveCell(row, name, ...lines) {
  const cell = row.cells[name];
  const key = lines.join('\n');
  if (cell.dataset.key === key) return;
  cell.dataset.key = key;
  cell.toggleAttribute('data-empty', lines[0] === '–');
  cell.replaceChildren(...lines.map((line, i) => element(i ? 'small' : 'span', {}, line)));
  if (name === 'Compression') cell.append(...liveMeter(row.connection));
}

function liveRatio(before, after) {
  return after === 0 ? '–' : `${(before / after).toFixed(before / after < 10 ? 1 : 0)} : 1`;
}

function liveCompressed({ received, sent }) {
  return [received.compressedPayload + sent.compressedPayload, received.compressedWire + sent.compressedWire];
}

function liveCompression(connection) {
  const [before, after] = liveCompressed(connection);
  if (after) return [liveRatio(before, after), `${size(before)} → ${size(after)}`];
  return connection.extensions ? ['–', 'nothing compressed'] : ['–'];
}

function liveMeter(connection) {
  const [before, after] = liveCompressed(connection);
  if (!after) return [];
  const width = `${Math.min(100, (100 * after) / Math.max(1, before))}%`;
  return [element('span', { className: 'meter', ariaHidden: 'true' }, element('i', { style: { width } }))];
}

function liveCode(code) {
  return CODES[code] ?? (code === 1005 ? 'no code in the Close' : code === 1006 ? 'without a Close' : code < 4000 ? 'other code' : 'private use');
}

function liveEnd({ code, by, clean }) {
  return `${code}, ${liveCode(code)}, by ${by}, ${clean ? 'clean' : 'not clean'}`;
}

function liveDuration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
}

function liveAge(row) {
  const { opened, ended } = row.connection;
  if (!ended) return liveCell(row, 'Age or end', liveDuration(liveNow() - opened), 'open');
  liveCell(row, 'Age or end', `${ended.code} ${ended.clean ? 'clean' : 'not clean'}`, liveCode(ended.code),
    `by ${ended.by}`, `${liveDuration(liveNow() - ended.at)} ago`);
}

function liveRemove(id) {
  const row = live.rows.get(id);
  if (!row) return;
  const hadFocus = row.node.contains(document.activeElement);
  const neighbour = row.node.nextElementSibling ?? row.node.previousElementSibling;
  row.node.remove();
  live.rows.delete(id);
  liveRoving();
  if (hadFocus) neighbour?.querySelector('.pick').focus();
}

// Charts: received above the axis, sent below it.

const LIVE_SVG = 'http://www.w3.org/2000/svg';

function liveSvg(tag, attributes) {
  const node = document.createElementNS(LIVE_SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function liveChart(holder, { received, sent }) {
  const [width, half] = [live.SAMPLES - 1, 20];
  const most = Math.max(1, ...received, ...sent);
  // The square root shows small values next to large ones.
  const height = (value) => Math.sqrt(value / most) * (half - 1);
  const area = (values, sign) => {
    const start = width - values.length + 1;
    const points = values.map((value, i) => `L${start + i} ${(half + sign * height(value)).toFixed(1)}`);
    return values.length ? `M${start} ${half}${points.join('')}L${width} ${half}Z` : '';
  };
  if (!holder.firstChild) {
    const svg = liveSvg('svg', { class: 'chart', viewBox: `0 0 ${width} ${2 * half}`, preserveAspectRatio: 'none', role: 'img' });
    svg.append(liveSvg('path', { class: 'in' }), liveSvg('path', { class: 'out' }), liveSvg('line', { class: 'axis', x1: 0, x2: width, y1: half, y2: half }));
    holder.append(svg);
  }
  const svg = holder.firstChild;
  svg.children[0].setAttribute('d', received.some(Boolean) ? area(received, -1) : '');
  svg.children[1].setAttribute('d', sent.some(Boolean) ? area(sent, 1) : '');
  const peak = (values) => size(Math.max(0, ...values));
  svg.setAttribute('aria-label', `Last minute: received at most ${peak(received)} a second, sent at most ${peak(sent)} a second`);
}

function liveSample() {
  if (live.offset === undefined) return;
  const total = { received: 0, sent: 0 };
  for (const row of live.rows.values()) {
    const { received, sent, ended } = row.connection;
    const bytes = { received: received.wire, sent: sent.wire };
    // The first sample of a connection has no start, unless it opened while this page was open.
    const last = row.last ?? (liveNow() - row.connection.opened < 2000 ? { received: 0, sent: 0 } : bytes);
    for (const direction of ['received', 'sent']) {
      const difference = bytes[direction] - last[direction];
      total[direction] += difference;
      liveAdd(row.samples[direction], difference);
    }
    row.last = bytes;
    if (!ended || row.samples.received.some(Boolean) || row.samples.sent.some(Boolean)) liveChart(row.chart, row.samples);
    liveAge(row);
  }
  for (const direction of ['received', 'sent']) {
    liveAdd(live.total[direction], total[direction]);
    $(`live-${direction}`).textContent = `${size(total[direction])}/s`;
  }
  liveChart($('live-total'), live.total);
  if (live.selected !== null) liveFacts();
}

function liveAdd(samples, value) {
  samples.push(value);
  if (samples.length > live.SAMPLES) samples.shift();
}

// The selected connection.

function liveSelect(id) {
  live.selected = id;
  live.frames = [];
  if (id !== null) live.announcements.push(`The frames of client ${id} follow the table.`);
  $('live-frame-rows').replaceChildren();
  $('live-earlier').textContent = '';
  if (live.socket.readyState === WebSocket.OPEN) live.socket.send(JSON.stringify({ select: id }));
  $('live-detail').hidden = id === null;
  liveStrip();
  liveFacts();
  liveMarkSelected();
}

function liveMarkSelected() {
  for (const [id, { node, pick }] of live.rows) {
    const isSelected = id === live.selected;
    node.toggleAttribute('data-selected', isSelected);
    pick.ariaPressed = String(isSelected);
  }
  liveRoving();
}

// One row is in the tab order: the focused one, the selected one, or the first.
function liveRoving() {
  const rows = [...$('live-rows').children];
  const current = rows.find((row) => row.contains(document.activeElement)) ?? rows.find((row) => row.hasAttribute('data-selected')) ?? rows[0];
  for (const row of rows) row.querySelector('.pick').tabIndex = row === current ? 0 : -1;
}

function liveFacts() {
  const row = live.rows.get(live.selected);
  if (!row) return;
  const { id, address, path, subprotocol, extensions, received, sent, opened, ended } = row.connection;
  $('live-detail-title').textContent = `#${id} ${address} ${path}`;
  const compressed = ({ compressedPayload, compressedWire }) => (compressedWire ? `${size(compressedPayload)} → ${size(compressedWire)}, ${liveRatio(compressedPayload, compressedWire)}` : '–');
  const facts = {
    Subprotocol: subprotocol || '–', Extensions: extensions || '–',
    'Compression, received': compressed(received), 'Compression, sent': compressed(sent),
    'On the wire, received': size(received.wire), 'On the wire, sent': size(sent.wire),
    ...(ended ? { End: liveEnd(ended), ...(ended.error ? { Error: ended.error } : {}), Lasted: liveDuration(ended.at - opened) } : {}),
  };
  const key = JSON.stringify(facts);
  if ($('live-facts').dataset.key === key) return;
  $('live-facts').dataset.key = key;
  $('live-facts').replaceChildren(...Object.entries(facts).map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
}

// The server keeps as many frames as the page, so that the list has no gap.
function liveFrames(frames) {
  live.frames = [...frames.toReversed(), ...live.frames].slice(0, live.KEPT_FRAMES);
  const body = $('live-frame-rows');
  body.prepend(...frames.toReversed().map(liveFrame));
  while (body.children.length > live.KEPT_FRAMES) body.lastChild.remove();
  const earlier = live.frames.at(-1).number;
  $('live-earlier').textContent = earlier ? `${plural(earlier, 'earlier frame')}, not kept` : '';
  liveStrip();
}

function liveFrame({ number, direction, opcode, fin, compressed, wire, payload, at }) {
  const cell = (...children) => element('td', { role: 'cell' }, ...children);
  const data = { test: 'live-frame', number, direction, opcode, fin, compressed, wire, payload };
  return element('tr', { role: 'row', className: 'new', data }, cell(seconds(at)), element('td', { role: 'cell', className: direction }, arrow(direction).firstChild, direction),
    element('td', { role: 'cell', className: direction }, element('b', {}, opcode)), cell(fin ? 'FIN' : 'no FIN'), cell(compressed ? 'compressed' : ''),
    cell(size(wire)), cell(size(payload)));
}

function liveStrip() {
  const [slots, half] = [live.KEPT_FRAMES, 30];
  const svg = liveSvg('svg', { class: 'chart', viewBox: `0 0 ${slots * 10} ${2 * half}`, preserveAspectRatio: 'none', role: 'img' });
  svg.setAttribute('aria-label', `The last ${plural(live.frames.length, 'frame')}. The table below has the same content.`);
  const most = Math.max(10, ...live.frames.map(({ payload }) => Math.log2(payload + 1)));
  live.frames.forEach(({ direction, opcode, payload }, i) => {
    const height = 3 + ((half - 5) * Math.log2(payload + 1)) / most;
    const isControl = ['ping', 'pong', 'close'].includes(opcode);
    svg.append(liveSvg('rect', { class: `strip-bar ${direction} ${isControl ? 'control' : ''}`, x: (slots - 1 - i) * 10 + 1.5, width: 7, height: height.toFixed(1), y: direction === 'sent' ? half + 1 : (half - 1 - height).toFixed(1) }));
  });
  svg.append(liveSvg('line', { class: 'axis', x1: 0, x2: slots * 10, y1: half, y2: half }));
  $('live-strip').replaceChildren(svg);
}

// Event handlers.

$('live-rows').addEventListener('keydown', (event) => {
  const rows = [...$('live-rows').children];
  const at = rows.findIndex((row) => row.contains(event.target));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  rows[to]?.querySelector('.pick').focus();
  liveRoving();
});
// An animation that has run does not start again when the layout changes.
$('live').addEventListener('animationend', ({ target }) => target.closest('tr')?.classList.remove('new'));
$('live').addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && live.selected !== null) liveDeselect();
});
function liveDeselect() {
  const row = live.rows.get(live.selected);
  liveSelect(null);
  (row?.pick ?? document.querySelector('.pick'))?.focus();
}
$('live-deselect').addEventListener('click', liveDeselect);
$('live-pause').addEventListener('click', livePause);
setInterval(() => live.isPaused || liveSample(), 1000);
// A screen reader gets one sentence at a time.
setInterval(() => {
  const { length } = live.announcements;
  if (length === 0 || live.isPaused) return;
  const first = live.announcements.splice(0).at(-1);
  $('live-announce').textContent = length === 1 ? first : `${first} ${length - 1} other changes.`;
}, 2000);
$('live-url').textContent = `${webSocketOrigin()}/`;
liveConnect();
