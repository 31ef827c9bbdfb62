//! The address that a person pastes: `assist://<project id>@<host>[:port][,<host>...]`.
