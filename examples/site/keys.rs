//! A provider's keys and secrets, kept in files that are made once and readable by their owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use vouchsafe::async_trait;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::BoxError;
use vouchsafe::jose::{KeySource, Keyring, LoadError, SigningAlg, SourcedKeys};
use vouchsafe::secret::{Secret, SystemSecrets};

/// Every algorithm that a client can ask for; RS256 is what it gets when it does not ask.
const ALGORITHMS: [SigningAlg; 4] =
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

/// The signing keys in the file at `path`, which is made when missing; without a path new ones.
///
/// # Errors
/// One sentence that names the file.
pub(crate) async fn keyring(path: Option<&Path>) -> Result<Keyring, String> {
    let Some(path) = path else {
        return Keyring::generate(&ALGORITHMS).map_err(|error| error.to_string());
    };
    match Keyring::load(&KeyFile(path.to_owned())).await {
        // It names the file already.
        Err(LoadError::Source(problem)) => Err(problem.to_string()),
        loaded => loaded.map_err(|error| format!("{}: {error}", path.display())),
    }
}

/// Signing keys in a file, which is made when missing.
#[derive(Debug)]
struct KeyFile(PathBuf);

#[async_trait]
impl KeySource for KeyFile {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        let make = || Keyring::generate(&ALGORITHMS).map(|keys| keys.export());
        let document = read_or_make(&self.0, || make().map_err(|error| error.to_string()))?;
        SourcedKeys::parse(document.expose()).map_err(|error| format!("{}: {error}", self.0.display()).into())
    }
}

/// Reads `path`; when there is no such file, makes its content and writes it first.
fn read_or_make(path: &Path, make: impl FnOnce() -> Result<Secret, String>) -> Result<Secret, String> {
    let named = |error: io::Error| format!("{}: {error}", path.display());
    match File::open(path) {
        Ok(file) => read(file).map_err(named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let content = make().map_err(|problem| format!("{}: {problem}", path.display()))?;
            write_new(path, &content).map_err(named)?;
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

/// Writes a file that must not be there yet. It appears whole or not at all: it is written under another name.
fn write_new(path: &Path, content: &Secret) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = Path::new(&draft);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    let written = file.write_all(content.expose().as_bytes()).and_then(|()| file.sync_all());
    // A second name fails where a file of that name has appeared meanwhile, as renaming would not.
    let placed = written.and_then(|()| std::fs::hard_link(draft, path));
    std::fs::remove_file(draft)?;
    placed
}
