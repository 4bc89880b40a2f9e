//! What a first visit downloads, per kind of file.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::freshness::files_under;

/// What good static hosts do ahead of time.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;
const BUFFER_BYTES: usize = 4096;

/// The same page under other names: one visit loads one of them.
const VARIANTS: [&str; 2] = ["404.html", "poll/index.html"];

#[derive(Default)]
struct Size {
    files: usize,
    raw: usize,
    brotli: usize,
}

impl Size {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.raw += other.raw;
        self.brotli += other.brotli;
    }
}

/// Prints a table of the first load, per kind and in all.
pub fn print(dist: &Path) -> Result<()> {
    let mut kinds = BTreeMap::<&str, Size>::new();
    let mut total = Size::default();
    for file in files_under(dist)? {
        if VARIANTS.iter().any(|variant| file == dist.join(variant)) {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let size = Size { files: 1, raw: bytes.len(), brotli: brotli_bytes(&bytes)? };
        total.add(&size);
        kinds.entry(kind(&file)).or_default().add(&size);
    }
    println!("{:<8}{:>6}{:>12}{:>12}", "kind", "files", "bytes", "brotli");
    for (kind, size) in kinds.iter().map(|(kind, size)| (*kind, size)).chain([("total", &total)]) {
        println!("{kind:<8}{:>6}{:>12}{:>12}", size.files, size.raw, size.brotli);
    }
    Ok(())
}

fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("css") => "css",
        Some("html") => "html",
        Some("js") => "js",
        Some("wasm") => "wasm",
        Some(_) | None => "other",
    }
}

fn brotli_bytes(bytes: &[u8]) -> Result<usize> {
    let mut writer =
        brotli::CompressorWriter::new(Vec::new(), BUFFER_BYTES, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(bytes)?;
    Ok(writer.into_inner().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_compresses_to_next_to_nothing() -> Result<()> {
        assert!(brotli_bytes(&[b'a'; 10_000])? < 30);
        Ok(())
    }

    #[test]
    fn kinds_go_by_the_extension() {
        assert_eq!(kind(Path::new("a-0f_bg.wasm")), "wasm");
        assert_eq!(kind(Path::new("config.json")), "other");
        assert_eq!(kind(Path::new("none")), "other");
    }
}
