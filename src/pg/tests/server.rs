//! A PostgreSQL 18 of a test's own, with image-volume-like directories, and a door to it.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use crate::backend::{BackendError, ErrorKind, ProbeRequest};
use crate::domain::ids::PodKey;
use crate::domain::instance::Role;
use crate::pg::door::{Door, Duplex, Output, Secret};

/// Nobody: the server refuses to run as root.
const NOBODY: u32 = 65534;

pub(super) const SUPERUSER_PASSWORD: &str = "super-hush";
pub(super) const OWNER_PASSWORD: &str = "owner-hush";

/// A running server; stopped when dropped.
pub(super) struct Server {
    bin: PathBuf,
    dir: TempDir,
    port: u16,
    pub(super) authority: String,
    pub(super) other_authority: String,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// The server that tests share which change nothing in it but databases and roles of their own.
pub(super) fn shared() -> Option<Arc<Server>> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return Some(server);
    }
    let server = Arc::new(Server::start()?);
    *shared = Arc::downgrade(&server);
    Some(server)
}

impl Server {
    /// A new one; `None`, and a line that says so, when there is no PostgreSQL to start.
    pub(super) fn start() -> Option<Self> {
        let Some(bin) = std::env::var_os("EXTOP_PG18_BIN") else {
            println!("skipped: EXTOP_PG18_BIN does not say where PostgreSQL 18 is (tests/run does)");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("extop-pg").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (authority, certificate, key) = certificates();
        let mut server = Self {
            bin: bin.into(),
            dir,
            port: 5432,
            authority,
            other_authority: certificates().0,
        };
        server.lay_out();
        give_away(server.dir.path());
        let run = |program: &str, arguments: &[&str]| {
            let output = server.server_command(program).args(arguments).output().unwrap();
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let data = server.path("data");
        run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
                "--no-instructions",
            ],
        );
        fs::write(format!("{data}/server.crt"), certificate).unwrap();
        fs::write(format!("{data}/server.key"), key).unwrap();
        fs::set_permissions(format!("{data}/server.key"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(format!("{data}/pg_hba.conf"), HBA).unwrap();
        fs::write(format!("{data}/postgresql.auto.conf"), server.configuration()).unwrap();
        for file in ["server.crt", "server.key", "pg_hba.conf", "postgresql.auto.conf"] {
            give_away(Path::new(&format!("{data}/{file}")));
        }
        server.launch();
        server.sql("postgres", ROLES);
        Some(server)
    }

    /// A standby that streams from it, or is about to.
    pub(super) fn standby(&self) -> Self {
        let dir = tempfile::Builder::new().prefix("extop-pg").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        give_away(dir.path());
        let mut standby = Self {
            bin: self.bin.clone(),
            dir,
            port: 5432,
            authority: self.authority.clone(),
            other_authority: String::new(),
        };
        let data = standby.path("data");
        let mut backup = self.server_command("pg_basebackup");
        backup.args(["-D", &data, "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "-N"]);
        let output = backup.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let path = format!("{data}/postgresql.auto.conf");
        let replaced = fs::read_to_string(&path).unwrap();
        let own = format!(
            "port = {}\nunix_socket_directories = '{}'\n",
            standby.port,
            standby.dir.path().display()
        );
        fs::write(&path, format!("{replaced}{own}")).unwrap();
        standby.launch();
        standby
    }

    /// A path in the server's directory.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.dir.path().display())
    }

    /// Runs statements as the superuser, in a session like any user's.
    pub(super) fn sql(&self, database: &str, statements: &str) {
        self.psql(database, statements, "");
    }

    /// Runs one statement in the maintenance database; fails when the server needs longer for it.
    pub(super) fn sql_within(&self, limit: Duration, statement: &str) {
        self.psql("postgres", statement, &format!("-c statement_timeout={}", limit.as_millis()));
    }

    /// Asks until the answer is `t`.
    pub(super) fn until(&self, what: &str, question: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while self.psql("postgres", question, "").trim() != "t" {
            assert!(Instant::now() < end, "{what}: never\n{}", self.log());
        }
    }

    fn psql(&self, database: &str, statements: &str, options: &str) -> String {
        let output = self
            .client_command("psql")
            .env("PGOPTIONS", options)
            .args([
                "-X",
                "-q",
                "-At",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                database,
                "-c",
                statements,
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Puts a file below the server's directory.
    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What the server has logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// A client program that reaches the server by its socket.
    pub(super) fn client_command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.env("PGHOST", self.dir.path()).env("PGPORT", self.port.to_string());
        command
    }

    fn server_command(&self, program: &str) -> Command {
        let mut command = self.client_command(program);
        command
            // The build's own libpq, not the machine's, is what a standby streams with.
            .env("LD_LIBRARY_PATH", format!("/extensions/foo/system:{}/../lib", self.bin.display()))
            .env("GEO_DATA", r"a=b\000c d")
            .env("UNASKED", "unasked-hush");
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Starts it on a free port; another program may take the port first.
    fn launch(&mut self) {
        for _ in 0..5 {
            self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if self.control(&["-o", &format!("-p {}", self.port), "start"]) {
                return;
            }
        }
        panic!("{}", self.log());
    }

    fn control(&self, arguments: &[&str]) -> bool {
        self.server_command("pg_ctl")
            .args(["-D", &self.path("data"), "-l", &self.path("log"), "-m", "immediate", "-w"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    fn lay_out(&self) {
        for (file, text) in [
            (
                "foo/share/extension/foo.control",
                "comment = 'one'\n default_version '2.0'\nrelocatable = true\n",
            ),
            ("foo/share/extension/foo--1.0.sql", ""),
            ("foo/share/extension/foo--1.0--1.1.sql", ""),
            ("foo/share/extension/foo--1.1--2.0.sql", ""),
            ("foo/share/extension/foo--1.0--ANY.sql", ""),
            ("foo/share/extension/foo--1.0.control", "requires = ''\n"),
            ("foo/lib/foo.so", ""),
            ("foo/lib/README", ""),
            (
                "bar/share/extension/bar.control",
                "default_version = 1.0 # plain\nmodule_pathname = '$libdir/barlib'   # there\n",
            ),
            ("bar/share/extension/bar--1.0.sql", ""),
            (
                "shadow/share/extension/citext.control",
                "default_version = '99.0'\nmodule_pathname = '/usr/lib/other/citext'\n",
            ),
            (
                "shadow/share/extension/foo.control",
                "module_pathname 'foo.so'\ndefault_version = '3.0'\n",
            ),
            ("nothing/lib/nothing.txt", ""),
        ] {
            self.write(file, text);
        }
    }

    fn configuration(&self) -> String {
        let paths = |kind: &str| {
            ["foo", "bar", "shadow", "absent"]
                .map(|name| self.path(&format!("{name}/{kind}")))
                .join(":")
        };
        format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\nssl = on\n\
             log_connections = 'authorization'\nlog_min_messages = warning\nshared_preload_libraries = 'auto_explain'\n\
             extension_control_path = '$system:{}'\ndynamic_library_path = '$libdir:{}'\n",
            self.dir.path().display(),
            paths("share"),
            paths("lib"),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control(&["stop"]);
    }
}

const HBA: &str = "local closed all reject\nlocal all,replication all trust\n\
                   hostssl closed all all reject\nhostssl all all all scram-sha-256\n";

const ROLES: &str = "ALTER ROLE postgres PASSWORD 'super-hush';\
                     CREATE ROLE app LOGIN PASSWORD 'owner-hush';\
                     CREATE ROLE watcher LOGIN PASSWORD 'owner-hush' IN ROLE pg_monitor;";

fn give_away(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A CA's certificate, and a server's with its key, made for `orders-rw`.
fn certificates() -> (String, String, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority_certificate = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["orders-rw".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    (authority_certificate, certificate.pem(), key.serialize_pem())
}

/// A door to a server, as wide open as the test wants it.
#[derive(Clone)]
pub(super) struct TestDoor {
    server: Arc<Server>,
    pub(super) secrets: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    pub(super) forbidden: Vec<&'static str>,
    pub(in crate::pg) metrics: Option<String>,
}

impl TestDoor {
    /// All secrets are there, nothing is forbidden.
    pub(super) fn new(server: &Arc<Server>) -> Self {
        let login =
            |user: &str, password: &str, database: &str| secret(&[("username", user), ("password", password), ("dbname", database)]);
        Self {
            server: server.clone(),
            secrets: [
                (
                    "orders-ca".to_owned(),
                    secret(&[("ca.crt", &server.authority), ("ca.key", "key-hush")]),
                ),
                ("orders-superuser".to_owned(), login("postgres", SUPERUSER_PASSWORD, "*")),
                ("orders-app".to_owned(), login("app", OWNER_PASSWORD, "postgres")),
            ]
            .into(),
            forbidden: Vec::new(),
            metrics: None,
        }
    }

    /// The same, but what is named is forbidden: `exec`, `portforward` or a secret.
    pub(super) fn without(mut self, what: &[&'static str]) -> Self {
        self.forbidden.extend(what);
        self
    }

    fn check(&self, what: &str) -> Result<(), BackendError> {
        if self.forbidden.contains(&what) {
            return Err(BackendError::new(ErrorKind::Forbidden, format!("{what} is forbidden")));
        }
        Ok(())
    }
}

pub(super) fn secret(data: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    data.iter()
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

impl Door for TestDoor {
    fn stream(&self, _: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>> {
        Box::pin(async {
            self.check("portforward")?;
            let stream = tokio::net::TcpStream::connect(("127.0.0.1", self.server.port)).await;
            let stream = stream.map_err(|error| BackendError::new(ErrorKind::Unreachable, error.to_string()))?;
            Ok(Duplex::new(stream))
        })
    }

    fn exec(&self, _: PodKey, command: Vec<String>, stdin: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>> {
        Box::pin(async move {
            self.check("exec")?;
            let mut child = tokio::process::Command::from(self.server.client_command(&command[0]))
                .args(&command[1..])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            let mut pipe = child.stdin.take().unwrap();
            // As in a real exec, the input need not end with what was written.
            let write = async move {
                let _ = pipe.write_all(&stdin).await;
                pipe
            };
            let (_pipe, output) = tokio::join!(write, child.wait_with_output());
            let output = output.unwrap();
            Ok(Output {
                stdout: output.stdout,
                stderr: output.stderr,
                code: output.status.code(),
            })
        })
    }

    fn metrics(&self, _: PodKey) -> BoxFuture<'_, Result<String, BackendError>> {
        Box::pin(async {
            self.check("proxy")?;
            self.metrics
                .clone()
                .ok_or_else(|| BackendError::new(ErrorKind::Unreachable, "nobody serves metrics"))
        })
    }

    fn secret(&self, _: String, name: String) -> BoxFuture<'_, Result<Secret, BackendError>> {
        Box::pin(async move {
            self.check(&name)?;
            let data = self.secrets.get(&name);
            let data = data.ok_or_else(|| BackendError::new(ErrorKind::NotFound, "not found"))?;
            Ok(Secret::new(data.clone()))
        })
    }
}

/// A request for the one instance.
pub(in crate::pg) fn request() -> ProbeRequest {
    ProbeRequest {
        pod: PodKey::new("shop", "orders-1"),
        uid: "uid-1".to_owned(),
        cluster: "orders".to_owned(),
        role: Role::Primary,
        ca_secret: "orders-ca".to_owned(),
        superuser_secret: Some("orders-superuser".to_owned()),
        application_secret: "orders-app".to_owned(),
        service: "orders-rw".to_owned(),
        environment: ["LD_LIBRARY_PATH", "PATH", "GEO_DATA", "NOWHERE"].map(str::to_owned).to_vec(),
        dropping: Vec::new(),
        templates: false,
        one_database: false,
        fresh: false,
        may_keep: true,
        major: None,
        denied: Vec::new(),
    }
}
