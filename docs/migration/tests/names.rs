//! The names in the tables of the pages, so that a name that does not exist is an error of the compiler. Names that a code
//! block has are left out.
#![allow(clippy::no_effect_underscore_binding, unused_imports)]

/// Names the items of a path each, without a call.
macro_rules! items {
    ($($item:expr),+ $(,)?) => { $(let _ = $item;)+ };
}

type Io = tokio::io::DuplexStream;

#[test]
fn names_of_this_library_exist() {
    use protocol_websocket::{
        Connection, Delivery, Error as ConnectionError, OsRandom, PermessageDeflate, Versions, frame, http,
    };
    use protocol_websocket_tokio::rustls::ClientConfig;
    use protocol_websocket_tokio::{
        Accept, Close, CloseCode, Config, Connect, ConnectError, Error, Event, Incoming, Limits, Message, Negotiated,
        Offer, Part, Proxy, Receiver, Reject, Request, Response, SendError, Sender, Session, Stream, Timeouts,
        WebSocket, connect,
    };

    let _ = async |connect: Connect, tls: std::sync::Arc<ClientConfig>, proxy: Proxy, io: Io| {
        connect.tls(tls).proxy(proxy).redirects(1).config(Config::new()).timeout(None).over(io).await
    };
    let _ = || (Proxy::http("host", 80), Proxy::socks5("host", 80));
    let _ = |offer: Offer| offer.header("", "").cookie("", "").origin("").subprotocol("").basic_auth("", "");
    let _ = |accept: Accept, cookie| accept.header("", "").cookie(cookie).subprotocol("");
    let _ = |reject: Reject| reject.header("", "").body("");
    let _ = |request: &Request| (request.cookies().count(), request.subprotocols().count());
    let _ = async |mut websocket: WebSocket<Io>, part: Part| {
        let _ = (websocket.queue(""), websocket.queue_part(part), websocket.queue_ping(""));
        let _ = (websocket.send("").await, websocket.ready().await, websocket.flush().await);
        let _ = (websocket.recv_event().await, websocket.recv_part().await);
        let _ = websocket.recv_with(|_, outbox| outbox.pong("")).await;
        websocket.close(Close::new(CloseCode::NORMAL, "")).await
    };
    let _ = || Connection::open_client(&Negotiated::default(), Config::new(), OsRandom::new());
    let _ = |request: &Request| Connection::respond(request, Accept::new(), Config::new());
    items!(
        connect,
        Incoming::<Io>::request,
        Incoming::<Io>::accept::<Accept>,
        Incoming::<Io>::reject,
        Response::headers
    );
    items!(Request::resource_name, Request::headers, Request::origin, Request::origin_is, Request::is_same_origin);
    items!(Response::negotiated, http::RequestHead::is_upgrade, Stream::tcp, Stream::tls, Stream::is_encrypted);
    items!(WebSocket::<Io>::ended, WebSocket::<Io>::unsent, WebSocket::<Io>::get_ref, WebSocket::<Io>::into_parts);
    items!(WebSocket::<Io>::negotiated, WebSocket::<Io>::split, Sender::clone, Receiver::recv, Session::from_parts);
    items!(Message::kind, Message::as_text, Message::as_bytes, Message::into_bytes, Message::len, Message::is_empty);
    items!(Config::head_limits, Config::high_water_mark, Config::auto_pong, Config::versions, Config::delivery);
    items!(
        Limits::NONE,
        Limits::new,
        Limits::max_frame,
        Limits::max_fragments,
        Timeouts::RECOMMENDED,
        Versions::RFC6455
    );
    items!(PermessageDeflate::level, PermessageDeflate::threshold, PermessageDeflate::server_no_context_takeover);
    items!(PermessageDeflate::client_no_context_takeover, PermessageDeflate::server_max_window_bits);
    items!(PermessageDeflate::client_max_window_bits, Delivery::Parts, frame::mask, CloseCode::SERVICE_RESTART);
    items!(CloseCode::NORMAL, CloseCode::GOING_AWAY, CloseCode::PROTOCOL_ERROR, CloseCode::UNSUPPORTED_DATA);
    items!(CloseCode::NO_STATUS, CloseCode::ABNORMAL, CloseCode::INVALID_PAYLOAD_DATA, CloseCode::POLICY_VIOLATION);
    items!(CloseCode::MESSAGE_TOO_BIG, CloseCode::MANDATORY_EXTENSION, CloseCode::INTERNAL_ERROR);
    items!(CloseCode::TRY_AGAIN_LATER, CloseCode::TLS_HANDSHAKE, CloseCode::BAD_GATEWAY, CloseCode(4000));
    let _ = |event: Event| matches!(event, Event::Ping(_) | Event::Pong(_) | Event::Close(_));
    let _ =
        |error: Error| matches!(error, Error::Connection(ConnectionError::Decode(_) | ConnectionError::UnexpectedEof));
    let _ = |error: Error| matches!(error, Error::Io(_) | Error::Send(SendError::Closed | SendError::Build(_)));
    let _ = |error: ConnectError| {
        matches!(error, ConnectError::Resolve(_) | ConnectError::Connect(_) | ConnectError::Tls(_))
    };
    let _ = |error: ConnectError| {
        matches!(error, ConnectError::Url(_) | ConnectError::TlsDisabled | ConnectError::Build(_))
    };
    let _ = |error: ConnectError| matches!(error, ConnectError::Redirect(_) | ConnectError::WebSocket(_));
}

