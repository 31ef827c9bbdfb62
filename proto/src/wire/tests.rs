//! What goes over the wire stays as it is, reads back as it was written, and harms nobody who reads it.

mod asks;
mod blobs;
mod document;
mod golden;
mod hostile;
mod round_trip;
