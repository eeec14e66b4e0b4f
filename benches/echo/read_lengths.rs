//! Lengths of a read: the echo of servers that differ only in the number of bytes that they read at most at once.

use crate::clients::Load;
use crate::contenders::{Column, Contender, Group};
use crate::process::Program;
use crate::{Options, echo, report};

const GROUPS: [Group; 4] = [
    Group {
        title: "tokio, `recv` and `queue`",
        baseline: reads("64 KiB", Program::Own("tokio-read-65536")),
        columns: &[
            column("4 KiB", &[reads("4 KiB", Program::Own("tokio-read-4096"))]),
            column("16 KiB", &[reads("16 KiB", Program::Own("tokio-read-16384"))]),
            column("adaptive", &[reads("adaptive", Program::Own("tokio-read-adaptive"))]),
        ],
        loads: LOADS,
    },
    Group {
        title: "tokio, `recv_with`",
        baseline: reads("64 KiB", Program::Own("tokio-lent-read-65536")),
        columns: &[
            column("4 KiB", &[reads("4 KiB", Program::Own("tokio-lent-read-4096"))]),
            column("16 KiB", &[reads("16 KiB", Program::Own("tokio-lent-read-16384"))]),
            column("adaptive", &[reads("adaptive", Program::Own("tokio-lent-read-adaptive"))]),
        ],
        loads: LOADS,
    },
    Group {
        title: "`poll_server`",
        baseline: poll_server("64 KiB", &["0", "20", "65536"]),
        columns: &[
            column("4 KiB", &[poll_server("4 KiB", &["0", "20", "4096"])]),
            column("16 KiB", &[poll_server("16 KiB", &["0", "20", "16384"])]),
            column("128 KiB", &[poll_server("128 KiB", &["0", "20", "131072"])]),
        ],
        loads: LOADS,
    },
    Group {
        title: "`serve`",
        baseline: serve("64 KiB", &["--port", "0", "--no-live", "--read-size", "65536"]),
        columns: &[
            column("4 KiB", &[serve("4 KiB", &["--port", "0", "--no-live", "--read-size", "4096"])]),
            column("16 KiB", &[serve("16 KiB", &["--port", "0", "--no-live", "--read-size", "16384"])]),
            column("128 KiB", &[serve("128 KiB", &["--port", "0", "--no-live", "--read-size", "131072"])]),
        ],
        loads: LOADS,
    },
];

const LOADS: &[Load] = &[
    Load::new(1, 16, 1),
    Load::new(1, 16, 64),
    Load::new(1, 125, 1),
    Load::new(1, 125, 64),
    Load::new(1, 1 << 10, 1),
    Load::new(1, 1 << 10, 64),
    Load::new(1, 16 << 10, 1),
    Load::new(1, 16 << 10, 64),
    Load::new(1, 64 << 10, 1),
    Load::new(1, 64 << 10, 64),
    Load::new(1, 1 << 20, 1),
    Load::new(1, 1 << 20, 64),
    Load::new(64, 16 << 10, 4),
];

const fn reads(name: &'static str, program: Program) -> Contender {
    Contender { name, program }
}

const fn poll_server(name: &'static str, arguments: &'static [&'static str]) -> Contender {
    reads(name, Program::Example("poll_server", arguments))
}

const fn serve(name: &'static str, arguments: &'static [&'static str]) -> Contender {
    reads(name, Program::Example("serve", arguments))
}

const fn column(title: &'static str, forms: &'static [Contender]) -> Column {
    Column { title, is_ours: true, forms }
}

pub(crate) fn run(options: &Options) {
    for group in &GROUPS {
        let rows = echo::measure_group(group, options);
        if !options.is_quick {
            println!("\n#### Length of a read: {}\n", group.title);
            println!("Processor time of the server per message: with reads of 64 KiB, and ratios to it.\n");
            report::ratios(group, &rows);
            println!("\nWrites, and all system calls, per message:\n");
            report::system_calls(group, &rows);
        }
    }
}
