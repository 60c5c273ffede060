//! Addresses to listen on.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Connections that wait to be accepted, as with tokio's own listeners.
const BACKLOG: i32 = 1024;

/// Listens on an address such as `:9440`, `127.0.0.1:8080` or `[::1]:0`. One without a
/// host is that of every interface, over IPv6 and IPv4. The listener does not block.
///
/// # Errors
/// When the address is none, or taken.
pub(crate) async fn bind(address: &str) -> io::Result<TcpListener> {
    let listener = match address.strip_prefix(':').map(str::parse) {
        Some(Ok(port)) => match both(port) {
            // A node without IPv6 has no such address.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                named((Ipv4Addr::UNSPECIFIED, port)).await
            }
            listener => listener,
        },
        _ => named(address).await,
    };
    listener.map_err(|e| io::Error::new(e.kind(), format!("listen on {address}: {e}")))
}

async fn named(address: impl tokio::net::ToSocketAddrs) -> io::Result<TcpListener> {
    tokio::net::TcpListener::bind(address).await?.into_std()
}

/// A listener for IPv6 that takes IPv4 too, whatever the default of the system.
fn both(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_only_v6(false)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
