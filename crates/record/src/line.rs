//! A line of a log, as it is written and as it is read. `docs/recording.md` has the table of its members.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use protocol_websocket_connection::{Direction, EndedBy, ExtensionParams, Headers, Rsv};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::mask::mask_header;

/// The member `format` of the first line.
pub(crate) const FORMAT: &str = "protocol-websocket-record";
/// The member `version` of the first line.
pub(crate) const VERSION: u64 = 1;

/// The maximum number of header fields of a head that is read: ten times the default of a connection.
const MAX_HEADERS: usize = 1000;

/// The first line of a log.
#[derive(Serialize)]
pub(crate) struct FirstLine {
    pub(crate) format: &'static str,
    pub(crate) version: u64,
    pub(crate) start: String,
}

#[derive(Deserialize)]
pub(crate) struct ParsedFirstLine {
    pub(crate) format: String,
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) start: String,
}

/// Another line of a log. Members that are `None` are not written.
#[derive(Default, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) time: u64,
    pub(crate) connection: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) direction: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<HeaderList<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// `Some(None)` is a masked value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subprotocol: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extensions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opcode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rsv: Option<Vec<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) piece: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wire_len: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base64: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) len: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clean: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A line that was read. Unknown members are ignored.
#[derive(Deserialize)]
pub(crate) struct ParsedLine {
    pub(crate) r#type: String,
    pub(crate) time: u64,
    pub(crate) connection: u64,
    pub(crate) role: Option<String>,
    pub(crate) direction: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) headers: Option<List<(String, Option<String>), MAX_HEADERS>>,
    pub(crate) version: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) subprotocol: Option<Option<String>>,
    pub(crate) extensions: Option<List<String, { ExtensionParams::MAX_ITEMS }>>,
    pub(crate) opcode: Option<String>,
    pub(crate) fin: Option<bool>,
    pub(crate) rsv: Option<Vec<u8>>,
    pub(crate) piece: Option<String>,
    pub(crate) wire_len: Option<u64>,
    pub(crate) text: Option<String>,
    pub(crate) base64: Option<String>,
    pub(crate) len: Option<u64>,
    pub(crate) sha256: Option<String>,
    pub(crate) by: Option<String>,
    pub(crate) code: Option<u16>,
    pub(crate) reason: Option<String>,
    pub(crate) clean: Option<bool>,
    pub(crate) error: Option<String>,
}

/// A list with at most `MAX` items. An item of a few bytes takes more memory than its text, so a long list is an error before
/// it is in memory.
pub(crate) struct List<T, const MAX: usize>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor::<T, MAX>(PhantomData))
    }
}

struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
    type Value = List<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list with at most {MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() == MAX {
                return Err(A::Error::invalid_length(MAX + 1, &self));
            }
            list.push(item);
        }
        Ok(List(list))
    }
}

/// Distinguishes a member that is `null` from one that is missing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The name of a direction.
pub(crate) const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Received => "received",
        Direction::Sent => "sent",
    }
}

/// The name of the side or the event that ended a connection.
pub(crate) const fn by_name(by: EndedBy) -> &'static str {
    match by {
        EndedBy::Peer => "peer",
        EndedBy::Us => "us",
        EndedBy::Timeout => "timeout",
        // The enum may grow. An unknown variant is written like an end of the transport.
        _ => "transport",
    }
}

/// The three reserved bits with their numbers.
pub(crate) const RESERVED_BITS: [(u8, Rsv); 3] = [(1, Rsv::RSV1), (2, Rsv::RSV2), (3, Rsv::RSV3)];

/// A list of header fields, each a list of its name and its value. A masked value is `null`.
pub(crate) struct HeaderList<'a> {
    pub(crate) headers: &'a Headers,
    pub(crate) keeps_secrets: bool,
}

impl Serialize for HeaderList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.headers.len()))?;
        for (name, value) in self.headers {
            let shown =
                if self.keeps_secrets { Some(String::from_utf8_lossy(value)) } else { mask_header(name, value) };
            list.serialize_element(&(name, shown))?;
        }
        list.end()
    }
}

/// Bytes in base64, which are written without an intermediate string.
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// A hash in lower-case hexadecimal.
pub(crate) struct Hex(pub(crate) [u8; 32]);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
