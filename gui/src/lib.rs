//! The desktop client, and the same as a component for other egui applications.
//!
//! Everything that is known and shown is plain data ([`state`]). The daemon is asked by threads of their own
//! ([`link`]), which hand plain values over; [`update`] changes the state, views draw it and hand up [`intent`]s.
//! It holds no tickets, opens no store and no network, and never waits in a frame. **Invariant:** nothing here knows
//! of windows: [`Support`] draws into any [`egui::Ui`], be it of `assist-gui` or of somebody else's product.

mod app;
mod commands;
mod completion;
pub mod files;
pub mod fonts;
mod host;
mod icon;
pub mod intent;
mod layouts;
mod limits;
pub mod link;
pub mod manage;
mod markdown;
pub mod memory;
mod mentions;
mod pictures;
pub mod route;
pub mod rows;
mod scene;
pub mod state;
pub mod theme;
mod times;
pub mod update;
mod views;
mod widgets;

pub use app::{Clock, Support};
pub use host::{HostEvent, Prefill};
pub use icon::{icon_pixels, icon_png};
pub use route::Route;
pub use theme::Tokens;
