//! A server of this package as a process, and what its clients do first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket::Destination;
use protocol_websocket_hyper::{Body, OpenError, http2_handshake, http2_request};
use protocol_websocket_tokio::{Config, Connect, Offer, Parts, WebSocket};
use test_support::program::Program;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// How long a server may take until it accepts connections, or notices that a client has disconnected.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A stream of bytes of any type.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

enum Address {
    Tcp(String),
    Unix(PathBuf),
}

/// A running server. It is killed on drop.
pub(crate) struct Server {
    /// The web server in front, if there is one. It ends first.
    _front: Option<Program>,
    /// The process whose standard error has the errors of the WebSockets.
    pub(crate) program: Program,
    /// The settings of the web server.
    _folder: Option<Folder>,
    address: Address,
    path: &'static str,
    is_http2: bool,
    /// The program of this package is a process for each client, whose parent is `program`.
    is_cgi: bool,
}

impl Server {
    /// Starts a server that listens at the address of its argument.
    pub(crate) fn http1(program: &str) -> Self {
        let program = Program::start(Command::new(program).arg("127.0.0.1:0"));
        let address = Address::Tcp(host_and_port(&program.url()));
        Self { _front: None, program, _folder: None, address, path: "/chat?room=1", is_http2: false, is_cgi: false }
    }

    /// Starts the same server for clients with HTTP/2.
    pub(crate) fn http2(program: &str) -> Self {
        Self { is_http2: true, ..Self::http1(program) }
    }

    /// Starts `cgi_echo` with nginx in front.
    pub(crate) fn nginx() -> Self {
        let program = Program::start(Command::new(env!("CARGO_BIN_EXE_cgi_echo")).arg("127.0.0.1:0"));
        let folder = Folder::new("nginx.conf", |conf, socket| {
            conf.replace("127.0.0.1:8080", &format!("unix:{socket}"))
                .replace("127.0.0.1:3000", &host_and_port(&program.url()))
        });
        let mut command = web_server("nginx");
        let front = Program::start_group(command.arg("-p").arg(&folder.path).args(["-c", "nginx.conf"]));
        let address = folder.accepting();
        Self {
            _front: Some(front),
            program,
            _folder: Some(folder),
            address,
            path: "/chat?room=1",
            is_http2: false,
            is_cgi: false,
        }
    }

    /// Starts lighttpd, which starts `cgi_echo` for each connection.
    pub(crate) fn lighttpd() -> Self {
        let folder = Folder::new("lighttpd.conf", |conf, socket| {
            conf.replace("\"127.0.0.1\"", &format!("\"{socket}\""))
                .replace("/usr/local/lib/cgi-bin/cgi_echo", env!("CARGO_BIN_EXE_cgi_echo"))
        });
        let mut command = web_server("lighttpd");
        let program = Program::start_group(command.arg("-D").arg("-f").arg(folder.path.join("lighttpd.conf")));
        let address = folder.accepting();
        Self {
            _front: None,
            program,
            _folder: Some(folder),
            address,
            path: "/echo?room=1",
            is_http2: false,
            is_cgi: true,
        }
    }

    /// Waits until the server reports an error with these words.
    pub(crate) fn reports(&self, words: &str) {
        // lighttpd ends `cgi_echo` with its client, perhaps before it has reported anything.
        if !self.is_cgi {
            self.program.logged(words);
        }
    }

    /// Waits until the server has noticed that its only client has disconnected.
    pub(crate) fn reports_lost_client(&self) {
        if !self.is_cgi {
            self.program.logged("");
            return;
        }
        let id = self.program.id();
        let deadline = Instant::now() + TIMEOUT;
        while fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap() != "" {
            assert!(Instant::now() < deadline, "cgi_echo still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Connects.
    pub(crate) async fn connect(&self) -> Box<dyn Io> {
        match &self.address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                Box::new(stream)
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await.unwrap()),
        }
    }

    /// Connects with HTTP/2.
    pub(crate) async fn connect_http2(&self) -> Result<SendRequest<Body>, OpenError> {
        let builder = Builder::new(TokioExecutor::new());
        let (sender, connection) = http2_handshake(&builder, TokioIo::new(self.connect().await)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Opens a WebSocket.
    pub(crate) async fn open(&self, config: Config) -> WebSocket<Box<dyn Io>> {
        let destination = Destination::new("localhost", self.path);
        if self.is_http2 {
            return open_http2(&mut self.connect_http2().await.unwrap(), config).await;
        }
        let stream = self.connect().await;
        Connect::to(destination).config(config).over(stream).await.unwrap().0
    }
}

/// Opens a WebSocket on a connection of HTTP/2.
pub(crate) async fn open_http2(sender: &mut SendRequest<Body>, config: Config) -> WebSocket<Box<dyn Io>> {
    let (request, expect) =
        http2_request(Destination::new("localhost", "/chat?room=1"), &Offer::new(), config).unwrap();
    let mut response = sender.send_request(request).await.unwrap();
    let parts = expect.open(&mut response).await.unwrap().0.into_parts();
    let io: Box<dyn Io> = Box::new(parts.io);
    WebSocket::from_parts(Parts::new(io, parts.session))
}

fn host_and_port(url: &str) -> String {
    url.split_once("://").unwrap().1.trim_end_matches('/').to_owned()
}

/// Returns the command of a web server. Debian installs it in a folder that is only in the `PATH` of root.
fn web_server(name: &str) -> Command {
    static INSTALLED: LazyLock<()> = LazyLock::new(|| {
        let status = Command::new(source("tests/install.sh")).status().unwrap();
        assert!(status.success(), "install.sh ended with {status}");
    });
    LazyLock::force(&INSTALLED);
    Command::new(Path::new("/usr/sbin").join(name))
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A folder with the settings of a web server, and with its socket. It is removed on drop.
struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Changes the settings of this package: `change` gets them and the path of the socket.
    fn new(name: &str, change: impl FnOnce(String, &str) -> String) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", process::id()));
        // A killed test of a process with the same identifier may have left one.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let folder = Self { path };
        let conf = fs::read_to_string(source(name)).unwrap();
        fs::write(folder.path.join(name), change(conf, folder.socket().to_str().unwrap())).unwrap();
        folder
    }

    fn socket(&self) -> PathBuf {
        self.path.join("socket")
    }

    /// Waits until the web server accepts connections.
    fn accepting(&self) -> Address {
        let deadline = Instant::now() + TIMEOUT;
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < deadline, "the web server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Address::Unix(self.socket())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If it fails, the next use of the folder removes it.
        let _ = fs::remove_dir_all(&self.path);
    }
}
