//! The program on a terminal, which shows both stdout and stderr.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use protocol_websocket::{Close, CloseCode, Event, Message};

use crate::program::DEADLINE;
use crate::server::{Peer, RunningServer, serve};

const CTRL_A: &str = "\x01";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_K: &str = "\x0B";
const CTRL_R: &str = "\x12";
const CTRL_V: &str = "\x16";
const ESCAPE: &str = "\x1b";
const LEFT: &str = "\x1b[D";
const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";

const ROWS: NonZero<u16> = NonZero::new(300).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();

/// A terminal of 80 columns in which a shell command runs. No row leaves the screen.
struct Terminal {
    script: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Terminal {
    /// Runs the program with these arguments.
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(&[("TERM", "xterm")], arguments)
    }

    /// Runs the program with these variables and arguments.
    fn start_with(variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        // Without `exec`, some shells stay, and end with the signal that the program handled.
        Self::run(variables, &format!("exec {} {}", env!("CARGO_BIN_EXE_wsconsole"), arguments.join(" ")))
    }

    fn run(variables: &[(&str, &str)], command: &str) -> Self {
        // `script` runs the command on a pseudo terminal and copies its input and output.
        let mut script = Command::new("script")
            .args(["--quiet", "--flush", "--return", "--command", command, "/dev/null"])
            .env_remove("NO_COLOR")
            .env("SHELL", "/bin/sh")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, mut pipe) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(len @ 1..) = pipe.read(&mut chunk) {
                let _ = sender.send(chunk[..len].to_vec());
            }
        });
        Self { script, input, output, screen: vt100::Parser::new(ROWS, COLUMNS, 0) }
    }

    fn press(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
    }

    fn rows(&self) -> Vec<String> {
        let rows: Vec<_> = self.screen.screen().rows(0, 80).map(|row| row.trim_end().to_owned()).collect();
        let used = rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
        rows[..used].to_vec()
    }

    /// Waits until the screen ends with these rows.
    fn wait_for(&mut self, expected: &[&str]) {
        while !self.rows().ends_with(&expected.iter().map(ToString::to_string).collect::<Vec<_>>()) {
            assert!(self.update(), "ended without {expected:?}: {:#?}", self.rows());
        }
    }

    /// Updates the screen. Returns false at the end of the output.
    fn update(&mut self) -> bool {
        match self.output.recv_timeout(DEADLINE) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                true
            }
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => panic!("still running: {:#?}", self.rows()),
        }
    }

    /// Waits for the program to end. Returns its exit status, or 128 and the number of the signal that ended it.
    fn end(&mut self) -> Option<i32> {
        while self.update() {}
        self.script.wait().unwrap().code()
    }

    /// Returns the style of the row with this text: whether all of its characters are in reverse video, and the color
    /// of the first.
    fn style(&self, text: &str) -> (bool, vt100::Color) {
        let row =
            self.rows().iter().position(|row| row == text).unwrap_or_else(|| panic!("{text}: {:#?}", self.rows()));
        let cell = |column| self.screen.screen().cell(row.try_into().unwrap(), column).unwrap();
        let width = u16::try_from(text.chars().count()).unwrap();
        ((0..width).all(|column| cell(column).inverse()), cell(0).fgcolor())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

fn echo_server() -> RunningServer<Option<Close>> {
    serve(|mut peer: Peer| {
        peer.accept();
        peer.echo()
    })
}

/// A terminal breaks a long message into rows, so a message can put any text at the start of a row.
#[test]
fn highlights_notes_and_dumps_in_a_way_that_no_message_can_imitate() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.send(format!("{}! closed with 1001", " ".repeat(80)));
        peer.send("\x1b[7m! closed with 1001\x1b[m");
        // The note of this ping is longer than a row. Its second row is highlighted, too.
        peer.ping(&[b'x'; 125]);
        assert!(matches!(peer.next(), Some(Event::Pong(_))));
        peer.close(Some(Close::from(CloseCode::NORMAL)));
    });
    let mut terminal = Terminal::start(&["--hex", &server.url()]);
    assert_eq!(terminal.end(), Some(0));
    server.result();
    let ping = format!("! ping \"{}\"", "x".repeat(125));
    for note in ["! open", &ping[..80], &ping[80..], "! closed with 1000"] {
        assert!(terminal.style(note).0, "{note}");
    }
    for message in ["! closed with 1001", "\\u001b[7m! closed with 1001\\u001b[m"] {
        assert_eq!(terminal.style(message), (false, vt100::Color::Default), "{message}");
    }
    for (row, text) in (0..).zip(terminal.rows()) {
        let is_highlighted = terminal.screen.screen().cell(row, 0).unwrap().inverse();
        let is_dump = text.starts_with("> 0") || text.starts_with("< 0");
        let is_ping = text.starts_with("xxx");
        let is_note = text.starts_with("! ") && text != "! closed with 1001";
        assert_eq!(is_highlighted, is_dump || is_ping || is_note, "{text}");
    }
}

