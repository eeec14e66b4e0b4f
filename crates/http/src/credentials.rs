//! The Basic scheme (RFC 7617), with which a client proves who its user is to a server or a proxy.

use alloc::format;
use alloc::string::String;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::BuildError;
use crate::grammar::is_text;

/// Returns the value of `Authorization` or `Proxy-Authorization`.
pub(crate) fn basic(user: &str, password: &str) -> Result<String, BuildError> {
    let is_valid = |text: &str| is_text(text.as_bytes()) && !text.contains('\t');
    if user.contains(':') || !is_valid(user) || !is_valid(password) {
        return Err(BuildError::Credentials);
    }
    Ok(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}
