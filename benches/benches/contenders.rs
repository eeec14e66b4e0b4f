//! All workloads with criterion: a group for each cell, with a bench for each contender.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protocol_websocket_benches::workloads;

criterion_group!(benches, all);
criterion_main!(benches);

fn all(criterion: &mut Criterion) {
    for make in workloads::ALL.iter().flat_map(|family| (family.cells)()) {
        let cell = make();
        let mut group = criterion.benchmark_group(format!("{}, {}", cell.workload, cell.column));
        group.throughput(match cell.bytes {
            0 => Throughput::Elements(cell.units as u64),
            bytes => Throughput::Bytes((cell.units * bytes) as u64),
        });
        for mut contender in cell.contenders {
            group.bench_function(contender.name, |bencher| bencher.iter(&mut contender.pass));
        }
    }
}
