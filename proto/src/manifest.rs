//! The list of what an export holds: every file with its size and hash, and what could not be exported.
//! `docs/export.md` is the format.
//!
//! Lines of JSON, like a bundle, with a hash over all of them at the end: it finds damage, of the list and with it of
//! every file. Pure, and every list may be hostile: its size is bounded, and a path in it never leaves the folder.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::limits::{MANIFEST_BYTES_MAX, MANIFEST_LINE_BYTES_MAX};

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// When the export was made, in milliseconds since 1970.
    pub made_at_millis: u64,
    /// The files, in the order in which they were written.
    pub files: Vec<ExportedFile>,
    /// What is part of the tickets and was not on the device.
    pub missing: Vec<MissingFile>,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedFile {
    /// From the export's folder, with `/` between names.
    pub path: String,
    /// How large it is.
    pub size_bytes: u64,
    /// The BLAKE3 hash of its bytes, in hexadecimal.
    pub blake3: String,
}

/// An attachment whose bytes were not on the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissingFile {
    /// Where it would stand.
    pub path: String,
    /// How large it is.
    pub size_bytes: u64,
    /// The BLAKE3 hash of its bytes, as the ticket names it.
    pub blob: String,
}

/// Why a list is none, or a damaged one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadManifestError {
    /// Beyond [`MANIFEST_BYTES_MAX`].
    #[error("it is larger than {MANIFEST_BYTES_MAX} bytes, which no list of an export is")]
    TooLarge,
    /// It begins with something else.
    #[error("it is no list of an export")]
    NotAManifest,
    /// It may be whole, but we do not know what it means.
    #[error("it is a list of version {version}, this program reads up to {VERSION}: use a newer one")]
    Version {
        /// Which.
        version: u32,
    },
    /// A line is not what stands in a list.
    #[error("line {line} is damaged: {problem}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The hash at the end is of other bytes.
    #[error("it is damaged: what it holds is not what was written")]
    Damaged,
}

impl Manifest {
    /// Writes the list. The same list gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head =
            Line::Export { format: FORMAT.to_owned(), version: VERSION, made_at_millis: self.made_at_millis };
        let files = self.files.iter().cloned().map(Line::File);
        let missing = self.missing.iter().cloned().map(Line::Missing);
        let mut bytes = Vec::new();
        for line in std::iter::once(head).chain(files).chain(missing) {
            line.write(&mut bytes);
        }
        Line::End { blake3: hash_of(&bytes) }.write(&mut bytes);
        bytes
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is not exactly what [`Manifest::to_bytes`] writes, or names a path that leaves the folder.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ReadManifestError::TooLarge);
        }
        let mut manifest = Self { made_at_millis: check_head(bytes)?, ..Self::default() };
        let mut start = 0;
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let fail = |problem: String| ReadManifestError::Line { line: index + 1, problem };
            if line.len() > MANIFEST_LINE_BYTES_MAX {
                return Err(fail(format!("it is longer than {MANIFEST_LINE_BYTES_MAX} bytes")));
            }
            match serde_json::from_slice(line).map_err(|error| fail(error.to_string()))? {
                Line::Export { .. } if index == 0 => {}
                Line::File(file) => {
                    check_path(&file.path).map_err(fail)?;
                    manifest.files.push(file);
                }
                Line::Missing(missing) => manifest.missing.push(missing),
                // A list that says the same in other words is not the one that was written.
                Line::End { blake3 }
                    if blake3 == hash_of(&bytes[..start]) && manifest.to_bytes() == bytes =>
                {
                    return Ok(manifest);
                }
                Line::Export { .. } | Line::End { .. } => return Err(ReadManifestError::Damaged),
            }
            start += line.len();
        }
        Err(ReadManifestError::Damaged) // Its end is missing.
    }
}

/// One line of the list. Names and their order are format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Export { format: String, version: u32, made_at_millis: u64 },
    File(ExportedFile),
    Missing(MissingFile),
    End { blake3: String },
}

impl Line {
    fn write(&self, bytes: &mut Vec<u8>) {
        serde_json::to_writer(&mut *bytes, self).expect("texts and numbers into memory");
        bytes.push(b'\n');
    }
}

/// Looks at the first line alone, and of that only at what all versions have; gives the time in it.
fn check_head(bytes: &[u8]) -> Result<u64, ReadManifestError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
        version: u32,
        made_at_millis: u64,
    }
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first.len() > MANIFEST_LINE_BYTES_MAX {
        return Err(ReadManifestError::NotAManifest);
    }
    match serde_json::from_slice::<Head>(first) {
        Ok(head) if head.format == FORMAT && head.version == VERSION => Ok(head.made_at_millis),
        Ok(head) if head.format == FORMAT => Err(ReadManifestError::Version { version: head.version }),
        _ => Err(ReadManifestError::NotAManifest),
    }
}

/// A path of plain names: whoever follows it stays in the folder.
fn check_path(path: &str) -> Result<(), String> {
    let is_plain =
        |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains(['\\', '\0']);
    match path.split('/').all(is_plain) {
        true => Ok(()),
        false => Err("its path leaves the folder".to_owned()),
    }
}

fn hash_of(bytes: &[u8]) -> String {
    HEXLOWER.encode(blake3::hash(bytes).as_bytes())
}

const FORMAT: &str = "hero-assistance-export";
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let file =
            |path: &str| ExportedFile { path: path.into(), size_bytes: 7, blake3: hash_of(path.as_bytes()) };
        let missing =
            MissingFile { path: "hero/1/attachments/log.txt".into(), size_bytes: 3, blob: "b".into() };
        Manifest {
            made_at_millis: 1_000,
            files: vec![file("hero/project.json"), file("hero/1/ticket.md")],
            missing: vec![missing],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Manifest::read(&sample().to_bytes()), Ok(sample()));
        assert_eq!(Manifest::read(&Manifest::default().to_bytes()), Ok(Manifest::default()));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let bytes = sample().to_bytes();
        for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(Manifest::read(&damaged).is_err(), "bit {bit} of byte {at}");
        }
        for length in 0..bytes.len() {
            assert!(Manifest::read(&bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn no_path_leaves_the_folder() {
        for path in ["../x", "/etc/passwd", "a/../b", "a//b", "", ".", "a\\b", "a/"] {
            let mut manifest = sample();
            manifest.files[0].path = path.into();
            let error = Manifest::read(&manifest.to_bytes()).unwrap_err();
            assert!(matches!(error, ReadManifestError::Line { line: 2, .. }), "{path}: {error}");
        }
    }

    #[test]
    fn lists_of_later_versions_and_other_files_say_what_they_are() {
        let newer = br#"{"kind":"export","format":"hero-assistance-export","version":2,"made_at_millis":1}"#;
        assert_eq!(Manifest::read(newer), Err(ReadManifestError::Version { version: 2 }));
        for other in [&b""[..], b"{}\n", b"hello"] {
            assert_eq!(Manifest::read(other), Err(ReadManifestError::NotAManifest));
        }
    }
}
