//! The observers of a configuration and of a connection.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_core::Role;
use protocol_websocket_frame::{Frame, OpCode, Rsv};

use crate::observer::{Direction, Observation, ObservedFrame, Observer};

type MakeObserver = dyn Fn(Role) -> Box<dyn Observer> + Send + Sync;

/// The functions that create the observers of a connection.
#[derive(Clone, Default)]
pub(crate) struct ConfiguredObservers(Vec<Arc<MakeObserver>>);

impl ConfiguredObservers {
    pub(crate) fn push<O: Observer + 'static>(&mut self, make: impl Fn(Role) -> O + Send + Sync + 'static) {
        self.0.push(Arc::new(move |role| Box::new(make(role))));
    }

    /// Creates the observers of a connection.
    pub(crate) fn make(&self, role: Role) -> Option<Observers> {
        (!self.0.is_empty()).then(|| Observers(self.0.iter().map(|make| make(role)).collect()))
    }
}

impl fmt::Debug for ConfiguredObservers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConfiguredObservers").field(&self.0.len()).finish()
    }
}

/// The observers of a connection. Both of its halves have them.
#[derive(Clone)]
pub(crate) struct Observers(Arc<[Box<dyn Observer>]>);

impl Observers {
    #[inline(never)]
    pub(crate) fn observe(&self, observation: &Observation<'_>) {
        self.0.iter().for_each(|observer| observer.observe(observation));
    }

    fn wants_input(&self) -> bool {
        self.0.iter().any(|observer| observer.wants_input())
    }

    /// Reports a whole frame. `payload` is its payload without the encoding by extensions.
    #[inline(never)]
    pub(crate) fn observe_whole<P: AsRef<[u8]>>(&self, direction: Direction, frame: &Frame<P>, payload: &[u8]) {
        self.observe(&Observation::Frame(ObservedFrame {
            direction,
            opcode: frame.opcode(),
            rsv: frame.rsv(),
            fin: frame.fin(),
            wire_len: frame.payload().as_ref().len(),
            payload,
            is_first: true,
            is_last: true,
        }));
    }
}

/// The observers of the receiving direction, and what they have seen.
pub(crate) struct ReceiveObservers {
    observers: Observers,
    wants_input: bool,
    /// The number of bytes at the front of the input that were reported.
    seen: usize,
    /// The frame that is received in pieces.
    frame: Option<(OpCode, Rsv)>,
    /// Whether the end was reported.
    has_ended: bool,
}

impl ReceiveObservers {
    pub(crate) fn new(observers: Observers) -> Self {
        let wants_input = observers.wants_input();
        Self { observers, wants_input, seen: 0, frame: None, has_ended: false }
    }

    pub(crate) const fn observers(&self) -> &Observers {
        &self.observers
    }

    pub(crate) const fn wants_input(&self) -> bool {
        self.wants_input
    }

    /// Reports the bytes of `input` that were not reported.
    pub(crate) fn observe_input(&mut self, input: &[u8]) {
        if self.wants_input
            && let Some(new @ [_, ..]) = input.get(self.seen..)
        {
            self.observers.observe(&Observation::Input(new));
        }
    }

    /// Notes that `len` bytes are left in the input.
    pub(crate) const fn note_rest(&mut self, len: usize) {
        self.seen = len;
    }

    /// Reports a piece of a frame. `ends` is true if it is the last one.
    pub(crate) fn observe_piece(&mut self, piece: Piece<'_>) {
        let is_first = self.frame.is_none();
        let (opcode, rsv) = *self.frame.get_or_insert((piece.opcode, piece.rsv));
        if piece.ends {
            self.frame = None;
        }
        self.observers.observe(&Observation::Frame(ObservedFrame {
            direction: Direction::Received,
            opcode,
            rsv,
            fin: piece.fin && piece.ends,
            wire_len: piece.wire_len,
            payload: piece.payload,
            is_first,
            is_last: piece.ends,
        }));
    }

    /// Returns the observers if the end was not reported, and notes that it is.
    pub(crate) fn end(&mut self) -> Option<&Observers> {
        (!core::mem::replace(&mut self.has_ended, true)).then_some(&self.observers)
    }
}

/// A piece of a received frame. The opcode and the reserved bits count for the first piece of a frame only.
pub(crate) struct Piece<'a> {
    pub(crate) opcode: OpCode,
    pub(crate) rsv: Rsv,
    pub(crate) fin: bool,
    pub(crate) wire_len: usize,
    pub(crate) payload: &'a [u8],
    pub(crate) ends: bool,
}
