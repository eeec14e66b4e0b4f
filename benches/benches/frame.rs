//! Frames: decoding what a client sends, encoding in both roles, masking alone.
#![allow(missing_docs, clippy::unwrap_used)]

use bytes::BytesMut;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocol_websocket_benches::{KEY, LENGTHS, masked_text, per_round};
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{Assembler, Decoder, Frame, Limits, mask};

criterion_group!(benches, decode, encode, masking);
criterion_main!(benches);

/// Masked text to messages, as a server reads it.
fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode_masked_text");
    for len in LENGTHS {
        let wire = masked_text(len);
        group.throughput(Throughput::Bytes((len * per_round(len)) as u64));
        group.bench_function(BenchmarkId::from_parameter(len), |bencher| {
            let mut decoder = Decoder::new(Role::Server);
            let mut assembler = Assembler::new(Limits::default());
            let round = |mut input: BytesMut| {
                let mut messages = 0;
                while let Some(frame) = decoder.decode(&mut input).unwrap() {
                    messages += usize::from(assembler.push(frame).unwrap().is_some());
                }
                assert_eq!(messages, per_round(len));
                input
            };
            bencher.iter_batched(|| wire.clone(), round, BatchSize::LargeInput);
        });
    }
}

/// One message to bytes, behind what is already in the output.
fn encode(criterion: &mut Criterion) {
    for (name, key) in [("encode_text", None), ("encode_masked_text", Some(KEY))] {
        let mut group = criterion.benchmark_group(name);
        for len in LENGTHS {
            let frame = Frame::text("x".repeat(len));
            let mut output = BytesMut::with_capacity(len + 14);
            group.throughput(Throughput::Bytes(len as u64));
            group.bench_function(BenchmarkId::from_parameter(len), |bencher| {
                bencher.iter(|| {
                    output.clear();
                    frame.encode(Version::RFC6455, key, &mut output).unwrap();
                });
            });
        }
    }
}

/// The masking loop alone, from an odd offset.
fn masking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mask");
    for len in LENGTHS {
        let mut payload = vec![b'x'; len];
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::from_parameter(len), |bencher| bencher.iter(|| mask(&mut payload, KEY, 1)));
    }
}
