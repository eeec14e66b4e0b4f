//! The servers, in groups with a common baseline, and the loads of each group.

use crate::clients::Load;
use crate::process::Program;
#[cfg(feature = "peers")]
use crate::process::Script;

/// Servers that are compared with one baseline.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) baseline: Contender,
    pub(crate) columns: &'static [Column],
    pub(crate) loads: &'static [Load],
}

/// One library, in one or two forms: as its documentation shows, and in its best form.
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) is_ours: bool,
    pub(crate) forms: &'static [Contender],
}

#[derive(Clone, Copy)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
}

impl Group {
    /// Returns the baseline, then all other servers whose names contain `only`.
    pub(crate) fn contenders(&self, only: &str) -> impl Iterator<Item = Contender> {
        let forms = self.columns.iter().flat_map(|column| column.forms).copied();
        std::iter::once(self.baseline).chain(forms.filter(move |form| form.name.contains(only)))
    }
}

pub(crate) const fn own(name: &'static str) -> Contender {
    Contender { name, program: Program::Own(name) }
}

const fn example(name: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender { name, program: Program::Example(name, arguments) }
}

/// The Python package `websockets`.
#[cfg(feature = "peers")]
pub(crate) const fn websockets(name: &'static str, mode: &'static str) -> Contender {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/echo/servers/websockets_server.py");
    Contender {
        name,
        program: Program::Script(Script { interpreter: "python3", file, package: "python/websockets" }, mode),
    }
}

/// The node package `ws`.
#[cfg(feature = "peers")]
pub(crate) const fn ws(name: &'static str, mode: &'static str) -> Contender {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/echo/servers/ws_server.mjs");
    Contender { name, program: Program::Script(Script { interpreter: "node", file, package: "node_modules/ws" }, mode) }
}

const fn ours(title: &'static str, forms: &'static [Contender]) -> Column {
    Column { title, is_ours: true, forms }
}

#[cfg(feature = "peers")]
const fn peer(title: &'static str, forms: &'static [Contender]) -> Column {
    Column { title, is_ours: false, forms }
}

/// Echo over tokio, over a poll loop, over threads, and with compression.
pub(crate) const ECHO: &[Group] = &[
    Group {
        title: "tokio",
        baseline: own("baseline-tokio"),
        columns: &[
            ours("protocol-websocket-tokio", &[own("tokio"), own("tokio-lent")]),
            #[cfg(feature = "peers")]
            peer("tokio-tungstenite", &[own("tokio-tungstenite"), own("tokio-tungstenite-batch")]),
            #[cfg(feature = "peers")]
            peer("fastwebsockets", &[own("fastwebsockets"), own("fastwebsockets-batch")]),
            #[cfg(feature = "peers")]
            peer("tokio-websockets", &[own("tokio-websockets"), own("tokio-websockets-batch")]),
            #[cfg(feature = "peers")]
            peer("yawc", &[own("yawc"), own("yawc-batch")]),
            #[cfg(feature = "peers")]
            peer("sockudo-ws", &[own("sockudo-ws"), own("sockudo-ws-batch")]),
        ],
        loads: &[
            Load::new(1, 16, 1),
            Load::new(1, 16, 16),
            Load::new(1, 16, 64),
            Load::new(1, 125, 1),
            Load::new(1, 125, 16),
            Load::new(1, 125, 64),
            Load::new(1, 1 << 10, 1),
            Load::new(1, 1 << 10, 16),
            Load::new(1, 1 << 10, 64),
            Load::new(1, 16 << 10, 1),
            Load::new(1, 16 << 10, 16),
            Load::new(1, 16 << 10, 64),
            Load::new(1, 1 << 20, 1),
            Load::new(1, 1 << 20, 16),
            Load::new(1, 1 << 20, 64),
            Load::new(64, 125, 1),
            Load::new(64, 125, 16),
            Load::new(64, 16 << 10, 4),
            Load::new(1000, 125, 1),
            Load::new(1000, 125, 16),
            Load::new(1000, 1 << 10, 4),
        ],
    },
    Group {
        title: "tokio, compressed",
        baseline: own("baseline-deflate"),
        columns: &[
            ours("protocol-websocket-tokio", &[own("tokio-deflate"), own("tokio-deflate-lent")]),
            #[cfg(feature = "peers")]
            peer("yawc", &[own("yawc-deflate"), own("yawc-deflate-batch")]),
            #[cfg(feature = "peers")]
            peer("sockudo-ws", &[own("sockudo-ws-deflate"), own("sockudo-ws-deflate-batch")]),
        ],
        loads: &[
            Load::new(1, 1 << 10, 1).compressed(),
            Load::new(1, 1 << 10, 16).compressed(),
            Load::new(1, 16 << 10, 1).compressed(),
            Load::new(1, 16 << 10, 16).compressed(),
            Load::new(64, 1 << 10, 4).compressed(),
        ],
    },
    Group {
        title: "a poll loop",
        baseline: own("baseline-mio"),
        columns: &[ours("poll_server", &[example("poll_server", &["0"])])],
        loads: FEW,
    },
    Group {
        title: "threads",
        baseline: own("baseline-std"),
        columns: &[
            ours("serve", &[example("serve", &["--port", "0", "--no-live"])]),
            #[cfg(feature = "peers")]
            peer("tungstenite", &[own("tungstenite")]),
        ],
        loads: FEW,
    },
];

