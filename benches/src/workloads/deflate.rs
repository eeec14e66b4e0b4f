//! permessage-deflate: 400 messages like JSON, some 160 KiB, through one compressor and one decompressor.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use protocol_websocket_frame::{Extension as _, Frame, Rsv};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};

use crate::contender::{Answer, Cell, Contender, Kind, Sink as _};
use crate::workloads::Make;

/// How a message is compressed.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The level.
    pub level: u8,
    /// Whether the window is kept from one message to the next.
    pub takeover: bool,
}

const SETUPS: [(&str, Setup); 3] = [
    ("level 1", Setup { level: 1, takeover: true }),
    ("level 6", Setup { level: 6, takeover: true }),
    ("level 1, no takeover", Setup { level: 1, takeover: false }),
];

/// The tail that the wire does without (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// The longest message, and more.
const ROOM: usize = 64 * 1024;

/// The cells of this family.
#[must_use]
pub fn cells() -> Vec<Make> {
    let mut cells: Vec<Make> = Vec::new();
    for (column, setup) in SETUPS {
        cells.push(Box::new(move || compress(column, setup)));
    }
    for (column, setup) in SETUPS {
        cells.push(Box::new(move || decompress(column, setup)));
    }
    cells
}

/// The messages.
#[must_use]
pub fn messages() -> Vec<String> {
    let mut random = 1_u32;
    let mut draw = |below: u32| {
        random = random.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
        (random >> 12) % below
    };
    let words = ["order", "trade", "quote", "depth", "hello", "status", "update", "cancel"];
    let message = |nth: usize| {
        let mut text = format!("{{\"id\":{nth},\"type\":\"{}\",\"items\":[", words[draw(8) as usize]);
        for _ in 0..draw(9) + 3 {
            let (word, number, share) = (words[draw(8) as usize], draw(1_000_000), draw(1000));
            text +=
                &format!("{{\"name\":\"{word}-{number:x}\",\"price\":{number}.{share},\"open\":{}}},", share % 2 == 0);
        }
        text + "null]}"
    };
    (0..400).map(message).collect()
}

/// Compresses as RFC 7692 says, with nothing but flate2.
pub struct Raw {
    compress: Compress,
    takeover: bool,
    output: Vec<u8>,
}

impl Raw {
    fn new(setup: Setup) -> Self {
        let compress = Compress::new_with_window_bits(Compression::new(setup.level.into()), false, 15);
        Self { compress, takeover: setup.takeover, output: Vec::with_capacity(ROOM) }
    }

    fn compress(&mut self, message: &[u8]) -> &[u8] {
        // A full flush forgets what was, and costs less than a new beginning.
        let flush = if self.takeover { FlushCompress::Sync } else { FlushCompress::Full };
        self.output.clear();
        self.compress.compress_vec(message, &mut self.output, flush).expect("there is room");
        self.output.strip_suffix(&TAIL).expect("it was flushed")
    }
}

/// Decompresses with nothing but flate2.
struct RawInflate {
    decompress: Decompress,
    takeover: bool,
    output: Vec<u8>,
}

impl RawInflate {
    fn new(takeover: bool) -> Self {
        Self { decompress: Decompress::new(false), takeover, output: Vec::with_capacity(ROOM) }
    }

    fn decompress(&mut self, payload: &[u8]) -> &[u8] {
        if !self.takeover {
            self.decompress.reset(false);
        }
        self.output.clear();
        for part in [payload, &TAIL] {
            self.decompress.decompress_vec(part, &mut self.output, FlushDecompress::Sync).expect("it is deflate");
        }
        &self.output
    }
}

