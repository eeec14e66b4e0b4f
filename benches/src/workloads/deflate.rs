//! permessage-deflate: 400 JSON-like messages, about 160 KiB, through one compressor and one decompressor.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use protocol_websocket_frame::{ExtensionDecoder as _, ExtensionEncoder as _, Frame, MessageRef, OpCode, Rsv};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};

use crate::contender::{Cell, Contender, Kind, MakeCell, Sink as _, Summary};
#[cfg(feature = "peers")]
use crate::peers::sockudo;

/// Parameters of the compression.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The compression level.
    pub level: u8,
    /// Whether the window is kept between messages.
    pub takeover: bool,
}

const SETUPS: [(&str, Setup); 3] = [
    ("level 1", Setup { level: 1, takeover: true }),
    ("level 6", Setup { level: 6, takeover: true }),
    ("level 1, no takeover", Setup { level: 1, takeover: false }),
];

/// The four bytes that end a flush and are not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// An upper bound of the length of a message.
const MAX_MESSAGE: usize = 64 * 1024;

/// Returns the cells of this family.
#[must_use]
pub fn cells() -> Vec<MakeCell> {
    let mut cells: Vec<MakeCell> = Vec::new();
    for (column, setup) in SETUPS {
        cells.push(Box::new(move || compress(column, setup)));
    }
    for (column, setup) in SETUPS {
        cells.push(Box::new(move || decompress(column, setup)));
    }
    cells
}

/// Returns the messages.
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

/// `baseline: flate2`, compressing (RFC 7692 §7.2.1).
struct RawDeflate {
    compress: Compress,
    takeover: bool,
    output: Vec<u8>,
}

impl RawDeflate {
    fn new(setup: Setup) -> Self {
        let compress = Compress::new_with_window_bits(Compression::new(setup.level.into()), false, 15);
        Self { compress, takeover: setup.takeover, output: Vec::with_capacity(MAX_MESSAGE) }
    }

    fn compress(&mut self, message: &[u8]) -> &[u8] {
        // A full flush clears the window and costs less than a reset.
        let flush = if self.takeover { FlushCompress::Sync } else { FlushCompress::Full };
        self.output.clear();
        self.compress.compress_vec(message, &mut self.output, flush).expect("the output is long enough");
        self.output.strip_suffix(&TAIL).expect("a flush ends with the tail")
    }
}

/// `baseline: flate2`, decompressing (RFC 7692 §7.2.2).
struct RawInflate {
    decompress: Decompress,
    takeover: bool,
    output: Vec<u8>,
}

impl RawInflate {
    fn new(takeover: bool) -> Self {
        Self { decompress: Decompress::new(false), takeover, output: Vec::with_capacity(MAX_MESSAGE) }
    }

    fn decompress(&mut self, payload: &[u8]) -> &[u8] {
        if !self.takeover {
            self.decompress.reset(false);
        }
        self.output.clear();
        for part in [payload, &TAIL] {
            self.decompress
                .decompress_vec(part, &mut self.output, FlushDecompress::Sync)
                .expect("the payload is valid DEFLATE data");
        }
        &self.output
    }
}

/// Makes one cell: messages to compressed payloads.
fn compress(column: &str, setup: Setup) -> Cell {
    let messages = messages();
    let mut cell = Cell::new("compress", column, messages.len(), mean(&messages));
    cell.contenders = vec![
        compressing(
            "baseline: flate2",
            Kind::Baseline,
            setup,
            || (RawDeflate::new(setup), messages.clone()),
            |(raw, messages), sink| {
                messages.iter().for_each(|message| sink(raw.compress(message.as_bytes())));
            },
        ),
        compressing(
            "permessage-deflate",
            Kind::Ours,
            setup,
            || (deflater(setup), messages.clone()),
            |(deflater, messages), sink| {
                for message in messages {
                    let frame = Frame::from(MessageRef::Text(message));
                    sink(deflater.encode(frame).expect("the message can be compressed").payload());
                }
            },
        ),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.push(compressing(
        "sockudo-ws",
        Kind::Peer,
        setup,
        || sockudo::encoder(setup.level, setup.takeover, &messages),
        sockudo::compress,
    ));
    cell
}

fn deflater(setup: Setup) -> Deflater {
    Deflater::new(15).level(setup.level).context_takeover(setup.takeover).threshold(0)
}

/// Passes each message to a sink.
type Run<S> = fn(&mut S, MessageSink<'_>);
/// A sink for messages.
type MessageSink<'a> = &'a mut dyn FnMut(&[u8]);

/// Makes a row. `run` passes each compressed message to its sink.
fn compressing<S: 'static>(
    name: &'static str,
    kind: Kind,
    setup: Setup,
    make: impl Fn() -> S,
    run: Run<S>,
) -> Contender {
    // The decompressor outlives a pass, because messages refer to the window of earlier ones.
    let inflate = RefCell::new(RawInflate::new(setup.takeover));
    let check = move |state: &mut S| {
        let (mut summary, mut inflate) = (Summary::default(), inflate.borrow_mut());
        run(state, &mut |payload| summary.message(inflate.decompress(payload)));
        summary
    };
    let pass = move |state: &mut S| {
        run(state, &mut |payload| {
            std::hint::black_box(payload);
        });
    };
    Contender::new(name, kind, "", make, pass, check)
}

/// Makes one cell: compressed payloads to messages.
fn decompress(column: &str, setup: Setup) -> Cell {
    let messages = messages();
    let mut raw = RawDeflate::new(setup);
    let payloads: Vec<Vec<u8>> = messages.iter().map(|message| raw.compress(message.as_bytes()).to_vec()).collect();
    let mut cell = Cell::new("decompress", column, messages.len(), mean(&messages));
    cell.contenders = vec![
        decompressing(
            "baseline: flate2",
            Kind::Baseline,
            || (RawInflate::new(setup.takeover), payloads.clone()),
            |(raw, payloads), sink| {
                payloads.iter().for_each(|payload| sink(raw.decompress(payload)));
            },
        ),
        decompressing(
            "permessage-deflate",
            Kind::Ours,
            || (Inflater::new().context_takeover(setup.takeover), payloads.clone()),
            |(inflater, payloads), sink| {
                for payload in payloads {
                    let frame = Frame::lent(OpCode::Text, &payload[..]).with_rsv(Rsv::RSV1);
                    let (frame, rest) = inflater.decode(frame, MAX_MESSAGE).expect("the payload is valid DEFLATE data");
                    assert!(rest.is_none());
                    sink(frame.payload());
                }
            },
        ),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.push(decompressing(
        "sockudo-ws",
        Kind::Peer,
        || sockudo::decoder(setup.takeover, &payloads),
        sockudo::decompress,
    ));
    cell
}

/// Makes a row. `run` passes each message to its sink.
fn decompressing<S: 'static>(name: &'static str, kind: Kind, make: impl Fn() -> S, run: Run<S>) -> Contender {
    let check = move |state: &mut S| {
        let mut summary = Summary::default();
        run(state, &mut |message| summary.message(message));
        summary
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
    fn messages_have_the_documented_lengths() {
        assert!(messages().iter().all(|message| (190..660).contains(&message.len())));
    }
}
