//! JSON as it is printed: characters that could steer a terminal are escaped, which loses nothing.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::neutral;

/// Writes a value over several lines.
pub(crate) fn write_pretty(writer: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    write(writer, value, PrettyFormatter::new())
}

/// Writes a value as one line.
pub(crate) fn write_line(writer: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    write(writer, value, CompactFormatter)
}

fn write(writer: &mut dyn Write, value: &impl Serialize, layout: impl Formatter) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *writer, Harmless { layout });
    value.serialize(&mut serializer)?;
    writer.write_all(b"\n")
}

/// A layout whose strings hold no harmful character as such. serde_json escapes C0 itself, not the others.
struct Harmless<F> {
    layout: F,
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*);)+) => {
        $(fn $method<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.layout.$method(writer $(, $argument)*)
        })+
    };
}

impl<F: Formatter> Formatter for Harmless<F> {
    forward! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(neutral::is_harmful) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut after = rest[at..].chars();
            if let Some(character) = after.next() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            rest = after.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests;