#[test]
fn colors_notes_unless_no_color_is_set_or_the_terminal_is_dumb() {
    use vt100::Color::{Default, Idx};
    let colored = (true, Idx(6));
    for (variables, option, expected) in [
        ([("TERM", "xterm"), ("NO_COLOR", "")], "--color=auto", colored),
        ([("TERM", "xterm"), ("NO_COLOR", "1")], "--color=auto", (true, Default)),
        ([("TERM", "dumb"), ("NO_COLOR", "")], "--color=auto", (false, Default)),
        ([("TERM", "xterm"), ("NO_COLOR", "")], "--color=never", (false, Default)),
        ([("TERM", "dumb"), ("NO_COLOR", "1")], "--color=always", colored),
    ] {
        let server = echo_server();
        let mut terminal = Terminal::start_with(&variables, &[option, &server.url()]);
        terminal.wait_for(&[if variables[0].1 == "dumb" { "! open" } else { ">" }]);
        terminal.press(CTRL_D);
        assert_eq!(terminal.end(), Some(0));
        assert_eq!(terminal.style("! open"), expected, "{variables:?} {option}");
        server.result();
    }
}

#[test]
fn colors_failures_differently() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.close(Some(Close::from(CloseCode::INTERNAL_ERROR)));
    });
    let mut terminal = Terminal::start(&[&server.url()]);
    assert_eq!(terminal.end(), Some(6));
    assert_eq!(terminal.style("! closed with 1011"), (true, vt100::Color::Idx(1)));
}

#[test]
fn message_appears_above_the_line_that_is_edited() {
    let (send, arrivals) = channel::<&str>();
    let server = serve(move |mut peer: Peer| {
        peer.accept();
        for message in arrivals {
            peer.send(message);
        }
        (peer.message(), peer.receive_close())
    });
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for(&["! open", ">"]);
    terminal.press("hllo");
    terminal.wait_for(&["! open", "> hllo"]);
    send.send("first").unwrap();
    terminal.wait_for(&["! open", "first", "> hllo"]);
    terminal.press(&LEFT.repeat(3));
    let long = "x".repeat(100);
    send.send("second").unwrap();
    send.send("two\nlines").unwrap();
    terminal.wait_for(&["first", "second", "two\\nlines", "> hllo"]);
    // The cursor is still after the first character.
    terminal.press("e");
    terminal.wait_for(&["two\\nlines", "> hello"]);
    terminal.press(&long);
    let line = format!("> he{long}llo");
    terminal.wait_for(&["two\\nlines", &line[..80], &line[80..]]);
    send.send("third").unwrap();
    terminal.wait_for(&["two\\nlines", "third", &line[..80], &line[80..]]);
    drop(send);
    terminal.press(&format!("\r{CTRL_D}"));
    assert_eq!(terminal.end(), Some(0));
    let closed = Close::from(CloseCode::NORMAL);
    assert_eq!(server.result(), (Message::from(&line[2..]), Some(closed)));
    terminal.wait_for(&[&line[..80], &line[80..], ">", "! closing with 1000: end of input", "! closed with 1000"]);
}

#[test]
fn edits_lines_and_keeps_a_history() {
    let server = echo_server();
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for(&[">"]);
    terminal.press("Größe\r");
    terminal.wait_for(&["> Größe", "Größe", ">"]);
    terminal.press(&format!("{UP}{LEFT}\x7fss{CTRL_A}2 {LEFT}{LEFT}1\r"));
    terminal.wait_for(&["> 12 Grösse", "12 Grösse", ">"]);
    terminal.press(&format!("{UP}{UP}{CTRL_A}{CTRL_K}x{CTRL_A}{CTRL_K}{DOWN}\r"));
    terminal.wait_for(&["> 12 Grösse", "12 Grösse", ">"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn sends_all_lines_that_arrive_at_once() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        (0..100).map(|_| peer.message()).collect::<Vec<_>>()
    });
    let lines: Vec<_> = (0..100).map(|number| format!("line {number}")).collect();
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for(&[">"]);
    terminal.press(&lines.iter().map(|line| format!("{line}\r")).collect::<String>());
    assert_eq!(server.result(), lines.into_iter().map(Message::from).collect::<Vec<_>>());
    terminal.end();
}

