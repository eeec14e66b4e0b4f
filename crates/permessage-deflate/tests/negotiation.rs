//! RFC 7692 §7.1: offers, responses, and the codec that they result in.
#![allow(clippy::unwrap_used)]

mod common;

use protocol_websocket_core::{ExtensionParams, Role};
use protocol_websocket_frame::{Frame, Negotiate, Rsv};
use protocol_websocket_permessage_deflate::{Deflater, Inflater, PermessageDeflate};

use common::{decode, encode, noise};

fn parse(text: &str) -> ExtensionParams {
    let mut parts = text.split("; ");
    let name = parts.next().unwrap_or_default();
    parts.fold(ExtensionParams::new(name), |extension, param| match param.split_once('=') {
        Some((name, value)) => extension.param(name, value),
        None => extension.flag(param),
    })
}

fn offer(client: &PermessageDeflate) -> String {
    let [offer] = &client.offers()[..] else { unreachable!() };
    offer.to_string()
}

fn respond(server: &PermessageDeflate, offer: &str) -> Option<String> {
    server.respond(&parse(offer)).map(|response| response.to_string())
}

fn accepts(client: &PermessageDeflate, response: &str) -> bool {
    client.agree(Role::Client, &parse(response)).is_some()
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# To offer use of a PMCE, a client MUST include the extension name of the PMCE
#[test]
fn client_offers_its_preferences() {
    let new = PermessageDeflate::new;
    assert_eq!(offer(&new()), "permessage-deflate; client_max_window_bits");
    assert_eq!(
        offer(&new().server_no_context_takeover()),
        "permessage-deflate; server_no_context_takeover; client_max_window_bits"
    );
    assert_eq!(
        offer(&new().client_no_context_takeover()),
        "permessage-deflate; client_no_context_takeover; client_max_window_bits"
    );
    assert_eq!(
        offer(&new().server_max_window_bits(12).client_max_window_bits(9)),
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=9"
    );
    let plain = "permessage-deflate; client_max_window_bits";
    assert_eq!(offer(&new().server_max_window_bits(16).client_max_window_bits(255)), plain);
    assert_eq!(
        offer(&new().server_max_window_bits(8).client_max_window_bits(0)),
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9"
    );
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-9
//# those parameters MUST be chosen in accordance with the specification of the extension
//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# To accept the use of an offered PMCE, a server MUST include the extension name
//= https://www.rfc-editor.org/rfc/rfc7692#section-7
//# A server MUST decline an extension negotiation offer for this extension if any of the following
//# conditions are met:
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
//# the corresponding extension negotiation response to the offer MUST NOT include the
//# "client_max_window_bits" extension parameter.
#[test]
fn server_responds_with_offer_limited_by_preferences() {
    let new = PermessageDeflate::new;
    let strict = new()
        .server_no_context_takeover()
        .client_no_context_takeover()
        .server_max_window_bits(11)
        .client_max_window_bits(10);
    for (server, params, expected) in [
        (new(), "", Some("")),
        (new(), "; client_max_window_bits", Some("")),
        (new(), "; client_max_window_bits=15", Some("; client_max_window_bits=15")),
        (new(), "; client_max_window_bits=8", Some("; client_max_window_bits=8")),
        (new(), "; server_max_window_bits=15", Some("; server_max_window_bits=15")),
        (new(), "; server_max_window_bits=9", Some("; server_max_window_bits=9")),
        (new(), "; server_max_window_bits=8", None),
        (new(), "; server_no_context_takeover", Some("; server_no_context_takeover")),
        (new(), "; client_no_context_takeover", Some("; client_no_context_takeover")),
        (new(), "; server_max_window_bits", None),
        (new(), "; server_max_window_bits=7", None),
        (new(), "; client_max_window_bits=16", None),
        (new(), "; server_no_context_takeover=1", None),
        (new(), "; client_no_context_takeover; client_no_context_takeover", None),
        (new(), "; unknown", None),
        (
            strict.clone(),
            "",
            Some("; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11"),
        ),
        (
            strict.clone(),
            "; client_max_window_bits; server_max_window_bits=15",
            Some(
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; \
                 client_max_window_bits=10",
            ),
        ),
        (
            strict,
            "; client_max_window_bits=9; server_max_window_bits=10",
            Some(
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; \
                 client_max_window_bits=9",
            ),
        ),
    ] {
        let response = respond(&server, &format!("permessage-deflate{params}"));
        let expected = expected.map(|params| format!("permessage-deflate{params}"));
        assert_eq!(response, expected, "{server:?} {params}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7
//# A client MUST _Fail the WebSocket Connection_ if the peer server accepted an extension
//# negotiation offer for this extension with an extension negotiation response meeting any of the
//# following conditions:
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
//# The "server_max_window_bits" extension parameter in an extension negotiation response has a
//# decimal integer value without leading zeroes between 8 to 15
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
//# The "client_max_window_bits" extension parameter in an extension negotiation response has a
//# decimal integer value without leading zeroes between 8 to 15 inclusive
#[test]
fn client_rejects_invalid_responses() {
    let new = PermessageDeflate::new;
    for (client, params, accepted) in [
        (new(), "", true),
        (new(), "; server_no_context_takeover; client_no_context_takeover", true),
        (new(), "; server_max_window_bits=8", true),
        (new(), "; client_max_window_bits=8", true),
        (new(), "; client_max_window_bits=15", true),
        (new(), "; client_max_window_bits", false),
        (new(), "; server_max_window_bits", false),
        (new(), "; server_max_window_bits=7", false),
        (new(), "; server_max_window_bits=16", false),
        (new(), "; client_max_window_bits=016", false),
        (new(), "; server_no_context_takeover=1", false),
        (new(), "; server_no_context_takeover; server_no_context_takeover", false),
        (new(), "; unknown", false),
        (new().server_no_context_takeover(), "", false),
        (new().server_no_context_takeover(), "; client_no_context_takeover", false),
        (new().server_no_context_takeover(), "; server_no_context_takeover", true),
        (new().client_no_context_takeover(), "", true),
        (new().server_max_window_bits(12), "", false),
        (new().server_max_window_bits(12), "; server_max_window_bits=13", false),
        (new().server_max_window_bits(12), "; server_max_window_bits=12", true),
        (new().server_max_window_bits(12), "; server_max_window_bits=9", true),
        (new().client_max_window_bits(12), "", true),
        (new().client_max_window_bits(12), "; client_max_window_bits=12", true),
        (new().client_max_window_bits(12), "; client_max_window_bits=13", true),
    ] {
        assert_eq!(accepts(&client, &format!("permessage-deflate{params}")), accepted, "{client:?} {params}");
    }
}

#[test]
fn server_agrees_only_on_valid_response() {
    let server = PermessageDeflate::new();
    assert!(server.agree(Role::Server, &ExtensionParams::new("permessage-deflate")).is_some());
    assert!(server.agree(Role::Server, &ExtensionParams::new("permessage-deflate").flag("x")).is_none());
    assert!(
        server
            .agree(Role::Server, &ExtensionParams::new("permessage-deflate").flag("client_max_window_bits"))
            .is_none()
    );
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# The element MUST represent a PMCE that is fully supported by the server.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
//# Otherwise, the server MUST decompress each new message using the LZ77 sliding window used to
//# process the last compressed message.
/// Each pair of preferences gives two codecs that fit together, over several messages.
#[test]
fn all_preferences_of_both_ends_roundtrip() {
    let preferences = || {
        (0..36).map(|index| {
            let mut deflate = PermessageDeflate::new().threshold(0).level(1);
            if index & 1 > 0 {
                deflate = deflate.server_no_context_takeover();
            }
            if index & 2 > 0 {
                deflate = deflate.client_no_context_takeover();
            }
            let bits = [9, 12, 15];
            deflate.server_max_window_bits(bits[index / 4 % 3]).client_max_window_bits(bits[index / 12])
        })
    };
    let text = "a decompressor needs a window at least as large as the window of the compressor ".repeat(20);
    for client in preferences() {
        for server in preferences() {
            let response = server.respond(&client.offers()[0]).unwrap();
            let (mut at_client, mut from_client) = client.codec(Role::Client, &response).unwrap();
            let (mut at_server, mut from_server) = server.codec(Role::Server, &response).unwrap();
            for _ in 0..3 {
                for (deflater, inflater) in [(&mut from_client, &mut at_server), (&mut from_server, &mut at_client)] {
                    let frame = encode(deflater, Frame::text(text.as_str()));
                    let decoded = decode(inflater, frame, text.len()).unwrap();
                    assert_eq!(decoded, (Frame::text(text.as_str()), None), "{client:?} {server:?}");
                }
            }
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# both endpoints MUST use the algorithm described in Section 6
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
//# A client MUST support the "client_no_context_takeover" extension parameter in an extension
//# negotiation response.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the client MUST start compressing each new message with an empty LZ77 sliding window.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the server MUST start compressing each new message with an empty LZ77 sliding window.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
//# Note that even if the client has included the "client_no_context_takeover" extension parameter
//# in its offer
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
//# the client MUST use an LZ77 sliding window of a size that conforms the "agreed parameters" to
//# compress messages to send.
#[test]
fn codec_uses_negotiated_windows() {
    let codecs = |response: &str| {
        let response = parse(response);
        let deflate = PermessageDeflate::new();
        let (client, server) = (deflate.codec(Role::Client, &response), deflate.codec(Role::Server, &response));
        [client.unwrap(), server.unwrap()]
            .map(|(inflater, deflater)| (format!("{inflater:?}"), format!("{deflater:?}")))
    };
    let [client, server] =
        codecs("permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=12");
    assert!(client.0.contains("takeover: false") && client.1.contains("bits: 12"), "{client:?}");
    assert!(client.1.contains("takeover: true"), "{client:?}");
    assert!(server.0.contains("takeover: true") && server.1.contains("bits: 10"), "{server:?}");
    assert!(server.1.contains("takeover: false"), "{server:?}");
    let [client, _] = codecs("permessage-deflate; client_no_context_takeover");
    assert!(client.0.contains("takeover: true") && client.1.contains("takeover: false"), "{client:?}");

    let own = PermessageDeflate::new().client_no_context_takeover().client_max_window_bits(11);
    for response in ["permessage-deflate", "permessage-deflate; client_max_window_bits=12"] {
        let (_, deflater) = own.codec(Role::Client, &parse(response)).unwrap();
        let deflater = format!("{deflater:?}");
        assert!(deflater.contains("bits: 11") && deflater.contains("takeover: false"), "{deflater}");
    }
    // An end may use a smaller window than the negotiated one.
    let own = PermessageDeflate::new().server_max_window_bits(11);
    let (_, deflater) = own.codec(Role::Server, &parse("permessage-deflate")).unwrap();
    assert!(format!("{deflater:?}").contains("bits: 11"), "{deflater:?}");
}

#[test]
fn client_with_8_bit_window_sends_uncompressed() {
    let response = parse("permessage-deflate; client_max_window_bits=8");
    let (_, mut deflater) = PermessageDeflate::new().codec(Role::Client, &response).unwrap();
    let frame = Frame::text("a".repeat(1000));
    assert_eq!(encode(&mut deflater, frame.clone()), frame);
}

#[test]
fn window_bits_returns_window_of_direction() {
    let bits = |agreed: &str| {
        let agreed = parse(agreed);
        [Role::Server, Role::Client].map(|role| PermessageDeflate::window_bits(role, &agreed))
    };
    assert_eq!(bits("permessage-deflate"), [Some(15), Some(15)]);
    assert_eq!(bits("permessage-deflate; server_max_window_bits=9; client_max_window_bits=12"), [Some(9), Some(12)]);
    assert_eq!(bits("permessage-deflate; server_max_window_bits=8"), [None, Some(15)]);
    assert_eq!(bits("permessage-deflate; client_max_window_bits=8"), [Some(15), None]);
    for none in ["another", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits=16"] {
        assert_eq!(bits(none), [None, None], "{none}");
    }
}

/// A frame that several peers share does not refer to data outside the negotiated window.
#[test]
fn shared_frame_stays_within_negotiated_window() {
    for agreed_bits in 9..=15 {
        let agreed = parse(&format!("permessage-deflate; server_max_window_bits={agreed_bits}"));
        let bits = PermessageDeflate::window_bits(Role::Server, &agreed).unwrap();
        // The noise is repeated at a distance that is one byte longer than the window.
        let noise = noise((1 << agreed_bits) + 1);
        let frame = encode(&mut Deflater::new(bits).context_takeover(false), Frame::binary(noise.repeat(2)));
        assert!(frame.payload().len() >= 2 * noise.len(), "{agreed_bits}");
    }
}

#[test]
fn public_types_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<PermessageDeflate>();
    check::<Deflater>();
    check::<Inflater>();
}

#[test]
fn default_equals_new() {
    assert_eq!(format!("{:?}", PermessageDeflate::default()), format!("{:?}", PermessageDeflate::new()));
}

#[test]
fn has_registered_name_and_rsv1() {
    let deflate = PermessageDeflate::new();
    assert_eq!((deflate.name(), deflate.rsv()), ("permessage-deflate", Rsv::RSV1));
}

#[test]
fn window_bits_are_limited_to_largest_window() {
    let (wide, widest) = (PermessageDeflate::new().client_max_window_bits(99), PermessageDeflate::new());
    assert_eq!(wide, widest);
}
