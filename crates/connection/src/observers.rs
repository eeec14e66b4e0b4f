//! The observers of a configuration and of a connection.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use protocol_websocket_core::Role;
use protocol_websocket_frame::{OpCode, Rsv};

use crate::observer::{Direction, Observation, ObservedFrame, Observer};
use crate::{Ended, EndedBy};

type MakeObserver = dyn Fn(Role) -> Box<dyn Observer> + Send + Sync;

/// The functions that create the observers of a connection.
#[derive(Clone, Default)]
pub(crate) struct ConfiguredObservers(Vec<Arc<MakeObserver>>);

impl ConfiguredObservers {
    pub(crate) fn push<O: Observer + 'static>(&mut self, make: impl Fn(Role) -> O + Send + Sync + 'static) {
        self.0.push(Arc::new(move |role| Box::new(make(role))));
    }

    /// Creates the observers of a connection.
    pub(crate) fn make(&self, role: Role) -> Observers {
        let observers = self.0.iter().map(|make| make(role)).collect();
        Observers(Arc::new(Shared { observers, closed_first: AtomicBool::new(false) }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ConfiguredObservers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConfiguredObservers").field(&self.0.len()).finish()
    }
}

/// The observers of a connection, which both halves share.
#[derive(Clone)]
pub(crate) struct Observers(Arc<Shared>);

struct Shared {
    observers: Vec<Box<dyn Observer>>,
    /// Whether our Close was first. The receiving half reports the end, and the sending half writes the Close.
    closed_first: AtomicBool,
}

impl Observers {
    #[inline(never)]
    pub(crate) fn observe(&self, observation: &Observation<'_>) {
        self.0.observers.iter().for_each(|observer| observer.observe(observation));
    }

    /// Notes that our Close was sent before the peer's Close arrived.
    pub(crate) fn note_closed_first(&self) {
        self.0.closed_first.store(true, Ordering::Relaxed);
    }

    /// Reports the end of the connection.
    pub(crate) fn observe_ended(&self, ended: &Ended) {
        let is_ours = ended.clean && ended.by == EndedBy::Peer && self.0.closed_first.load(Ordering::Relaxed);
        if is_ours {
            self.observe(&Observation::Ended(&Ended { by: EndedBy::Us, ..ended.clone() }));
        } else {
            self.observe(&Observation::Ended(ended));
        }
    }

    /// Returns whether an observer needs the slow paths.
    pub(crate) fn wants_frames(&self) -> bool {
        self.0.observers.iter().any(|observer| observer.wants_frames() || observer.wants_input())
    }

    fn wants_input(&self) -> bool {
        self.0.observers.iter().any(|observer| observer.wants_input())
    }

    /// Reports a whole frame.
    #[inline(never)]
    pub(crate) fn observe_whole(&self, direction: Direction, frame: Piece<'_>) {
        self.observe(&Observation::Frame(frame.observed(direction, true, true)));
    }
}

/// The observers of the receiving direction, and the state of what was reported to them.
pub(crate) struct ReceiveObservers {
    observers: Observers,
    wants_input: bool,
    /// The number of bytes at the beginning of the input that were already reported.
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

    /// Reports the bytes of `input` that were not reported yet.
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

    /// Reports a piece of a frame.
    pub(crate) fn observe_piece(&mut self, piece: Piece<'_>, is_last: bool) {
        let is_first = self.frame.is_none();
        let (opcode, rsv) = *self.frame.get_or_insert((piece.opcode, piece.rsv));
        if is_last {
            self.frame = None;
        }
        let fin = piece.fin && is_last;
        let piece = Piece { opcode, rsv, fin, ..piece };
        self.observers.observe(&Observation::Frame(piece.observed(Direction::Received, is_first, is_last)));
    }

    /// Returns the observers if the end was not reported yet, and notes that it is reported now.
    pub(crate) fn end(&mut self) -> Option<&Observers> {
        (!core::mem::replace(&mut self.has_ended, true)).then_some(&self.observers)
    }
}

/// A frame, or a piece of one.
pub(crate) struct Piece<'a> {
    opcode: OpCode,
    rsv: Rsv,
    fin: bool,
    wire_len: usize,
    payload: &'a [u8],
}

impl<'a> Piece<'a> {
    #[inline]
    pub(crate) const fn new(opcode: OpCode, fin: bool, payload: &'a [u8]) -> Self {
        Self { opcode, rsv: Rsv::NONE, fin, wire_len: 0, payload }
    }

    /// Sets the reserved bits, and the length of the payload after the encoding by extensions.
    #[inline]
    pub(crate) const fn encoded(self, rsv: Rsv, wire_len: usize) -> Self {
        Self { rsv, wire_len, ..self }
    }

    const fn observed(self, direction: Direction, is_first: bool, is_last: bool) -> ObservedFrame<'a> {
        let Self { opcode, rsv, fin, wire_len, payload } = self;
        ObservedFrame { direction, opcode, rsv, fin, wire_len, payload, is_first, is_last }
    }
}
