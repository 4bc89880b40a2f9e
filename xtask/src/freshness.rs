//! Has anything changed since the last build? Contents decide: a checkout touches times, and an edit may restore them.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Everything that a build of the page reads, folders with all they hold.
pub const DIST_INPUTS: [&str; 12] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "assets",
    "config.json",
    "index.html",
    "package-lock.json",
    "src",
    "style",
    "rust-toolchain.toml",
    "xtask/src",
];

/// A short name for these bytes. It need only tell this build from the last one on this machine.
pub fn digest(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// A short name for the contents of `inputs` under `root`; those that don't exist count as such.
pub fn digest_of(root: &Path, inputs: &[&str]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for input in inputs {
        for file in files_under(&root.join(input))? {
            let bytes =
                fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            file.strip_prefix(root)?.hash(&mut hasher);
            bytes.hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Every file at or below `path`, in a fixed order; none when it doesn't exist.
pub fn files_under(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut entries = fs::read_dir(path)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        })
        .with_context(|| format!("cannot list {}", path.display()))?;
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        files.extend(files_under(&entry)?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for one test, gone afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Result<Self> {
            let path = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("src/deep"))?;
            Ok(Self(path))
        }

        fn write(&self, name: &str, text: &str) -> Result<()> {
            Ok(fs::write(self.0.join(name), text)?)
        }

        fn digest(&self) -> Result<String> {
            digest_of(&self.0, &["src", "index.html"])
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_what_is_an_input_counts() -> Result<()> {
        let folder = Folder::new("inputs")?;
        let empty = folder.digest()?;
        folder.write("README.md", "words")?;
        assert_eq!(folder.digest()?, empty);
        folder.write("index.html", "<p>")?;
        assert_ne!(folder.digest()?, empty);
        Ok(())
    }

    #[test]
    fn contents_and_names_count_and_times_do_not() -> Result<()> {
        let folder = Folder::new("contents")?;
        folder.write("src/deep/a.rs", "one")?;
        let first = folder.digest()?;
        folder.write("src/deep/a.rs", "two")?;
        assert_ne!(folder.digest()?, first);
        folder.write("src/deep/a.rs", "one")?;
        assert_eq!(folder.digest()?, first);
        fs::rename(folder.0.join("src/deep/a.rs"), folder.0.join("src/deep/b.rs"))?;
        assert_ne!(folder.digest()?, first);
        Ok(())
    }
}
