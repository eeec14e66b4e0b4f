//! RFC 7692 §7.1: who may ask for what, and what comes of it.
#![allow(clippy::unwrap_used)]

use protocol_websocket_frame::{Extension as _, Frame};
use protocol_websocket_http::{Extension, Negotiate, Role, parse_extensions};
use protocol_websocket_permessage_deflate::{Deflater, PermessageDeflate};

fn parse(text: &str) -> Extension {
    parse_extensions(text).unwrap().remove(0)
}

fn offer(client: &PermessageDeflate) -> String {
    let [offer] = &client.offers()[..] else { unreachable!() };
    offer.to_string()
}

fn answer(server: &PermessageDeflate, offer: &str) -> Option<String> {
    server.answer(&parse(offer)).map(|answer| answer.to_string())
}

fn takes(client: &PermessageDeflate, answer: &str) -> bool {
    client.agree(Role::Client, &parse(answer)).is_some()
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# To offer use of a PMCE, a client MUST include the extension name of the PMCE
#[test]
fn a_client_offers_what_it_was_told() {
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
fn a_server_answers_what_was_offered_narrowed_by_its_own_wishes() {
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
        let answered = answer(&server, &format!("permessage-deflate{params}"));
        let expected = expected.map(|params| format!("permessage-deflate{params}"));
        assert_eq!(answered, expected, "{server:?} {params}");
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
fn a_client_takes_only_answers_to_its_offer() {
    let new = PermessageDeflate::new;
    for (client, params, taken) in [
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
        assert_eq!(takes(&client, &format!("permessage-deflate{params}")), taken, "{client:?} {params}");
    }
}

#[test]
fn a_server_knows_an_answer_when_it_sees_one() {
    let server = PermessageDeflate::new();
    assert!(server.agree(Role::Server, &Extension::new("permessage-deflate")).is_some());
    assert!(server.agree(Role::Server, &Extension::new("permessage-deflate").flag("x")).is_none());
    assert!(server.agree(Role::Server, &Extension::new("permessage-deflate").flag("client_max_window_bits")).is_none());
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# The element MUST represent a PMCE that is fully supported by the server.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
//# Otherwise, the server MUST decompress each new message using the LZ77 sliding window used to
//# process the last compressed message.
/// Every pair of wishes: what the two agree on fits together, over several messages.
#[test]
fn whatever_both_want_what_one_sends_the_other_reads() {
    let wishes = || {
        (0..36).map(|wish| {
            let mut deflate = PermessageDeflate::new().threshold(0).level(1);
            if wish & 1 > 0 {
                deflate = deflate.server_no_context_takeover();
            }
            if wish & 2 > 0 {
                deflate = deflate.client_no_context_takeover();
            }
            let bits = [9, 12, 15];
            deflate.server_max_window_bits(bits[wish / 4 % 3]).client_max_window_bits(bits[wish / 12])
        })
    };
    let text = "the window of the one must never be narrower than the other believes it to be ".repeat(20);
    for client in wishes() {
        for server in wishes() {
            let answer = server.answer(&client.offers()[0]).unwrap();
            let (mut at_client, mut from_client) = client.agree(Role::Client, &answer).unwrap();
            let (mut at_server, mut from_server) = server.agree(Role::Server, &answer).unwrap();
            for _ in 0..3 {
                for (deflater, inflater) in [(&mut from_client, &mut at_server), (&mut from_server, &mut at_client)] {
                    let frame = deflater.encode(Frame::text(text.as_str())).unwrap();
                    let came = inflater.decode(frame, text.len()).unwrap();
                    assert_eq!(came, (Frame::text(text.as_str()), None), "{client:?} {server:?}");
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
fn the_windows_are_those_that_were_agreed_on() {
    let halves = |answer: &str| {
        let answer: Extension = parse(answer);
        let deflate = PermessageDeflate::new();
        let (client, server) = (deflate.agree(Role::Client, &answer), deflate.agree(Role::Server, &answer));
        [client.unwrap(), server.unwrap()]
            .map(|(inflater, deflater)| (format!("{inflater:?}"), format!("{deflater:?}")))
    };
    let [client, server] =
        halves("permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=12");
    assert!(client.0.contains("takeover: false") && client.1.contains("bits: 12"), "{client:?}");
    assert!(client.1.contains("takeover: true"), "{client:?}");
    assert!(server.0.contains("takeover: true") && server.1.contains("bits: 10"), "{server:?}");
    assert!(server.1.contains("takeover: false"), "{server:?}");
    let [client, _] = halves("permessage-deflate; client_no_context_takeover");
    assert!(client.0.contains("takeover: true") && client.1.contains("takeover: false"), "{client:?}");

    let own = PermessageDeflate::new().client_no_context_takeover().client_max_window_bits(11);
    for answer in ["permessage-deflate", "permessage-deflate; client_max_window_bits=12"] {
        let (_, deflater) = own.agree(Role::Client, &parse(answer)).unwrap();
        let deflater = format!("{deflater:?}");
        assert!(deflater.contains("bits: 11") && deflater.contains("takeover: false"), "{deflater}");
    }
    // Whoever may use more need not.
    let own = PermessageDeflate::new().server_max_window_bits(11);
    let (_, deflater) = own.agree(Role::Server, &parse("permessage-deflate")).unwrap();
    assert!(format!("{deflater:?}").contains("bits: 11"), "{deflater:?}");
}

#[test]
fn with_a_window_that_no_compressor_has_a_client_sends_messages_as_they_are() {
    let answer = parse("permessage-deflate; client_max_window_bits=8");
    let (_, mut deflater) = PermessageDeflate::new().agree(Role::Client, &answer).unwrap();
    let frame = Frame::text("a".repeat(1000));
    assert_eq!(deflater.encode(frame.clone()).unwrap(), frame);
}

#[test]
fn window_bits_are_those_of_the_direction() {
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

/// A frame that is shared by peers with one window refers to nothing that lies outside it.
#[test]
fn a_shared_frame_keeps_to_the_window_that_was_agreed_on() {
    for agreed_bits in 9..=15 {
        let agreed = parse(&format!("permessage-deflate; server_max_window_bits={agreed_bits}"));
        let bits = PermessageDeflate::window_bits(Role::Server, &agreed).unwrap();
        // The same noise again, farther back than the window reaches.
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take((1 << agreed_bits) + 1)
        .collect();
        let frame = Deflater::new(bits).context_takeover(false).encode(Frame::binary(noise.repeat(2))).unwrap();
        assert!(frame.payload().len() > 2 * noise.len(), "{agreed_bits}");
    }
}

#[test]
fn the_default_is_what_new_says() {
    assert_eq!(format!("{:?}", PermessageDeflate::default()), format!("{:?}", PermessageDeflate::new()));
}

#[test]
fn it_goes_by_its_registered_name() {
    assert_eq!(PermessageDeflate::new().name(), "permessage-deflate");
}

#[test]
fn a_window_beyond_the_widest_is_the_widest() {
    let (wide, widest) = (PermessageDeflate::new().client_max_window_bits(99), PermessageDeflate::new());
    assert_eq!(wide, widest);
}
