//! What an access token says, and why one is not believed. Signing and checking are the keys' work.

use fitconnect_actors::ports::Account;
use fitconnect_domain::Millis;
use fitconnect_protocol::limits::SCREEN_TOKEN_LIFE_S;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ErrorCode, GymId, Refusal, UserId, Uuid};
use serde::{Deserialize, Serialize};

/// Claims of an access token (RFC 7519). Times are Unix seconds, as the standard has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub user: UserId,
    pub gym: GymId,
    pub role: Role,
    pub name: String,
    /// The hall that a screen or a hub is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hall: Option<String>,
    pub iat: u64,
    pub exp: u64,
    pub jti: Uuid,
}

impl Claims {
    /// A new token's claims: this account, from now on, for so many seconds; for longer where it is a screen, which hangs on a wall,
    /// may be switched off for weeks, and can only watch.
    pub fn of(account: &Account, now: Millis, life_s: u64) -> Claims {
        let life_s = if account.role == Role::Screen { life_s.max(SCREEN_TOKEN_LIFE_S) } else { life_s };
        let iat = now.0 / 1_000;
        Claims {
            user: account.user,
            gym: account.gym,
            role: account.role,
            name: account.name.clone(),
            hall: account.hall.clone(),
            iat,
            exp: iat.saturating_add(life_s),
            jti: Uuid::now_v7(),
        }
    }

    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    pub fn is_staff(&self) -> bool {
        self.role >= Role::Trainer
    }

    /// The first moment at which the token is no longer good.
    pub fn expires_at(&self) -> Millis {
        Millis(self.exp.saturating_mul(1_000))
    }
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("this is no access token")]
    Malformed,
    #[error("the token names another algorithm than EdDSA")]
    WrongAlgorithm,
    #[error("the token names a key that this server does not have")]
    UnknownKey,
    #[error("the token's signature does not fit")]
    Forged,
    #[error("the token is not valid yet: its clock is ahead of the server's")]
    NotYetValid,
    #[error("the token has expired")]
    Expired,
    #[error("the token was taken back")]
    Revoked,
}

impl From<TokenError> for Refusal {
    fn from(why: TokenError) -> Refusal {
        Refusal::new(ErrorCode::Unauthorised, format!("{why}: log in again"))
    }
}
