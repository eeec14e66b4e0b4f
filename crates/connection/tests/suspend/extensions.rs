//! Extensions are suspended with the connection, or prevent it.

use bytes::BytesMut;
use protocol_websocket_connection::{
    Config, Connection, Event, ExtensionDecoder, ExtensionEncoder, ExtensionPair, ExtensionParams, Frame, Negotiate,
    Negotiated, Payload, ResumeError, Role, Rsv, StateReader, StateWriter, SuspendError,
};
use protocol_websocket_frame::{DecodeError, EncodeError, Limits, OpCode};

use super::common::masked;

/// `count`: appends to each message its number, up to 255, and checks it. It uses RSV2.
#[derive(Clone, Default)]
struct Count {
    number: u8,
    can_suspend: bool,
}

impl ExtensionDecoder for Count {
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        _: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
        let mut payload = frame.payload().to_vec();
        if frame.fin() && payload.pop() != Some(self.number) {
            return Err(DecodeError::Extension);
        }
        self.number += u8::from(frame.fin());
        Ok((frame.with_payload(payload).with_rsv(Rsv::NONE), None))
    }

    fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        state.byte(self.number);
        if self.can_suspend { Ok(()) } else { Err(SuspendError::ExtensionUnsupported) }
    }

    fn resume(&mut self, state: &mut StateReader<'_>, _: &Limits) -> Result<(), ResumeError> {
        self.number = state.byte()?;
        Ok(())
    }
}

impl ExtensionEncoder for Count {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        let mut payload = frame.payload().to_vec();
        payload.push(self.number);
        self.number += 1;
        let is_first = frame.opcode() != OpCode::Continuation;
        Ok(frame.with_payload(payload).with_rsv(if is_first { Rsv::RSV2 } else { Rsv::NONE }))
    }

    fn restart(&mut self) {}

    fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        state.byte(self.number);
        Ok(())
    }

    fn resume(&mut self, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        self.number = state.byte()?;
        Ok(())
    }
}

impl Negotiate for Count {
    fn name(&self) -> &str {
        "count"
    }

    fn rsv(&self) -> Rsv {
        Rsv::RSV2
    }

    fn offers(&self) -> Vec<ExtensionParams> {
        vec![ExtensionParams::new("count")]
    }

    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
        Some(offer.clone())
    }

    fn agree(&self, _: Role, _: &ExtensionParams) -> Option<ExtensionPair> {
        Some(ExtensionPair::new(self.clone(), self.clone()))
    }
}

fn config(can_suspend: bool) -> Config {
    Config::new().extension(Count { number: 0, can_suspend })
}

fn server(config: Config) -> Connection {
    Connection::open_server(&Negotiated::new().extension(ExtensionParams::new("count")), config)
}

#[test]
fn state_of_extensions_is_carried() {
    let (mut server, mut output) = (server(config(true)), BytesMut::new());
    for number in 0..5 {
        let mut input = masked(Frame::new(OpCode::Binary, vec![b'x', number]).with_rsv(Rsv::RSV2));
        assert_eq!(server.receive(&mut input, &mut output), Ok(Some(Event::Message(vec![b'x'].into()))));
        output.clear();
        server.send(vec![b'y'], &mut output).unwrap();
        assert_eq!(output[..], [0xA2, 2, b'y', number]);
        let state = server.suspend().unwrap();
        server = Connection::resume_server(state.as_bytes(), config(true)).unwrap();
    }
}

#[test]
fn refuses_an_extension_that_cannot_be_suspended() {
    assert_eq!(server(config(false)).suspend(), Err(SuspendError::ExtensionUnsupported));
}

#[test]
fn refuses_an_extension_that_is_not_in_the_configuration() {
    let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    let count = Count { number: 0, can_suspend: true };
    server.add_extension(ExtensionPair::new(count.clone(), count), Rsv::RSV2);
    assert_eq!(server.suspend(), Err(SuspendError::ExtensionUnsupported));
}

#[test]
fn rejects_state_with_an_extension_that_the_configuration_does_not_have() {
    let state = server(config(true)).suspend().unwrap();
    let resumed = Connection::resume_server(state.as_bytes(), Config::new());
    assert_eq!(resumed.err(), Some(ResumeError::ExtensionMismatch));
}
