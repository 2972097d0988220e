//! A provider's keys and secrets, kept in files that are made once and readable by their owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::async_trait;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::BoxError;
use vouchsafe::jose::{
    KeyRotation, KeySchedule, KeySource, KeySourceError, Keyring, Revision, RingKey, Saved, SigningAlg,
    SourcedKeys,
};
use vouchsafe::secret::{Secret, SystemSecrets};

/// Every algorithm that a client can ask for; RS256 is what it gets when it does not ask.
pub(crate) const ALGORITHMS: [SigningAlg; 4] =
    [SigningAlg::Rs256, SigningAlg::Es256, SigningAlg::Ps256, SigningAlg::EdDsa];

/// Most bytes in such a file.
const MAX_BYTES: u64 = 1024 * 1024;

/// The system secrets in the file at `path`, which is made when missing; without a path new ones.
///
/// # Errors
/// One sentence that names the file.
pub(crate) fn secrets(path: Option<&Path>) -> Result<SystemSecrets, String> {
    let make = || SystemSecrets::generate(&OsEntropy).map_err(|error| error.to_string());
    let Some(path) = path else { return make() };
    let document = read_or_make(path, || make().map(|secrets| secrets.export()))?;
    SystemSecrets::import(document.expose()).map_err(|error| format!("{}: {error}", path.display()))
}

/// Signing keys in the file at `path`, which is made when missing.
pub(crate) fn file(path: &Path) -> Arc<dyn KeySource> {
    Arc::new(KeyFile(path.to_owned()))
}

/// The signing keys of `source`, made where there are none: one of each algorithm. They rotate by the careful schedule for
/// as long as the ring lives.
///
/// # Errors
/// One sentence that begins with the `name` of the source.
pub(crate) async fn keyring(
    source: Arc<dyn KeySource>,
    name: &str,
    algorithms: &[SigningAlg],
) -> Result<(Keyring, KeyRotation), String> {
    let runtime = TokioRuntime::current().map_err(|error| error.to_string())?;
    let rotation = KeyRotation::new(source, KeySchedule::new(algorithms.iter().copied()), Arc::new(runtime));
    let keyring = rotation.open(SystemClock.now()).await.map_err(|error| match error {
        KeySourceError::Load(problem) | KeySourceError::Save(problem) => format!("{name}: {problem}"),
        error => format!("{name}: {error}"),
    })?;
    rotation.clone().run(&keyring, Arc::new(SystemClock), |tended| match tended {
        Ok(actions) if actions.is_empty() => {}
        Ok(actions) => tracing::info!(?actions, "the signing keys have changed"),
        Err(error) => tracing::warn!(%error, "could not look after the signing keys"),
    });
    Ok((keyring, rotation))
}

/// Signing keys in a file, which is made when missing.
#[derive(Debug)]
struct KeyFile(PathBuf);

#[async_trait]
impl KeySource for KeyFile {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        load(&self.0)
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        let document = Keyring::new(keys.to_vec())?.export();
        let (path, seen) = (self.0.clone(), seen.clone());
        // Another process may hold the lock for a while: no thread that serves requests waits for it.
        tokio::task::spawn_blocking(move || save(&path, &seen, &document)).await?
    }
}

fn load(path: &Path) -> Result<SourcedKeys, BoxError> {
    match File::open(path).and_then(read) {
        Ok(document) => Ok(SourcedKeys::parse(document.expose())?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(SourcedKeys::default()),
        Err(error) => Err(error.into()),
    }
}

fn save(path: &Path, seen: &Revision, document: &Secret) -> Result<Saved, BoxError> {
    let _lock = lock(path)?;
    if load(path)?.revision() != seen {
        return Ok(Saved::Outdated);
    }
    write(path, document, |draft| std::fs::rename(draft, path))?;
    Ok(Saved::Saved)
}

/// Reads `path`; when there is no such file, makes its content and writes it first.
///
/// # Errors
/// One sentence that names the file.
pub(crate) fn read_or_make(
    path: &Path,
    make: impl FnOnce() -> Result<Secret, String>,
) -> Result<Secret, String> {
    let named = |error: io::Error| format!("{}: {error}", path.display());
    match File::open(path) {
        Ok(file) => read(file).map_err(named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let _lock = lock(path).map_err(named)?;
            // Another process that started at the same time may have made it while this one waited.
            if let Ok(file) = File::open(path) {
                return read(file).map_err(named);
            }
            let content = make().map_err(|problem| format!("{}: {problem}", path.display()))?;
            // A second name fails where a file of that name has appeared meanwhile, as renaming would not.
            write(path, &content, |draft| std::fs::hard_link(draft, path)).map_err(named)?;
            Ok(content)
        }
        Err(error) => Err(named(error)),
    }
}

fn read(file: File) -> io::Result<Secret> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions());
        if mode & 0o077 != 0 {
            return Err(io::Error::other(
                "others may read or write it, and it must be its owner's alone (0600)",
            ));
        }
    }
    let mut content = String::new();
    file.take(MAX_BYTES).read_to_string(&mut content)?;
    Ok(Secret::new(content))
}

/// Whoever writes `path` holds this lock, a file of its own, since `path` itself is another file after each change.
fn lock(path: &Path) -> io::Result<File> {
    let lock = private().truncate(false).create(true).open(beside(path, "lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Writes `path` under its lock. It appears whole or not at all: it is written under another name, which `place`
/// turns into its own.
fn write(path: &Path, content: &Secret, place: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let draft = beside(path, "new");
    // Whoever left one has crashed: it would have the lock otherwise.
    remove(&draft)?;
    let placed = fill(&draft, content).and_then(|()| place(&draft));
    let removed = remove(&draft);
    placed.and(removed)?;
    sync_directory(path)
}

fn fill(draft: &Path, content: &Secret) -> io::Result<()> {
    let mut file = private().create_new(true).open(draft)?;
    file.write_all(content.expose().as_bytes())?;
    file.sync_all()
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the name of `path` last through a loss of power, as its content does.
fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// The file of the same name with another ending after it.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    name.into()
}

/// For files that their owner alone may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
