//! Where things are in this repository.

use std::path::{Path, PathBuf};

pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace this program was compiled in, wherever it is started from.
    pub fn here() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { root: package.parent().unwrap_or(package).to_path_buf() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The finished build.
    pub fn dist(&self) -> PathBuf {
        self.path("dist")
    }

    /// Where a build grows until it is complete.
    pub fn staging(&self) -> PathBuf {
        self.path("target/xtask/dist")
    }

    /// Names the inputs that `dist` was made from.
    pub fn dist_stamp(&self) -> PathBuf {
        self.path("target/xtask/dist.stamp")
    }

    /// Root of `cargo install`, so that the tools' versions are this repository's own affair.
    pub fn tools(&self) -> PathBuf {
        self.path("target/tools")
    }
}
