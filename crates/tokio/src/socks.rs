//! A client of SOCKS5 (RFC 1928), with user name and password (RFC 1929). The proxy resolves the name.
//!
//! Each response has a known length, so no byte of the server is read with it.

use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::{ProxyError, SocksError};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Opens a tunnel to a host, which is a name or an IP address without brackets.
pub(crate) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    io: &mut S,
    host: &str,
    port: u16,
    credentials: Option<(&str, &str)>,
) -> Result<(), ProxyError> {
    let request = request(host, port)?;
    let login = credentials.map(login).transpose()?;

    let methods: &[u8] =
        if login.is_some() { &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD] } else { &[VERSION, 1, 0] };
    write(io, methods).await?;
    match (read::<2, S>(io).await?, login) {
        ([VERSION, NO_AUTHENTICATION], _) => {}
        ([VERSION, USER_AND_PASSWORD], Some(login)) => {
            write(io, &login).await?;
            // The first byte is the version of the login, which some proxies write as 5.
            let [_, status] = read(io).await?;
            if status != 0 {
                return Err(SocksError::Login.into());
            }
        }
        ([VERSION, _], _) => return Err(SocksError::Method.into()),
        _ => return Err(SocksError::Response.into()),
    }

    write(io, &request).await?;
    match read(io).await? {
        [VERSION, 0, _, kind] => {
            // The address of the proxy's end of the connection is not needed.
            let len = match kind {
                IPV4 => 4,
                IPV6 => 16,
                NAME => usize::from(u8::from_be_bytes(read(io).await?)),
                _ => return Err(SocksError::Response.into()),
            };
            let mut address = [0; 255 + 2];
            io.read_exact(address.get_mut(..len + 2).unwrap_or_default()).await?;
            Ok(())
        }
        [VERSION, code, ..] => Err(SocksError::Refused(code).into()),
        _ => Err(SocksError::Response.into()),
    }
}

fn request(host: &str, port: u16) -> Result<Vec<u8>, SocksError> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        Err(_) => {
            request.push(NAME);
            append(&mut request, host).ok_or(SocksError::Host)?;
        }
    }
    request.extend(port.to_be_bytes());
    Ok(request)
}

fn login((user, password): (&str, &str)) -> Result<Vec<u8>, SocksError> {
    let mut login = vec![1];
    let written = append(&mut login, user).and_then(|()| append(&mut login, password));
    written.map(|()| login).ok_or(SocksError::Credentials)
}

/// Appends a text of 1 to 255 bytes after its length.
fn append(output: &mut Vec<u8>, text: &str) -> Option<()> {
    output.push(u8::try_from(text.len()).ok().filter(|&len| len > 0)?);
    output.extend_from_slice(text.as_bytes());
    Some(())
}

async fn write<S: AsyncWrite + Unpin>(io: &mut S, bytes: &[u8]) -> Result<(), ProxyError> {
    io.write_all(bytes).await?;
    Ok(io.flush().await?)
}

async fn read<const N: usize, S: AsyncRead + Unpin>(io: &mut S) -> Result<[u8; N], ProxyError> {
    let mut bytes = [0; N];
    io.read_exact(&mut bytes).await?;
    Ok(bytes)
}
