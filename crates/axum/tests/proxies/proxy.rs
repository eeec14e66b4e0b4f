//! The proxies, with the configurations of this folder.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use test_support::program::Program;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::program::install;
use super::server::Server;

/// The timeout of a proxy for a connection without traffic, in place of the one of its configuration.
const SHORT_TIMEOUT: &str = "2s";

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
    /// HAProxy with this backend.
    Haproxy(&'static str),
}

impl Kind {
    /// Returns the version of HTTP between the proxy and the server.
    pub(crate) fn version_to_server(self) -> &'static str {
        match self {
            Self::Nginx | Self::Caddy | Self::Haproxy("http1") => "HTTP/1.1",
            Self::Haproxy(_) => "HTTP/2.0",
        }
    }
}

/// The timeouts of a proxy.
#[derive(Clone, Copy)]
pub(crate) enum Timeouts {
    AsConfigured,
    Short,
}

/// A proxy in front of a server. It is killed on drop.
pub(crate) struct Proxy {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    _program: Program,
    folder: PathBuf,
}

impl Proxy {
    /// Starts a proxy, and waits until it listens.
    pub(crate) async fn start(kind: Kind, host: Ipv4Addr, server: &Server, timeouts: Timeouts) -> Self {
        install();
        let [http, https] = unused_addresses(host);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("proxy-{http}"));
        fs::create_dir_all(&folder).unwrap();
        let pem = folder.join("example.com.pem");
        fs::write(&pem, &server.certificate.pem).unwrap();
        let settings = Settings {
            http,
            https,
            pem: pem.to_str().unwrap().to_owned(),
            plain: server.plain,
            tls: server.tls,
            timeouts,
        };
        let program = match kind {
            Kind::Nginx => start_nginx(&folder, &settings),
            Kind::Caddy => start_caddy(&folder, &settings),
            Kind::Haproxy(backend) => start_haproxy(&folder, &settings, backend),
        };
        let proxy = Self { http, https, _program: program, folder };
        wait_for_listener(http).await;
        wait_for_listener(https).await;
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The program may still write to it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What replaces the values of a configuration.
struct Settings {
    http: SocketAddr,
    https: SocketAddr,
    /// The file with the certificate and the key.
    pem: String,
    /// The address of the server without TLS.
    plain: SocketAddr,
    /// The address of the server with TLS.
    tls: SocketAddr,
    timeouts: Timeouts,
}

fn start_nginx(folder: &Path, settings: &Settings) -> Program {
    let main = "daemon off; pid nginx.pid; error_log stderr; events {}\n\
                http { access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
                uwsgi_temp_path uwsgi; scgi_temp_path scgi; include websocket.conf; }\n";
    fs::write(folder.join("nginx.conf"), main).unwrap();
    let site = Configuration(include_str!("nginx.conf").to_owned())
        .replace("listen 80;", &format!("listen {};", settings.http))
        .replace("listen 443 ssl", &format!("listen {} ssl", settings.https))
        .replace("/etc/ssl/certs/example.com.pem", &settings.pem)
        .replace("/etc/ssl/private/example.com.key", &settings.pem)
        .replace("127.0.0.1:3000;", &format!("{};", settings.plain))
        .timeout("proxy_read_timeout 60s", settings.timeouts);
    fs::write(folder.join("websocket.conf"), site.0).unwrap();
    Program::start_group(program("nginx").args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(folder))
}

fn start_caddy(folder: &Path, settings: &Settings) -> Program {
    let file = Configuration(include_str!("Caddyfile").to_owned())
        .replace("http://example.com {", &format!("http://{} {{\n\tbind {}", settings.http, settings.http.ip()))
        .replace("https://example.com {", &format!("https://{} {{\n\tbind {}", settings.https, settings.https.ip()))
        .replace("/etc/ssl/certs/example.com.pem", &settings.pem)
        .replace("/etc/ssl/private/example.com.key", &settings.pem)
        .replace("reverse_proxy 127.0.0.1:3000", &format!("reverse_proxy {}", settings.plain))
        .timeout("read_timeout 60s", settings.timeouts);
    let path = folder.join("Caddyfile");
    fs::write(&path, file.0).unwrap();
    let mut command = program("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(path);
    Program::start_group(command.env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder))
}

fn start_haproxy(folder: &Path, settings: &Settings, backend: &str) -> Program {
    let file = Configuration(include_str!("haproxy.cfg").to_owned())
        .replace("bind :80", &format!("bind {}", settings.http))
        .replace("bind :443", &format!("bind {}", settings.https))
        .replace("/etc/haproxy/example.com.pem", &settings.pem)
        .replace("/etc/haproxy/app-ca.pem", &settings.pem)
        .replace("app 127.0.0.1:3000", &format!("app {}", settings.plain))
        .replace("app 127.0.0.1:3443", &format!("app {}", settings.tls))
        .replace("default_backend http1", &format!("default_backend {backend}"))
        .timeout("timeout tunnel  60s", settings.timeouts);
    let path = folder.join("haproxy.cfg");
    fs::write(&path, file.0).unwrap();
    Program::start_group(program("haproxy").args(["-db", "-f"]).arg(path))
}

/// Programs of Debian for administrators are not in the `PATH` of other users.
fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", std::env::var("PATH").unwrap() + ":/usr/sbin");
    command
}

/// The text of a configuration file.
struct Configuration(String);

impl Configuration {
    fn replace(self, from: &str, to: &str) -> Self {
        assert!(self.0.contains(from), "the configuration has no {from:?}");
        Self(self.0.replace(from, to))
    }

    /// Replaces the timeout of a line.
    fn timeout(self, line: &str, timeouts: Timeouts) -> Self {
        match timeouts {
            Timeouts::AsConfigured => self,
            Timeouts::Short => self.replace(line, &line.replace("60s", SHORT_TIMEOUT)),
        }
    }
}

/// Returns an address of the loopback interface that no other program uses, so its ports are free.
pub(crate) fn unused_host() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, NEXT.fetch_add(1, Ordering::Relaxed), high, low.max(1))
}

fn unused_addresses(host: Ipv4Addr) -> [SocketAddr; 2] {
    [(); 2].map(|()| TcpListener::bind((host, 0)).unwrap()).map(|listener| listener.local_addr().unwrap())
}

async fn wait_for_listener(address: SocketAddr) {
    let connect = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), connect).await.expect("the proxy does not listen");
}