#[test]
fn names_of_tokio_tungstenite_exist() {
    use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
    use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
    use tokio_tungstenite::tungstenite::handshake::server::{Callback, NoCallback};
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
    use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
    use tokio_tungstenite::{
        Connector, MaybeTlsStream, WebSocketStream, accept_async_with_config, accept_hdr_async_with_config,
        client_async_tls, client_async_tls_with_config, client_async_with_config, connect_async_with_config,
    };

    items!(connect_async_with_config::<&str>, client_async_with_config::<&str, Io>, client_async_tls::<&str, Io>);
    items!(client_async_tls_with_config::<&str, Io>, accept_async_with_config::<Io>);
    items!(accept_hdr_async_with_config::<Io, NoCallback>, Connector::Plain, WebSocketConfig::accept_unmasked_frames);
    items!(ClientRequestBuilder::with_header::<&str, &str>, ClientRequestBuilder::with_sub_protocol::<&str>);
    items!(WebSocketStream::<Io>::from_raw_socket, WebSocketStream::<Io>::get_ref, WebSocketStream::<Io>::get_mut);
    items!(WebSocketStream::<Io>::into_inner, WebSocketStream::<Io>::get_config, MaybeTlsStream::<Io>::Plain);
    items!(
        Message::is_text,
        Message::is_binary,
        Message::to_text,
        Message::into_text,
        Message::into_data,
        Message::Pong
    );
    items!(
        CloseCode::Unsupported,
        CloseCode::Status,
        CloseCode::Abnormal,
        CloseCode::Invalid,
        CloseCode::Policy,
        CloseCode::Size
    );
    items!(
        CloseCode::Extension,
        CloseCode::Error,
        CloseCode::Restart,
        CloseCode::Again,
        CloseCode::Tls,
        CloseCode::Protocol
    );
    items!(CloseCode::Iana(3000), CloseCode::Library(4000), CloseCode::Bad(1014), CloseCode::Normal, CloseCode::Away);
    let _ =
        |error: Error| matches!(error, Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) | Error::Utf8(_));
    let _ = |error: Error| matches!(error, Error::Protocol(ProtocolError::SendAfterClosing));
    let _ = |error: Error| matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake));
    let _ = |error: Error| matches!(error, Error::Capacity(CapacityError::TooManyHeaders) | Error::AttackAttempt);
    let _ = |error: Error| {
        matches!(error, Error::WriteBufferFull(_) | Error::Url(_) | Error::Tls(_) | Error::HttpFormat(_))
    };
}

#[test]
fn names_of_fastwebsockets_exist() {
    use fastwebsockets::{CloseCode, FragmentCollector, Frame, OpCode, Payload, WebSocket, WebSocketError};
    use fastwebsockets::{after_handshake_split, unmask, upgrade};

    items!(
        upgrade::is_upgrade_request::<()>,
        after_handshake_split::<Io, Io>,
        unmask,
        Frame::new,
        Frame::pong,
        Frame::close_raw
    );
    items!(Frame::binary, WebSocket::<Io>::is_closed, WebSocket::<Io>::into_inner, WebSocket::<Io>::set_auto_pong);
    items!(WebSocket::<Io>::set_auto_close, WebSocket::<Io>::set_auto_apply_mask, WebSocket::<Io>::set_writev);
    items!(WebSocket::<Io>::set_writev_threshold, WebSocket::<Io>::set_max_message_size, WebSocket::<Io>::flush);
    items!(FragmentCollector::<Io>::into_inner, CloseCode::Normal, CloseCode::Away, OpCode::Ping, Payload::Owned);
    let _ = |error: WebSocketError| matches!(error, WebSocketError::ConnectionClosed | WebSocketError::UnexpectedEOF);
    let _ = |error: WebSocketError| matches!(error, WebSocketError::IoError(_) | WebSocketError::InvalidStatusCode(_));
}

