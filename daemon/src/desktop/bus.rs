//! The session bus, and whoever shows notifications there (Desktop Notifications Specification 1.2).

use std::collections::HashMap;
use std::future;

use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};
use zbus::zvariant::Value;
use zbus::{Connection, MatchRule, MessageStream, message};

use super::limits::{BUS_PATIENCE, BUS_PAUSE};
use super::words::{Shown, escaped};

/// A connection that is made when there is something to show, and again when it broke.
pub(super) struct Bus {
    peer: Option<Peer>,
    next_try: Instant,
    /// Where the bus is, if not where this session has it.
    address: Option<String>,
}

/// Whoever shows notifications.
struct Peer {
    connection: Connection,
    /// That something was clicked.
    clicks: MessageStream,
    takes_markup: bool,
    takes_clicks: bool,
}

impl Bus {
    pub(super) fn of_session() -> Self {
        Self { peer: None, next_try: Instant::now(), address: None }
    }

    #[cfg(test)]
    pub(super) fn at(address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..Self::of_session() }
    }

    /// Shows a notification, in the place of another one, and gives its number; `None` if there is nobody who could.
    pub(super) async fn show(&mut self, replaced: Option<u32>, shown: &Shown) -> Option<u32> {
        let peer = self.peer().await?;
        let body = if peer.takes_markup { escaped(&shown.body) } else { shown.body.clone() };
        let actions = if peer.takes_clicks { vec!["default", "Open"] } else { Vec::new() };
        let hints: HashMap<&str, Value<'_>> = HashMap::from([
            ("desktop-entry", Value::from(APP_ICON)),
            ("category", Value::from("im.received")),
        ]);
        let said =
            (APP_NAME, replaced.unwrap_or(0), APP_ICON, &shown.summary, &body, &actions, &hints, UNTIL_READ);
        let number = peer.call::<_, u32>("Notify", &said).await;
        self.keep_if_whole(number)
    }

    /// Takes a notification away. One that is gone already is no mistake.
    pub(super) async fn close(&mut self, number: u32) {
        if let Some(peer) = &self.peer {
            peer.call::<_, ()>("CloseNotification", &(number,)).await.ok();
        }
    }

    /// Waits for a click, and gives the number of the notification. Without a bus there is none.
    pub(super) async fn clicked(&mut self) -> u32 {
        while let Some(peer) = &mut self.peer {
            match peer.clicks.next().await {
                Some(Ok(signal)) => {
                    if let Ok((number, _action)) = signal.body().deserialize::<(u32, String)>() {
                        return number;
                    }
                }
                Some(Err(_)) => {}
                None => self.peer = None,
            }
        }
        future::pending().await
    }

    async fn peer(&mut self) -> Option<&Peer> {
        if self.peer.is_none() && self.next_try <= Instant::now() {
            let peer = Peer::find(self.address.as_deref()).await;
            self.peer = self.keep_if_whole(peer);
        }
        self.peer.as_ref()
    }

    /// Without a bus it is looked for again after a while: somebody may log in.
    fn keep_if_whole<T>(&mut self, outcome: zbus::Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::debug!(%error, "nothing can be shown on the desktop now");
                self.peer = None;
                self.next_try = Instant::now() + BUS_PAUSE;
                None
            }
        }
    }
}

impl Peer {
    async fn find(address: Option<&str>) -> zbus::Result<Self> {
        let connection = match address {
            Some(address) => zbus::connection::Builder::address(address)?.build(),
            None => zbus::connection::Builder::session()?.build(),
        };
        let connection = patiently(connection).await?;
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .interface(INTERFACE)?
            .member("ActionInvoked")?
            .path(PATH)?
            .build();
        let clicks = MessageStream::for_match_rule(rule, &connection, Some(CLICKS_MAX)).await?;
        let mut peer = Self { connection, clicks, takes_markup: false, takes_clicks: false };
        let capabilities: Vec<String> = peer.call("GetCapabilities", &()).await?;
        let can = |what: &str| capabilities.iter().any(|capability| capability == what);
        (peer.takes_markup, peer.takes_clicks) = (can("body-markup"), can("actions"));
        Ok(peer)
    }

    async fn call<B, R>(&self, method: &str, body: &B) -> zbus::Result<R>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        let call = self.connection.call_method(Some(SERVICE), PATH, Some(INTERFACE), method, body);
        patiently(call).await?.body().deserialize()
    }
}

async fn patiently<T>(work: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    timeout(BUS_PATIENCE, work).await.unwrap_or_else(|_| Err(zbus::Error::Failure("no answer".to_owned())))
}

const SERVICE: &str = "org.freedesktop.Notifications";
const INTERFACE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const APP_NAME: &str = "Hero Assistance";
/// As `assist-gui --install-desktop` installs it.
const APP_ICON: &str = "hero-assistance";
/// Whoever shows it decides for how long.
const UNTIL_READ: i32 = -1;
const CLICKS_MAX: usize = 16;
