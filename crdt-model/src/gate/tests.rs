//! What the gate lets in, and what not.
