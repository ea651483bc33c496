//! `fitconnect account`: accounts one by one, without a running server.

use super::{Failure, Place, block_on, now, open, print, usage};
use clap::{Args, Subcommand, ValueEnum};
use fitconnect::accounts::{self, NewAccount, check_password};
use fitconnect::auth::password;
use fitconnect::store::Store;
use fitconnect_protocol::GymId;
use fitconnect_protocol::user::Role;
use std::io::{self, BufRead};

pub const HELP: &str = "\
A password is made and printed once, or read from the standard input's first line with --password-stdin. While a server runs on the
embedded store, an administrator does the same over HTTP: POST /v1/accounts, GET /v1/accounts, POST /v1/accounts/{user}/password.

Examples:
  fitconnect account add --email ana@example.com --name \"Ana Petrova\" --role trainer
  fitconnect account add --email tv@hall-1.example.com --name \"TV, hall 1\" --role screen --hall \"Hall 1\"
  fitconnect account password --email ana@example.com --password-stdin < secret.txt
  fitconnect account list";

/// Accounts that are read at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Account {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add one
    Add(Add),
    /// Give one another password
    Password(Password),
    /// Print them, in order of e-mail
    List(List),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum As {
    Member,
    Trainer,
    Admin,
    Screen,
    Hub,
}

impl From<As> for Role {
    fn from(role: As) -> Role {
        match role {
            As::Member => Role::Member,
            As::Trainer => Role::Trainer,
            As::Admin => Role::Admin,
            As::Screen => Role::Screen,
            As::Hub => Role::Hub,
        }
    }
}

#[derive(Debug, Args)]
struct Add {
    #[arg(long, value_name = "E-MAIL")]
    email: String,
    #[arg(long, value_name = "NAME")]
    name: String,
    #[arg(long, value_enum, default_value = "member")]
    role: As,
    /// Hall of a screen or a hub
    #[arg(long, value_name = "NAME")]
    hall: Option<String>,
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    gym: Gym,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Password {
    #[arg(long, value_name = "E-MAIL")]
    email: String,
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    gym: Gym,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Secret {
    /// Read the password from the standard input's first line
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Args)]
struct Gym {
    /// Name of the gym, where there are several; a new one is made by `fitconnect seed --gym NAME`
    #[arg(long, value_name = "NAME")]
    gym: Option<String>,
}

pub fn run(account: Account) -> Result<(), Failure> {
    match account.what {
        What::Add(args) => add(args),
        What::Password(args) => password_of(args),
        What::List(args) => list(args),
    }
}

fn add(args: Add) -> Result<(), Failure> {
    let new = NewAccount { email: args.email, name: args.name, role: args.role.into(), hall: args.hall };
    let new = accounts::check(new).map_err(|refusal| Failure::Usage(refusal.message))?;
    let (secret, made) = args.secret.get()?;
    let account = with_store(args.place, async |store| {
        let gym = args.gym.find(store).await?;
        Ok(accounts::add(&*store.state, gym, new, password::hash(&secret)).await?)
    })?;
    print(&format!("{}  {}{}", account.user, account.email, told(made.then_some(secret).as_deref())))
}

fn password_of(args: Password) -> Result<(), Failure> {
    let (secret, made) = args.secret.get()?;
    let email = args.email.trim().to_lowercase();
    with_store(args.place, async |store| {
        let account = store.state.account_by_email(email.clone()).await?;
        let account = account.ok_or_else(|| Failure::Failed(format!("{email} has no account")))?;
        store.state.set_password(account.user, password::hash(&secret)).await?;
        store.state.revoke(account.user, now()).await?;
        Ok(())
    })?;
    print(&format!("{email}{}", told(made.then_some(secret).as_deref())))
}

fn list(args: List) -> Result<(), Failure> {
    let found = with_store(args.place, async |store| {
        let gym = args.gym.find(store).await?;
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|account: &fitconnect_actors::ports::Account| account.email.clone());
            let page = store.state.accounts(gym, after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    })?;
    let line = |account: &fitconnect_actors::ports::Account| {
        let role = format!("{:?}", account.role).to_lowercase();
        let hall = account.hall.as_ref().map_or_else(String::new, |hall| format!("  ({hall})"));
        format!("{role:<8} {:<40} {}{hall}", account.email, account.name)
    };
    print(&found.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// What is said of a password that was made here.
fn told(password: Option<&str>) -> String {
    password.map_or_else(String::new, |password| format!("  password: {password}"))
}

impl Secret {
    /// The password, and whether it was made here.
    fn get(&self) -> Result<(String, bool), Failure> {
        if !self.password_stdin {
            return Ok((password::random(), true));
        }
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let secret = line.trim_end_matches(['\r', '\n']).to_owned();
        check_password(&secret).map_err(|refusal| Failure::Usage(refusal.message))?;
        Ok((secret, false))
    }
}

impl Gym {
    async fn find(&self, store: &Store) -> Result<GymId, Failure> {
        let gyms = store.state.gyms().await?;
        let found = match &self.gym {
            Some(name) => gyms.iter().find(|(_, known)| known == name),
            None if gyms.len() > 1 => {
                let names: Vec<_> = gyms.iter().map(|(_, name)| name.as_str()).collect();
                return Err(Failure::Usage(format!(
                    "there are several gyms: name one with --gym: {}",
                    names.join(", ")
                )));
            }
            None => gyms.first(),
        };
        let none =
            || Failure::Failed("there is no such gym: make one with `fitconnect seed --gym NAME --members 0`".into());
        found.map(|(gym, _)| *gym).ok_or_else(none)
    }
}

fn with_store<T>(place: Place, work: impl AsyncFnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
    let config = place.load().map_err(usage)?.config;
    block_on(async {
        let store = open(&config).await?;
        let done = work(&store).await;
        store.close().await;
        done
    })
}