/// One cell: messages to what goes on the wire.
fn compress(column: &str, setup: Setup) -> Cell {
    let messages = messages();
    let mut cell = Cell::new("compress", column, messages.len(), mean(&messages));
    cell.contenders = vec![
        compressing(
            "floor:flate2",
            Kind::Floor,
            setup,
            || (Raw::new(setup), messages.clone()),
            |(raw, messages), sink| {
                messages.iter().for_each(|message| sink(raw.compress(message.as_bytes())));
            },
        ),
        compressing(
            "permessage-deflate",
            Kind::Ours,
            setup,
            || ours(setup, &messages),
            |(deflater, frames), sink| {
                for frame in frames {
                    sink(deflater.encode(frame.clone()).expect("it can be compressed").payload());
                }
            },
        ),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.push(crate::peers::compressor(setup, &messages));
    cell
}

fn ours(setup: Setup, messages: &[String]) -> (Deflater, Vec<Frame>) {
    let deflater = Deflater::new(15).level(setup.level).context_takeover(setup.takeover).threshold(0);
    (deflater, messages.iter().map(|message| Frame::text(message.clone())).collect())
}

/// Gives each message to a sink.
pub type Run<S> = fn(&mut S, Give<'_>);
/// A sink.
pub type Give<'a> = &'a mut dyn FnMut(&[u8]);

/// A row: `run` gives each message, compressed, to its sink.
pub fn compressing<S: 'static>(
    name: &'static str,
    kind: Kind,
    setup: Setup,
    make: impl Fn() -> S,
    run: Run<S>,
) -> Contender {
    // What came out before is what the next message leans on.
    let judge = RefCell::new(RawInflate::new(setup.takeover));
    let check = move |state: &mut S| {
        let (mut answer, mut judge) = (Answer::default(), judge.borrow_mut());
        run(state, &mut |payload| answer.message(judge.decompress(payload)));
        answer
    };
    let pass = move |state: &mut S| {
        run(state, &mut |payload| {
            std::hint::black_box(payload);
        });
    };
    Contender::new(name, kind, "", make, pass, check)
}

/// One cell: what came over the wire to messages.
fn decompress(column: &str, setup: Setup) -> Cell {
    let messages = messages();
    let mut raw = Raw::new(setup);
    let payloads: Vec<Vec<u8>> = messages.iter().map(|message| raw.compress(message.as_bytes()).to_vec()).collect();
    let mut cell = Cell::new("decompress", column, messages.len(), mean(&messages));
    cell.contenders = vec![
        decompressing(
            "floor:flate2",
            Kind::Floor,
            || (RawInflate::new(setup.takeover), payloads.clone()),
            |(raw, payloads), sink| {
                payloads.iter().for_each(|payload| sink(raw.decompress(payload)));
            },
        ),
        decompressing(
            "permessage-deflate",
            Kind::Ours,
            || inflater(setup, &payloads),
            |(inflater, frames), sink| {
                for frame in frames {
                    let (frame, rest) = inflater.decode(frame.clone(), ROOM).expect("it is deflate");
                    assert!(rest.is_none());
                    sink(frame.payload());
                }
            },
        ),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.push(crate::peers::decompressor(setup, &payloads));
    cell
}

fn inflater(setup: Setup, payloads: &[Vec<u8>]) -> (Inflater, Vec<Frame>) {
    let frame = |payload: &Vec<u8>| Frame::text("").with_payload(payload.clone()).with_rsv(Rsv::RSV1);
    (Inflater::new().context_takeover(setup.takeover), payloads.iter().map(frame).collect())
}

/// A row: `run` gives each message to its sink.
pub fn decompressing<S: 'static>(name: &'static str, kind: Kind, make: impl Fn() -> S, run: Run<S>) -> Contender {
    let check = move |state: &mut S| {
        let mut answer = Answer::default();
        run(state, &mut |message| answer.message(message));
        answer
    };
    let pass = move |state: &mut S| {
        run(state, &mut |message| {
            std::hint::black_box(message);
        });
    };
    Contender::new(name, kind, "", make, pass, check)
}

fn mean(messages: &[String]) -> usize {
    messages.iter().map(String::len).sum::<usize>() / messages.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_long_as_the_page_says() {
        assert!(messages().iter().all(|message| (190..660).contains(&message.len())));
    }
}
