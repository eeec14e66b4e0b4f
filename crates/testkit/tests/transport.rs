//! The transports in memory, with and without schedules.
#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

use std::io::ErrorKind;
use std::time::Duration;

use protocol_websocket_testkit::{Schedule, Transport, for_each_seed, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn full_direction_takes_no_more_and_the_other_one_does() {
    run(async {
        let (mut near, mut far) = Transport::pair(10);
        assert!(timeout(SECOND, near.write_all(&[7; 11])).await.is_err());
        assert_eq!((far.unread(), near.unread()), (10, 0));
        far.write_all(b"back").await.unwrap();
        let mut back = [0; 4];
        near.read_exact(&mut back).await.unwrap();
        assert_eq!(back, *b"back");
        let writer = tokio::spawn(async move { near.write_all(b"x").await });
        sleep(SECOND).await;
        assert!(!writer.is_finished());
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, [&[7; 10][..], b"x"].concat());
        writer.await.unwrap().unwrap();
    });
}

#[test]
fn dropped_end_reads_as_the_end_and_refuses_writes() {
    run(async {
        let (mut near, far) = Transport::pair(10);
        drop(far);
        assert_eq!(near.read(&mut [0; 1]).await.unwrap(), 0);
        assert_eq!(near.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn reset_loses_bytes_and_fails_both_ends() {
    run(async {
        let (mut near, mut far) = Transport::pair(10);
        near.write_all(b"lost").await.unwrap();
        let reader = tokio::spawn(async move { near.read(&mut [0; 1]).await.unwrap_err().kind() });
        sleep(SECOND).await;
        far.reset();
        assert_eq!(reader.await.unwrap(), ErrorKind::ConnectionReset);
        assert_eq!(far.read(&mut [0; 1]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(far.write(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn write_buffer_keeps_bytes_until_a_flush() {
    run(async {
        let (near, mut far) = Transport::pair(100);
        let mut near = near.with_write_buffer(10);
        near.write_all(b"bytes").await.unwrap();
        assert_eq!(far.unread(), 0);
        near.flush().await.unwrap();
        assert_eq!(far.unread(), 5);
        near.write_all(&[7; 25]).await.unwrap();
        assert_eq!(far.unread(), 25, "two full buffers");
        near.shutdown().await.unwrap();
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), 30);
        assert!(format!("{near:?}").contains("unread: 0"));
    });
}

/// Writes `bytes` to one end, and reads all from the other one.
async fn pass(near: Transport, mut far: Transport, bytes: Vec<u8>) -> (std::io::Result<()>, Vec<u8>) {
    let writer = tokio::spawn(async move {
        let mut near = near;
        near.write_all(&bytes).await?;
        near.shutdown().await
    });
    let mut received = Vec::new();
    while let Ok(1..) = far.read_buf(&mut received).await {}
    drop(far);
    (writer.await.unwrap(), received)
}

#[test]
fn scheduled_transports_pass_all_bytes_in_order() {
    for_each_seed(0..500, |mut schedule| {
        run(async {
            let (near, far) = Transport::pair(1 + schedule.below(200));
            let near = near.with_schedule(schedule.fork()).with_write_buffer(schedule.below(50));
            let len = schedule.below(1000);
            let bytes = schedule.bytes(len);
            let (written, received) = pass(near, far.with_schedule(schedule), bytes.clone()).await;
            assert_eq!(received, bytes);
            written.unwrap();
        });
    });
}

#[test]
fn faults_come_after_their_number_of_bytes() {
    for_each_seed(0..200, |mut schedule| {
        run(async {
            let at = schedule.below(100);
            for fault in 0..4 {
                let (near, far) = Transport::pair(50);
                let end = schedule.fork().ends_after(at);
                let failure = schedule.fork().fails_after(at, ErrorKind::TimedOut);
                let (near, far) = match fault {
                    0 => (near.with_schedule(end), far),
                    1 => (near, far.with_schedule(end)),
                    2 => (near.with_schedule(failure), far),
                    _ => (near, far.with_schedule(failure)),
                };
                let (written, received) = pass(near, far, vec![7; 200]).await;
                // Bytes on the way are lost by a failed write, and not by its end.
                assert!(if fault == 2 { received.len() <= at } else { received.len() == at }, "{fault} {at}");
                let error = if fault < 2 { ErrorKind::BrokenPipe } else { ErrorKind::TimedOut };
                assert_eq!(written.unwrap_err().kind(), error);
            }
        });
    });
}

#[test]
#[should_panic(expected = "the test has not ended after a day")]
fn run_ends_a_test_that_waits_for_ever() {
    run(std::future::pending::<()>());
}

#[test]
#[should_panic(expected = "the test wakes itself")]
fn run_ends_a_test_that_wakes_itself() {
    run(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn equal_seeds_make_equal_steps() {
    let steps = |seed| {
        let mut schedule = Schedule::from_seed(seed).may_fail_within(100);
        (0..50).map(|_| schedule.step(20)).collect::<Vec<_>>()
    };
    assert!((0..100).all(|seed| steps(seed) == steps(seed)));
    assert!((0..100).any(|seed| steps(seed) != steps(seed + 1)));
}