#[test]
fn echoes_of_many_lines_that_arrive_at_once_do_not_stop_the_editor() {
    const LINES: usize = 300;
    let server = serve(|mut peer: Peer| {
        peer.accept();
        for _ in 0..LINES {
            let message = peer.message();
            peer.send(message);
        }
        peer.close(Some(Close::from(CloseCode::NORMAL)));
    });
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for(&[">"]);
    terminal.press(&"a\r".repeat(LINES));
    server.result();
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn control_c_closes_with_1001() {
    let server = echo_server();
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for(&[">"]);
    terminal.press(&format!("not sent{CTRL_C}"));
    assert_eq!(terminal.end(), Some(0), "{:#?}", terminal.rows());
    terminal.wait_for(&["> not sent", "! closing with 1001: interrupted", "! closed with 1001"]);
    assert_eq!(server.result(), Some(Close::from(CloseCode::GOING_AWAY)));
}

#[test]
fn second_control_c_ends_the_process() {
    for first in [CTRL_C, CTRL_D] {
        let server = serve(|mut peer: Peer| {
            peer.accept();
            peer.read_to_end();
        });
        let mut terminal = Terminal::start(&[&server.url()]);
        terminal.wait_for(&[">"]);
        terminal.press(first);
        while !terminal.rows().iter().any(|row| row.starts_with("! closing with ")) {
            assert!(terminal.update());
        }
        terminal.press(CTRL_C);
        let expected = if first == CTRL_C { 130 } else { 5 };
        assert_eq!(terminal.end(), Some(expected));
    }
}

#[test]
fn restores_the_terminal_in_every_ending() {
    for keys in [CTRL_C, CTRL_D, "half a line"] {
        let (close, closes) = channel::<()>();
        let server = serve(move |mut peer: Peer| {
            peer.accept();
            match closes.recv() {
                Ok(()) => peer.close(Some(Close::from(CloseCode::NORMAL))),
                Err(_) => drop(peer.echo()),
            }
        });
        let command = format!("stty -g; {} {}; stty -g", env!("CARGO_BIN_EXE_wsconsole"), server.url());
        let mut terminal = Terminal::run(&[("TERM", "xterm")], &command);
        terminal.wait_for(&[">"]);
        terminal.press(keys);
        if keys.starts_with('h') {
            terminal.wait_for(&["> half a line"]);
            close.send(()).unwrap();
        }
        drop(close);
        assert_eq!(terminal.end(), Some(0));
        let rows = terminal.rows();
        assert_eq!(rows[..2], rows[rows.len() - 2..], "{rows:#?}");
        assert!(rows[rows.len() - 3].starts_with("! closed with "), "{rows:#?}");
        server.result();
    }
}

/// The editor waits for the rest of a key in some of these states.
#[test]
fn end_in_every_state_of_the_editor_loses_no_message() {
    let long = "x".repeat(100);
    let (first_row, home) = (format!("> {}", &long[..78]), format!("{long}{CTRL_A}"));
    for (keys, row) in [
        ("", ">"),
        (&*home, &long[78..]),
        (CTRL_R, "(reverse-i-search)`':"),
        // The editor reads the character that shows that it is there together with the following ones.
        (&*format!("a{CTRL_V}"), "> a"),
        (&*format!("a{ESCAPE}"), "> a"),
        (&*format!("a{ESCAPE}[1;"), "> a"),
        (&*format!("{ESCAPE}1"), "(arg: 1)"),
        ("é", "> é"),
    ] {
        let (close, closes) = channel::<()>();
        let server = serve(move |mut peer: Peer| {
            peer.accept();
            let line = peer.message();
            peer.send(line);
            closes.recv().unwrap();
            peer.send("early");
            peer.send("late");
            peer.close(Some(Close::from(CloseCode::NORMAL)));
        });
        let command = format!("stty -g; {} {}; stty -g", env!("CARGO_BIN_EXE_wsconsole"), server.url());
        let mut terminal = Terminal::run(&[("TERM", "xterm")], &command);
        terminal.wait_for(&[">"]);
        terminal.press("hello\r");
        terminal.wait_for(&["> hello", "hello", ">"]);
        terminal.press(keys);
        terminal.wait_for(&[row]);
        close.send(()).unwrap();
        assert_eq!(terminal.end(), Some(0));
        server.result();
        let rows = terminal.rows();
        assert_eq!(rows[..2], rows[rows.len() - 2..], "{keys:?} {rows:#?}");
        assert_eq!(rows[rows.len() - 3], "! closed with 1000", "{keys:?} {rows:#?}");
        let is_expected = |row: &&String| !row.is_empty() && *row != "early" && *row != "late";
        let end: Vec<_> = rows[4..rows.len() - 3].iter().filter(is_expected).map(String::as_str).collect();
        assert!(
            rows.iter().filter(|row| *row == "early" || *row == "late").eq(["early", "late"]),
            "{keys:?} {rows:#?}"
        );
        let shown = ["> hello", "hello", &first_row, row];
        // The end may draw the prompt again.
        let is_row = end.ends_with(&[row]) || end.ends_with(&[">"]);
        assert!(is_row && end.iter().all(|row| *row == ">" || shown.contains(row)), "{keys:?} {rows:#?}");
    }
}

#[test]
fn signal_while_a_line_is_edited_closes_with_1001() {
    for signal in ["INT", "TERM"] {
        let server = echo_server();
        let pid = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("pid {}", server.port));
        let program = env!("CARGO_BIN_EXE_wsconsole");
        let run = format!("sh -c 'echo $$ >\"{}\"; exec {program} {}'", pid.display(), server.url());
        let mut terminal = Terminal::run(&[("TERM", "xterm")], &format!("stty -g; {run}; stty -g"));
        terminal.wait_for(&[">"]);
        terminal.press("half a line");
        terminal.wait_for(&["> half a line"]);
        let pid = fs::read_to_string(&pid).unwrap();
        assert!(Command::new("kill").args([&format!("-{signal}"), pid.trim()]).status().unwrap().success());
        assert_eq!(terminal.end(), Some(0));
        let rows = terminal.rows();
        assert_eq!(rows[..2], rows[rows.len() - 2..], "{rows:#?}");
        let last = ["> half a line", "! closing with 1001: interrupted", "! closed with 1001"];
        assert_eq!(rows[rows.len() - 5..rows.len() - 2], last);
        assert_eq!(server.result(), Some(Close::from(CloseCode::GOING_AWAY)));
    }
}

