//! What every handler and every socket of one server has in common.

use crate::auth::{Keys, Logins};
use crate::config::Config;
use crate::telemetry::Telemetry;
use crate::ws::Sockets;
use fitconnect_actors::House;
use fitconnect_actors::ports::{Clock, EventLog, StateStore};
use std::sync::Arc;

pub struct App {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub state: Arc<dyn StateStore>,
    pub events: Arc<dyn EventLog>,
    pub keys: Keys,
    pub logins: Logins,
    pub house: Arc<House>,
    pub sockets: Sockets,
    pub telemetry: Telemetry,
}
