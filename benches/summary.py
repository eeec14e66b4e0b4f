"""Makes the first table of docs/performance.md from the other tables of the page."""
import re

# What a user chooses by, in words; the section, our row (or column), and the load.
ROWS = (
    ('receive a text of 125 B at a server', 'decode masked ASCII text', 'connection', '125 B'),
    ('receive a text of 16 KiB at a server', 'decode masked ASCII text', 'connection', '16 KiB'),
    ('send 125 B at a server', 'encode, server', 'connection', '125 B'),
    ('send 125 B at a client', 'encode, client', 'connection', '125 B'),
    ('open a connection at a server', 'server handshake', 'connection', "a browser's request"),
    ('compress 400 B at level 1', 'compress', 'permessage-deflate', 'level 1'),
    ('echo 125 B in tokio: 1 client, 1 message in flight', 'echo', 'protocol-websocket-tokio', '1 × 125 B, depth 1'),
    ('64 clients, each with 16 in flight', 'echo', 'protocol-websocket-tokio', '64 × 125 B, depth 16'),
    ('echo 125 B in axum: 64 clients, each with 64 in flight', 'axum', 'protocol-websocket-axum', '64 × 125 B, depth 64'),
    ('compress 1 KiB, and send it to 1,000 clients', 'broadcast', 'protocol-websocket-tokio', '1000 × 1 KiB'),
    ('an idle connection in tokio', 'memory', 'tokio', 'KiB per connection, fresh'),
    ('an idle connection in axum', 'axum', 'axum-queue', 'KiB per connection, fresh'),
    ('an idle connection in tokio that has compressed', 'compressed memory', 'tokio-deflate-release', 'idle'),
    ('a million idle connections in tokio, with the kernel', 'many', 'protocol-websocket-tokio', 'GiB, idle'),
    ('the same after a compressed message to all', 'many', 'protocol-websocket-tokio', 'GiB, compressed'),
)
OURS = re.compile(r'\*\*|protocol-websocket|tokio$|tokio-deflate|axum-(queue|ws)$|its module ws')
NOT_LIBRARIES = re.compile(r'.*baseline|httparse|sha1|std$|memcpy|the response')
INCOMPLETE = ('UTF-8', 'unpredictable keys', 'parsing', 'the copy')
UNITS = {'ns': 1e-9, 'µs': 1e-6, 's': 1.0}


def section(page, name):
    """Returns the tables between the markers with this name, each as a list of rows of cells."""
    text = page.split(f'<!-- begin {name} -->\n')[1].split(f'<!-- end {name} -->')[0]
    tables = re.findall(r'(?:^\|.*\n)+', text, re.MULTILINE)
    return [[[cell.strip() for cell in line.strip('|').split('|')] for line in table.splitlines()] for table in tables]


def seconds(cell):
    """Returns the time that a cell ends with, or None. `0.51 · 40.4 ns` has 4.04e-8."""
    found = re.search(r'([\d.]+) (ns|µs|s)(?: ±\d+ %)?$', cell)
    return found and float(found[1]) * UNITS[found[2]]


def of_servers(table, load):
    """Returns the value of each library of a table with a row for each library. A library that leaves a check out has none."""
    head, _, *rows = table
    column = head.index(load)
    leaves_out = head.index('leaves out') if 'leaves out' in head else None
    complete = [row for row in rows if leaves_out is None or not row[leaves_out].startswith(INCOMPLETE)]
    return {row[0]: seconds(row[column]) or float(row[column]) for row in complete if row[column] != '–'}


def of_loads(table, load):
    """Returns the time of each library of a table with a column for each library: the best form, times the baseline."""
    head, _, *rows = table
    row = next(row for row in rows if row[0] == load)
    baseline = seconds(row[1])
    ratios = ([float(ratio) for ratio in re.findall(r'([\d.]+) ±', cell)] for cell in row[2:])
    return {name: min(values) * baseline for name, values in zip(head[2:], ratios)}


def values(page, name, load):
    """Returns the values of the libraries for one load, from the tables of a section."""
    tables = section(page, name)
    if name == 'broadcast':
        tables = [table for table in tables if 'deflate' in table[0][1]]  # Another table has the same loads without compression.
    for table in tables:
        if load in table[0]:
            return of_servers(table, load)
        if any(row[0] == load and seconds(row[1]) for row in table):
            return of_loads(table, load)
    raise LookupError(f'{name}: {load}')


def shown(value, memory):
    """Returns a value with its unit, which is that of the memory unless it is a time."""
    if memory:
        return f'{value:.1f} {memory}'
    unit, size = next((unit, size) for unit, size in (('ms', 1e-3), ('µs', 1e-6), ('ns', 1e-9)) if value >= size)
    return f'{value / size:.3g} {unit}'


def summary(page):
    """Returns the table."""
    lines = ['| processor time, or memory | this library | the best other library | | times as fast or small |',
             '|---|---:|---:|---|---:|']
    for words, name, ours, load in ROWS:
        found = values(page, name, load)
        own = next(value for library, value in found.items() if library.strip('*') == ours)
        others = {library: value for library, value in found.items()
                  if not OURS.match(library) and not NOT_LIBRARIES.match(library)}
        best = min(others, key=others.get)
        memory = 'GiB' if name == 'many' else 'KiB' if name.endswith('memory') or load.startswith('KiB') else None
        library = re.sub('^axum-|-deflate$', '', best)
        lines.append(f'| {words} | {shown(own, memory)} | {shown(others[best], memory)} | {library} | {others[best] / own:.1f} |')
    return '\n'.join(lines)