const FEW: &[Load] = &[
    Load::new(1, 125, 1),
    Load::new(1, 125, 64),
    Load::new(32, 125, 16),
    Load::new(64, 125, 1),
    Load::new(1, 16 << 10, 8),
    Load::new(32, 16 << 10, 4),
];

/// Broadcast: each message is sent to all clients.
pub(crate) const BROADCAST: &[Group] = &[
    Group {
        title: "plain",
        baseline: own("broadcast-baseline"),
        columns: &[
            ours("protocol-websocket-tokio", &[own("broadcast-tokio")]),
            #[cfg(feature = "peers")]
            peer("tokio-tungstenite", &[own("broadcast-tokio-tungstenite")]),
            #[cfg(feature = "peers")]
            peer("fastwebsockets", &[own("broadcast-fastwebsockets")]),
            #[cfg(feature = "peers")]
            peer("tokio-websockets", &[own("broadcast-tokio-websockets")]),
            #[cfg(feature = "peers")]
            peer("yawc", &[own("broadcast-yawc")]),
            #[cfg(feature = "peers")]
            peer("sockudo-ws", &[own("broadcast-sockudo-ws")]),
        ],
        loads: &[Load::new(1000, 125, 1), Load::new(1000, 1 << 10, 1), Load::new(1000, 16 << 10, 1)],
    },
    Group {
        title: "compressed",
        baseline: own("broadcast-baseline-deflate"),
        columns: &[
            ours("protocol-websocket-tokio", &[own("broadcast-tokio-deflate")]),
            #[cfg(feature = "peers")]
            peer("yawc", &[own("broadcast-yawc-deflate")]),
            #[cfg(feature = "peers")]
            peer("sockudo-ws", &[own("broadcast-sockudo-ws-deflate")]),
        ],
        loads: &[Load::new(1000, 1 << 10, 1).compressed(), Load::new(1000, 16 << 10, 1).compressed()],
    },
];

/// Idle connections, each server as its documentation shows.
pub(crate) const MEMORY: Group = Group {
    title: "idle connections",
    baseline: own("baseline-tokio"),
    columns: &[
        ours("protocol-websocket-tokio", &[own("tokio")]),
        #[cfg(feature = "peers")]
        peer("tokio-tungstenite", &[own("tokio-tungstenite")]),
        #[cfg(feature = "peers")]
        peer("fastwebsockets", &[own("fastwebsockets")]),
        #[cfg(feature = "peers")]
        peer("tokio-websockets", &[own("tokio-websockets")]),
        #[cfg(feature = "peers")]
        peer("yawc", &[own("yawc")]),
        #[cfg(feature = "peers")]
        peer("sockudo-ws", &[own("sockudo-ws")]),
    ],
    loads: &[Load::new(5000, 16 << 10, 1)],
};

/// Compressed connections. Ours free memory after a short time without a message, in place of a minute.
pub(crate) const COMPRESSED_MEMORY: Group = Group {
    title: "compressed connections",
    baseline: own("baseline-deflate"),
    columns: &[
        ours("protocol-websocket-tokio", &[own("tokio-deflate-release"), own("tokio-deflate-small")]),
        #[cfg(feature = "peers")]
        peer("yawc", &[own("yawc-deflate")]),
        #[cfg(feature = "peers")]
        peer("sockudo-ws", &[own("sockudo-ws-deflate")]),
        #[cfg(feature = "peers")]
        peer("websockets of Python", &[websockets("websockets-deflate", "echo")]),
        #[cfg(feature = "peers")]
        peer("ws of node", &[ws("ws-deflate", "echo")]),
    ],
    loads: &[Load::new(1000, 1 << 10, 1).compressed()],
};

