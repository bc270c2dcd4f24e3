//! Intents of runs on disk: written and synced before the first write of a run, taken away when it is over.
//!
//! A run belongs to one process at a time: whoever writes for it holds a lock on its lock file. The kernel lets go of
//! it when the process ends, however it ends.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;

use crate::backend::Target;
use crate::domain::text::sanitise;
use crate::workflow::run::{Kept, RunId};

/// The folder of kept runs, with the locks that this process holds.
#[derive(Debug)]
pub struct StateDirectory {
    runs: PathBuf,
    /// Why there is no folder, if there is none.
    absent: Option<String>,
    held: BTreeMap<RunId, File>,
}

impl StateDirectory {
    /// The folder; it is made when something is first kept.
    pub fn new(runs: PathBuf) -> Self {
        Self {
            runs,
            absent: None,
            held: BTreeMap::new(),
        }
    }

    /// The user has no folder: there are no runs, and whoever wants to keep one is told why it cannot be.
    pub fn absent(why: String) -> Self {
        Self {
            runs: PathBuf::new(),
            absent: Some(why),
            held: BTreeMap::new(),
        }
    }

    /// Writes a run's intent, synced, file and folder; claims the run for this process.
    pub fn keep(&mut self, kept: &Kept) -> Result<(), String> {
        self.claim(&kept.id)?;
        let path = self.file(&kept.id, "json");
        self.write(&path, kept)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }

    /// Takes a run's intent away and releases the run.
    pub fn forget(&mut self, id: &RunId) -> Result<(), String> {
        self.claim(id)?;
        let path = self.file(id, "json");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(format!("{} cannot be removed: {error}", path.display())),
            _ => {
                // The lock file goes while the lock is held: whoever waits for it finds the intent gone, too.
                drop(fs::remove_file(self.file(id, "lock")));
                self.held.remove(id);
                Ok(())
            }
        }
    }

    /// Makes this process the one that works for a run, or says that another one does.
    pub fn claim(&mut self, id: &RunId) -> Result<(), String> {
        if self.held.contains_key(id) {
            return Ok(());
        }
        if let Some(why) = &self.absent {
            return Err(why.clone());
        }
        let path = self.file(id, "lock");
        let lock = self
            .make_folder()
            .and_then(|()| OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path))
            .map_err(|error| format!("{} cannot be opened: {error}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {
                self.held.insert(id.clone(), lock);
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err("another extop process works on this run".to_owned()),
            Err(TryLockError::Error(error)) => Err(format!("{} cannot be locked: {error}", path.display())),
        }
    }

    /// Runs of a target that no process works on, oldest first; and what could not be read, as sentences.
    pub fn unfinished(&self, target: &Target) -> (Vec<Kept>, Vec<String>) {
        let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
        if self.absent.is_some() {
            return (runs, unreadable);
        }
        let Ok(entries) = fs::read_dir(&self.runs) else {
            return (runs, unreadable);
        };
        let identity = target.identity();
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Ok(kept) if !kept.belongs_to(&identity) || !self.is_free(&kept.id) => {}
                Ok(kept) if kept.version > Some(Kept::VERSION) => {
                    unreadable.push(format!(
                        "a newer extop left {} unfinished; continue it with that one",
                        kept.intent.title()
                    ));
                }
                Ok(kept) => runs.push(kept),
                Err(why) => unreadable.push(sanitise(&format!("the unfinished run {} cannot be read: {why}", path.display()))),
            }
        }
        runs.sort_by(|one, other| (one.started, &one.id).cmp(&(other.started, &other.id)));
        (runs, unreadable)
    }

    /// No process holds the lock, this one neither.
    fn is_free(&self, id: &RunId) -> bool {
        !self.held.contains_key(id)
            && match File::open(self.file(id, "lock")) {
                Ok(lock) => lock.try_lock().is_ok(),
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            }
    }

    fn write(&self, path: &Path, kept: &Kept) -> io::Result<()> {
        let temporary = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(kept)?)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(&self.runs)?.sync_all()
    }

    fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.runs)
    }

    /// Identities are made by extop; whatever else stands in one does not leave the folder.
    fn file(&self, id: &RunId, extension: &str) -> PathBuf {
        let name: String =
            id.0.chars()
                .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
                .collect();
        self.runs.join(format!("{name}.{extension}"))
    }
}

fn read(path: &Path) -> Result<Kept, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    // The words of the error may quote a variable of an entry.
    let unread = |error: &serde_json::Error| format!("line {}, column {}: it is not as extop writes it", error.line(), error.column());
    let mut value: Value = serde_json::from_str(&text).map_err(|error| unread(&error))?;
    if value.get("version").is_none_or(Value::is_null)
        && let Some(kept) = value.as_object_mut()
    {
        // What was confirmed was not kept then, so that the steps are planned again from the intent, and confirmed.
        kept.insert("steps".to_owned(), Value::Array(Vec::new()));
        return Kept::deserialize(&value).map_err(|_| "it was written by an older extop, and its action is not known any more".to_owned());
    }
    serde_json::from_str(&text).map_err(|error| unread(&error))
}

#[cfg(test)]
mod tests;
