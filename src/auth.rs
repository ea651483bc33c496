//! Who you are: passwords, access tokens, the keys that sign them, and how often one may try.
//! What one may do is decided by the machines. The HTTP API and the socket call this.

pub mod address;
mod attempts;
pub mod keys;
pub mod login;
pub mod origin;
pub mod pairing;
pub mod password;
pub mod revoked;
pub mod token;

pub use keys::{Keys, KeysError};
pub use login::Logins;
pub use pairing::Pairings;
pub use revoked::Revoked;
pub use token::{Claims, TokenError};
