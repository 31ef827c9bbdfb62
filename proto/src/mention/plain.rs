//! The parts of a Markdown text that are the writer's own words: no code, no quotes.
//!
//! Less than a Markdown parser, on purpose: it decides who is told of a text, on devices of any version, and looks at
//! what strangers write.

use std::ops::Range;

/// The stretches of plain words, in order.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut plain = Vec::new();
    let mut paragraph: Option<Range<usize>> = None;
    let mut fence: Option<Fence> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let place = at..at + line.len();
        at = place.end;
        if let Some(open) = &fence {
            if open.is_closed_by(line) {
                fence = None;
            }
            continue;
        }
        fence = Fence::opened_by(line);
        let is_code = fence.is_some() || (paragraph.is_none() && is_indented(line));
        if is_code || line.trim().is_empty() || line.trim_start().starts_with('>') {
            plain.extend(paragraph.take().into_iter().flat_map(|words| outside_of_spans(text, words)));
        } else {
            paragraph = Some(paragraph.map_or(place.start, |before| before.start)..place.end);
        }
    }
    plain.extend(paragraph.into_iter().flat_map(|words| outside_of_spans(text, words)));
    plain
}

/// A block of code between two lines of backticks or tildes.
struct Fence {
    sign: char,
    count: usize,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let line = if is_indented(line) { return None } else { line.trim() };
        let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
        let rest = line.trim_start_matches(sign);
        let count = line.len() - rest.len();
        // Backticks further on make it a piece of code within a line.
        (count >= 3 && !(sign == '`' && rest.contains('`'))).then_some(Self { sign, count })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.count && line.chars().all(|char| char == self.sign)
    }
}

fn is_indented(line: &str) -> bool {
    line.starts_with("    ") || line.starts_with('\t')
}

/// A paragraph without what stands between runs of backticks of one length.
fn outside_of_spans(text: &str, words: Range<usize>) -> Vec<Range<usize>> {
    let runs = backticks(text, &words);
    let mut plain = Vec::new();
    let mut from = words.start;
    let mut index = 0;
    while let Some(run) = runs.get(index) {
        index += 1;
        // A run without its like is in the text once: there are few lengths of those.
        let Some(end) = runs[index..].iter().position(|other| other.len() == run.len()) else { continue };
        plain.push(from..run.start);
        from = runs[index + end].end;
        index += end + 1;
    }
    plain.push(from..words.end);
    plain
}

fn backticks(text: &str, words: &Range<usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in text[words.clone()].match_indices('`').map(|(at, _)| words.start + at) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}
