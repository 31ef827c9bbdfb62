//! What was measured and read before, so that a frame does not do it again: texts as blocks, heights of a thread.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use crate::limits;
use crate::markdown::{self, Block};

/// The client's short memory of looks. Nothing of it is needed to draw; all of it saves time.
#[derive(Debug, Default)]
pub(crate) struct Layouts {
    texts: HashMap<u64, Arc<Vec<Block>>>,
    heights: HashMap<u64, f32>,
    /// The width for which the heights hold.
    width: f32,
    /// Since when the banner is there, in seconds of the window's own time.
    banner_since: Option<f64>,
}

impl Layouts {
    /// Returns a text as blocks.
    pub(crate) fn blocks(&mut self, text: &str) -> Arc<Vec<Block>> {
        if self.texts.len() > limits::LAYOUTS_MAX {
            self.texts.clear();
        }
        self.texts.entry(hash(text)).or_insert_with(|| Arc::new(markdown::blocks(text))).clone()
    }

    /// Returns how high something was when it was last drawn at this width.
    pub(crate) fn height(&mut self, of: u64, width: f32) -> Option<f32> {
        if (self.width - width).abs() > 0.5 || self.heights.len() > limits::LAYOUTS_MAX {
            self.heights.clear();
            self.width = width;
        }
        self.heights.get(&of).copied()
    }

    /// Remembers how high something is.
    pub(crate) fn set_height(&mut self, of: u64, height: f32) {
        self.heights.insert(of, height);
    }

    /// Remembers that the banner is there, or is not.
    pub(crate) fn note_banner(&mut self, is_there: bool, now_seconds: f64) {
        self.banner_since = is_there.then(|| self.banner_since.unwrap_or(now_seconds));
    }

    /// Tells whether the banner has been there for long enough to be pressed on purpose.
    pub(crate) fn is_banner_settled(&self, now_seconds: f64) -> bool {
        self.banner_since.is_some_and(|since| now_seconds - since >= limits::SETTLED_AFTER_SECONDS)
    }
}

/// Returns a number that stands for something.
pub(crate) fn hash(of: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
