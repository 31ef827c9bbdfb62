//! What the daemon answers on its local API.