#[test]
fn history_file_is_kept_for_the_next_session() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("history {}", std::process::id()));
    let _ = fs::remove_file(&path);
    for (keys, expected) in [("kept\r secret", vec!["kept", " secret"]), (UP, vec!["kept"])] {
        let server = serve(move |mut peer: Peer| {
            peer.accept();
            let messages = expected.iter().map(|_| peer.message()).collect::<Vec<_>>();
            assert_eq!(messages, expected.into_iter().map(Message::from).collect::<Vec<_>>());
            peer.receive_close();
        });
        let mut terminal = Terminal::start(&["--history", &format!("'{}'", path.display()), &server.url()]);
        terminal.wait_for(&[">"]);
        terminal.press(&format!("{keys}\r{CTRL_D}"));
        assert_eq!(terminal.end(), Some(0));
        server.result();
    }
    let history = fs::read_to_string(&path).unwrap();
    assert!(history.contains("kept\n") && !history.contains("secret"), "{history}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn history_that_cannot_be_read_or_written_is_reported() {
    // A directory cannot be read, so nothing is connected.
    let mut terminal = Terminal::start(&["--history", "/", "ws://h.invalid/"]);
    assert_eq!(terminal.end(), Some(1));
    assert!(terminal.rows()[0].starts_with("! cannot use the history in /: "), "{:#?}", terminal.rows());

    let server = echo_server();
    let mut terminal = Terminal::start(&["--history", "/nonexistent/history", &server.url()]);
    terminal.wait_for(&[">"]);
    terminal.press(&format!("one\rtwo\r{CTRL_D}"));
    assert_eq!(terminal.end(), Some(0));
    let rows = terminal.rows();
    assert_eq!(
        rows.iter().filter(|row| row.starts_with("! cannot use the history in /nonexistent/history: ")).count(),
        1
    );
    assert!(rows.contains(&"one".to_owned()) && rows.contains(&"two".to_owned()), "{rows:#?}");
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn does_not_edit_lines_on_a_dumb_terminal() {
    let server = echo_server();
    let mut terminal = Terminal::start_with(&[("TERM", "dumb")], &[&server.url()]);
    terminal.wait_for(&["! open"]);
    terminal.press("hello\n");
    terminal.wait_for(&["! open", "hello", "hello"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}
