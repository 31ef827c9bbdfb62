//! The handlers over real daemons: a server, and devices that joined it over loopback with a real invitation.

mod bulk;
mod collected;
mod drafts;
mod errors;
mod holds;
mod housekeeping;
mod lists;
mod members;
mod notes;
mod projects;
mod references;
mod search;
mod servers;
mod tickets;
mod waits;
mod work;
mod world;