#[test]
fn names_of_tokio_websockets_exist() {
    use tokio_websockets::resolver::Gai;
    use tokio_websockets::{
        ClientBuilder, CloseCode, Config, Connector, Error, Limits, MaybeTlsStream, Message, Payload, ServerBuilder,
        WebSocketStream,
    };

    items!(ClientBuilder::from_uri, ClientBuilder::<Gai>::connect_on::<Io>, ClientBuilder::<Gai>::take_over::<Io>);
    items!(ClientBuilder::<Gai>::resolver::<Gai>, ClientBuilder::<Gai>::connector, ServerBuilder::serve::<Io>);
    items!(WebSocketStream::<Io>::limits, WebSocketStream::<Io>::limits_mut, WebSocketStream::<Io>::get_ref);
    items!(
        WebSocketStream::<Io>::into_inner,
        Message::binary::<Vec<u8>>,
        Message::ping::<Vec<u8>>,
        Message::pong::<Vec<u8>>
    );
    items!(
        Message::as_payload,
        Message::into_payload,
        Message::is_ping,
        Message::is_pong,
        Message::is_close,
        Message::as_close
    );
    items!(
        Limits::unlimited,
        Config::frame_size,
        Config::flush_threshold,
        Connector::Plain,
        MaybeTlsStream::<Io>::Plain
    );
    items!(CloseCode::NORMAL_CLOSURE, CloseCode::NO_STATUS_RECEIVED, CloseCode::INVALID_FRAME_PAYLOAD_DATA);
    items!(
        CloseCode::INTERNAL_SERVER_ERROR,
        CloseCode::SERVICE_OVERLOAD,
        CloseCode::try_from(4000),
        Payload::from("text")
    );
    items!(
        CloseCode::PROTOCOL_ERROR,
        CloseCode::UNSUPPORTED_DATA,
        CloseCode::POLICY_VIOLATION,
        CloseCode::MESSAGE_TOO_BIG
    );
    items!(CloseCode::MANDATORY_EXTENSION, CloseCode::SERVICE_RESTART, CloseCode::BAD_GATEWAY, CloseCode::GOING_AWAY);
    let _ = |error: Error| matches!(error, Error::AlreadyClosed | Error::Protocol(_) | Error::PayloadTooLong { .. });
    let _ = |error: Error| matches!(error, Error::Io(_) | Error::Upgrade(_) | Error::CannotResolveHost);
    let _ = |error: Error| matches!(error, Error::UnsupportedScheme | Error::DisallowedHeader);
}

#[test]
fn names_of_yawc_exist() {
    use std::future::Future as _;
    use yawc::close::CloseCode;
    use yawc::{
        Frame, HttpWebSocket, Options, Proxy, TcpWebSocket, UpgradeFut, WebSocket, WebSocketBuilder, WebSocketError,
        streaming::Streaming,
    };

    items!(WebSocketBuilder::<Io>::with_tcp_address, WebSocketBuilder::<Io>::with_local_address, Proxy::socks5);
    items!(WebSocketBuilder::<Io>::with_proxy, WebSocket::<Io>::handshake, WebSocket::<Io>::handshake_with_request);
    items!(WebSocket::<Io>::from_stream, WebSocket::<Io>::from_stream_with_extensions, WebSocket::<Io>::next_frame);
    items!(WebSocket::<Io>::into_streaming, Streaming::<Io>::next_frame, Frame::close_code);
    let _ = || (Frame::ping(""), Frame::pong(""), Frame::continuation("").with_fin(false));
    items!(Frame::opcode, Frame::payload, Frame::into_parts, Frame::close_reason, Frame::as_str);
    items!(Options::with_max_payload_read, Options::with_max_read_buffer, Options::with_compression_level);
    items!(
        Options::with_compression_threshold,
        Options::server_no_context_takeover,
        Options::client_no_context_takeover
    );
    items!(Options::with_deflate_pool, Options::with_no_delay, Options::with_backpressure_boundary);
    items!(Options::with_max_fragment_size, Options::with_fragment_timeout, Options::with_read_buffer_capacity);
    items!(Options::with_write_buffer_capacity, CloseCode::Normal, CloseCode::Away, WebSocketError::is_protocol_error);
    items!(
        WebSocketError::is_data_error,
        WebSocketError::is_io_error,
        WebSocketError::as_io_error,
        WebSocketError::is_handshake_error
    );
    let _ = |_: TcpWebSocket, _: HttpWebSocket, _: UpgradeFut| {};
    let _ = |error: WebSocketError| {
        matches!(error, WebSocketError::ConnectionClosed | WebSocketError::InvalidStatusCode(_))
    };
    let _ = |error: WebSocketError| matches!(error, WebSocketError::Redirected { .. });
}
