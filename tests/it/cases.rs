//! Cases of people, tried on the whole program against a small API server: what it must say, and of which it must be silent.
//!
//! Each case is a fixture, `tests/fixtures/cases/NAME.yaml`, and a test that is named after it. To add one:
//!
//! * Write the smallest thing that goes wrong, as documents of YAML: Cluster, Pod, Database, Node, Event and so on. What you
//!   leave out is as in a healthy cluster, what you give lies over that (a null takes away), and `5d ago` is a time. The short
//!   forms are in `cases/world.rs`: `entries` and `resolved` of a Cluster (`{NAME: IMAGE}`, or a list of such maps where the
//!   order matters), `pods: none`; `ready`, `role`, `entries`, `job`, `containers` of a Pod; `extensions` and `refused` of a
//!   Database; `{kind: Log, pod, container, text | fatal}`, `{kind: Metrics, pod, installed}`. A document of kind Case may
//!   hold `namespace` (else `harbour`) and what is special about the server (`cases/api.rs`, `option`).
//! * Write the test into the module of its kind below: `Case::open(NAME).run("findings -o json")`, then what must hold.
//!   Names, images and messages are made up. Expect severities, states of rungs, exit codes and the words of PostgreSQL or
//!   the kubelet; no sentence of our own.
//! * Beside each kind there is a near miss, a case that looks alike and must stay as it is.

mod answers;
mod api;
mod doctor;
mod requests;
mod starting;
mod tags;
mod world;

use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A fixture that is being served.
pub(crate) struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    /// Serves the fixture of this name.
    pub(crate) fn open(name: &str) -> Self {
        let file = format!("{}/tests/fixtures/cases/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        Self::serve(&std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}")))
    }

    /// Serves these documents.
    pub(crate) fn serve(text: &str) -> Self {
        let world = world::read(text);
        let namespace = world.header.get("namespace").cloned().unwrap_or(json!("harbour"));
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://127.0.0.1:{}", api::start(world))}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
        });
        std::fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
        Self { folder }
    }

    /// Writes the user's configuration file.
    pub(crate) fn configure(&self, text: &str) {
        let folder = self.folder.path().join(".config/extop");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), text).unwrap();
    }

    /// Runs the program with this command line, without a database.
    pub(crate) fn run(&self, line: &str) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_extop"))
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("EXTOP_DB", "off")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            exit: output.status.code(),
            document: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            text: text(&output.stdout) + &text(&output.stderr),
        }
    }
}

/// What the program said.
pub(crate) struct Said {
    pub(crate) exit: Option<i32>,
    pub(crate) document: Value,
    /// What it printed, and its complaints.
    pub(crate) text: String,
}

impl Said {
    /// It ended with one of these exit codes.
    pub(crate) fn ends(self, codes: &[i32]) -> Self {
        assert!(
            self.exit.is_some_and(|code| codes.contains(&code)),
            "exit {:?}: {}",
            self.exit,
            self.text
        );
        self
    }

    /// The findings, wherever the document has them.
    pub(crate) fn findings(&self) -> Vec<&Value> {
        let own = self.document["findings"].as_array().into_iter().flatten();
        let clusters = self.document["clusters"].as_array().into_iter().flatten();
        own.chain(clusters.flat_map(|cluster| cluster["findings"].as_array().into_iter().flatten()))
            .collect()
    }

    /// Findings of this severity or a worse one (`error`, `warning`, `info`) whose text has all these words.
    pub(crate) fn about(&self, severity: &str, words: &[&str]) -> Vec<&Value> {
        const ALL: [&str; 3] = ["error", "warning", "info"];
        let worst = ALL.iter().position(|known| *known == severity).unwrap();
        let is_one = |finding: &&Value| {
            let is_bad = ALL[..=worst].iter().any(|severity| finding["severity"] == *severity);
            is_bad && words.iter().all(|word| told(finding).contains(word))
        };
        self.findings().into_iter().filter(is_one).collect()
    }

    /// An error has all these words.
    pub(crate) fn error(&self, words: &[&str]) -> &Self {
        assert!(!self.about("error", words).is_empty(), "no error has {words:?}: {}", self.summary());
        self
    }

    /// A warning or an error has all these words.
    pub(crate) fn worse(&self, words: &[&str]) -> &Self {
        assert!(
            !self.about("warning", words).is_empty(),
            "nothing has {words:?}: {}",
            self.summary()
        );
        self
    }

    /// No finding has this word.
    pub(crate) fn nobody(&self, word: &str) -> &Self {
        assert!(self.about("info", &[word]).is_empty(), "somebody has {word:?}: {}", self.summary());
        self
    }

    /// There is nothing of this severity or a worse one.
    pub(crate) fn no(&self, severity: &str) -> &Self {
        assert!(self.about(severity, &[]).is_empty(), "{}", self.summary());
        self
    }

    /// Findings of this code.
    pub(crate) fn of(&self, code: &str) -> Vec<&Value> {
        self.findings().into_iter().filter(|finding| finding["code"] == code).collect()
    }

    /// A rung of an entry, of whichever cluster has one of this name first.
    pub(crate) fn rung(&self, entry: &str, rung: &str) -> &Value {
        let rungs = self.rungs(entry);
        rungs
            .into_iter()
            .find(|found| found["rung"] == rung)
            .unwrap_or_else(|| panic!("{entry} has no {rung}: {}", self.text))
    }

    /// All rungs of the entries of this name.
    pub(crate) fn rungs(&self, entry: &str) -> Vec<&Value> {
        let clusters = self.document["clusters"].as_array().into_iter().flatten();
        let entries = clusters.flat_map(|cluster| cluster["entries"].as_array().into_iter().flatten());
        entries
            .filter(|found| found["name"] == entry)
            .flat_map(|found| found["rungs"].as_array().into_iter().flatten())
            .collect()
    }

    /// The rung of an entry is in one of these states.
    pub(crate) fn state(&self, entry: &str, rung: &str, states: &[&str]) -> &Self {
        let found = self.rung(entry, rung);
        assert!(states.iter().any(|state| found["state"] == *state), "{entry}: {found}");
        self
    }

    /// Checks of `doctor` with this code.
    pub(crate) fn checks(&self, code: &str) -> Vec<&Value> {
        let checks = self.document["checks"].as_array().into_iter().flatten();
        checks.filter(|check| check["code"] == code).collect()
    }

    fn summary(&self) -> String {
        let line = |finding: &&Value| format!("\n{} {}: {}", finding["severity"], finding["code"], told(finding));
        let lines: String = self.findings().iter().map(line).collect();
        if lines.is_empty() {
            format!("no findings: {}", self.text)
        } else {
            lines
        }
    }
}

/// What a finding tells: where, of what, what, and what to do.
pub(crate) fn told(finding: &Value) -> String {
    ["cluster", "subject", "message", "remedy"]
        .map(|part| finding[part].as_str().unwrap_or_default())
        .join(" | ")
}