/// In axum: each library by default, and without Nagle's algorithm. Ours has two forms of the loop.
pub(crate) const AXUM: &[Group] = &[
    Group {
        title: "axum",
        baseline: own("baseline-tokio"),
        columns: &[
            ours("protocol-websocket-axum", &[own("axum-queue"), own("axum-queue-nodelay")]),
            ours("its module ws", &[own("axum-ws"), own("axum-ws-nodelay")]),
            #[cfg(feature = "peers")]
            peer("axum::extract::ws", &[own("axum-extract-ws"), own("axum-extract-ws-nodelay")]),
            #[cfg(feature = "peers")]
            peer("fastwebsockets", &[own("axum-fastwebsockets"), own("axum-fastwebsockets-nodelay")]),
            #[cfg(feature = "peers")]
            peer("yawc", &[own("axum-yawc"), own("axum-yawc-nodelay")]),
            #[cfg(feature = "peers")]
            peer("sockudo-ws", &[own("axum-sockudo-ws"), own("axum-sockudo-ws-nodelay")]),
        ],
        loads: &[
            Load::new(1, 16, 1),
            Load::new(1, 16, 64),
            Load::new(1, 125, 1),
            Load::new(1, 125, 64),
            Load::new(1, 1 << 10, 1),
            Load::new(1, 1 << 10, 64),
            Load::new(1, 16 << 10, 1),
            Load::new(1, 16 << 10, 64),
            Load::new(64, 125, 1),
            Load::new(64, 125, 64),
            Load::new(1, 125, 2).bursts(),
            Load::new(1, 125, 64).bursts(),
            Load::new(1, 1 << 10, 64).bursts(),
            Load::new(1, 16 << 10, 64).bursts(),
        ],
    },
    Group {
        title: "axum, compressed",
        baseline: own("baseline-deflate"),
        columns: &[
            ours("protocol-websocket-axum", &[own("axum-queue"), own("axum-queue-nodelay")]),
            #[cfg(feature = "peers")]
            peer("yawc", &[own("axum-yawc"), own("axum-yawc-nodelay")]),
            #[cfg(feature = "peers")]
            peer("sockudo-ws", &[own("axum-sockudo-ws"), own("axum-sockudo-ws-nodelay")]),
        ],
        loads: &[Load::new(1, 1 << 10, 1).compressed(), Load::new(1, 1 << 10, 64).compressed()],
    },
    Group {
        title: "axum, HTTP/2",
        baseline: own("axum-queue"),
        columns: &[
            ours("protocol-websocket-axum", &[own("axum-queue-nodelay")]),
            ours("its module ws", &[own("axum-ws"), own("axum-ws-nodelay")]),
            #[cfg(feature = "peers")]
            peer("axum::extract::ws", &[own("axum-extract-ws"), own("axum-extract-ws-nodelay")]),
            #[cfg(feature = "peers")]
            peer("yawc", &[own("axum-yawc"), own("axum-yawc-nodelay")]),
        ],
        loads: &[
            Load::new(1, 16, 1).http2(),
            Load::new(1, 16, 64).http2(),
            Load::new(1, 125, 1).http2(),
            Load::new(1, 125, 64).http2(),
            Load::new(1, 1 << 10, 64).http2(),
            Load::new(1, 16 << 10, 64).http2(),
            Load::new(64, 125, 1).http2(),
            Load::new(1, 125, 2).bursts().http2(),
            Load::new(1, 125, 64).bursts().http2(),
        ],
    },
];

/// Opening handshakes in axum.
pub(crate) const AXUM_HANDSHAKES: Group =
    Group { title: "handshakes", baseline: own("axum-queue"), columns: AXUM_DEFAULTS, loads: &[Load::new(8, 125, 1)] };

/// Idle connections in axum.
pub(crate) const AXUM_MEMORY: Group =
    Group { title: "idle connections", baseline: own("axum-queue"), columns: AXUM_DEFAULTS, loads: MEMORY.loads };

const AXUM_DEFAULTS: &[Column] = &[
    ours("its module ws", &[own("axum-ws")]),
    #[cfg(feature = "peers")]
    peer("axum::extract::ws", &[own("axum-extract-ws")]),
    #[cfg(feature = "peers")]
    peer("fastwebsockets", &[own("axum-fastwebsockets")]),
    #[cfg(feature = "peers")]
    peer("yawc", &[own("axum-yawc")]),
    #[cfg(feature = "peers")]
    peer("sockudo-ws", &[own("axum-sockudo-ws")]),
];
