//! `fitconnect token`.

use super::{Failure, Place, block_on, now, open, print, usage};
use clap::Args;
use fitconnect::auth::{Claims, Keys};
use fitconnect_protocol::UserId;

pub const HELP: &str = "\
Whoever has the folder can make tokens: they are signed with DATA/keys. While the server runs, log in instead:
  curl -s http://127.0.0.1:8080/v1/login -H 'content-type: application/json' -d '{\"email\":\"…\",\"password\":\"…\"}'

Example:
  fitconnect token --email trainer-1@fitconnect-demo.test --ttl 86400";

#[derive(Debug, Args)]
pub struct Token {
    /// The account by its id
    #[arg(long, value_name = "ID", required_unless_present = "email", conflicts_with = "email")]
    user: Option<UserId>,
    /// The account by its e-mail
    #[arg(long, value_name = "E-MAIL")]
    email: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub fn run(args: Token) -> Result<(), Failure> {
    let config = args.place.load().map_err(usage)?.config;
    if !config.data.is_dir() {
        return Err(Failure::Failed(format!("there is no folder {}: name it with --data", config.data.display())));
    }
    let token = block_on(async {
        let store = open(&config).await?;
        let account = match (args.user, args.email) {
            (Some(user), _) => store.state.account(user).await?,
            (None, email) => store.state.account_by_email(email.unwrap_or_default().to_lowercase()).await?,
        };
        store.close().await;
        let account = account.ok_or_else(|| Failure::Failed("there is no such account".into()))?;
        let keys = Keys::open(&config.keys_dir(), now())?;
        Ok::<_, Failure>(keys.mint(&Claims::of(&account, now(), config.token_life_s)))
    })?;
    print(&token)
}
