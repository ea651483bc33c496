//! What every handler and every socket of one server has in common.

use crate::auth::{Claims, Keys, Logins, Pairings, Revoked, TokenError};
use crate::config::Config;
use crate::telemetry::Telemetry;
use crate::ws::Sockets;
use fitconnect_actors::House;
use fitconnect_actors::ports::{Account, Clock, EventLog, StateStore, StoreError};
use fitconnect_protocol::{CloseCode, UserId};
use std::sync::Arc;

pub struct App {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub state: Arc<dyn StateStore>,
    pub events: Arc<dyn EventLog>,
    pub keys: Keys,
    pub logins: Logins,
    pub revoked: Revoked,
    pub pairings: Pairings,
    pub house: Arc<House>,
    pub sockets: Sockets,
    pub telemetry: Telemetry,
}

impl App {
    /// Claims of a token that one of our keys has signed, that is good now and was not taken back.
    pub fn believe(&self, token: &str) -> Result<Claims, TokenError> {
        let claims = self.keys.verify(token, self.clock.now());
        let believed =
            claims.and_then(|claims| if self.revoked.is_good(&claims) { Ok(claims) } else { Err(TokenError::Revoked) });
        if believed.is_err() {
            self.telemetry.token_refused();
        }
        believed
    }

    /// What a token says that is given to this account now.
    pub fn claims(&self, account: &Account) -> Claims {
        let now = self.revoked.date(account.user, self.clock.now());
        Claims::of(account, now, self.config.token_life_s)
    }

    /// Takes back every token of this person; their sockets close.
    pub async fn revoke(&self, user: UserId) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.state.revoke(user, now).await?;
        self.revoked.revoke(user, now);
        let theirs = self.house.hub.outboxes().into_iter().filter(|outbox| outbox.by.user == user);
        theirs.for_each(|outbox| outbox.close(CloseCode::Unauthorised, now.0));
        Ok(())
    }
}
