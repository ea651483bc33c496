//! Makes a gym with accounts: for a demo, for a load run, for the first day of a real one. Run again, it finds what it made: accounts
//! are known by their e-mail. All accounts of one folder share one random password, so that fifteen thousand cost one hash.

mod people;
mod wanted;

pub use wanted::{ProfileLine, ProfilesError, read_profiles};

use crate::api::{DEMO_FILE, DemoAccount};
use crate::auth::{Claims, Keys, password};
use fitconnect_actors::ports::{Account, StateStore, StoreError, UserRow};
use fitconnect_domain::Millis;
use fitconnect_domain::user::Stored;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{GymId, UserId, Uuid};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use wanted::Wanted;

/// Accounts that are written in one transaction, and read in one page.
const BATCH: usize = 1_000;
/// Members whose log-in the demo's page offers.
const DEMO_MEMBERS: usize = 3;

/// What there shall be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    pub gym: String,
    /// Hall that screens and hubs are bound to.
    pub hall: String,
    pub admins: u32,
    pub trainers: u32,
    pub members: u32,
    pub screens: u32,
    pub hubs: u32,
    /// Names and body data of members follow from it.
    pub seed: u64,
    /// People from a file, besides those that are made.
    pub profiles: Vec<ProfileLine>,
}

/// An account that is there now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seeded {
    pub email: String,
    /// None where it has another password than the one of this folder, or none at all.
    pub password: Option<String>,
    pub user: UserId,
    pub gym: GymId,
    pub role: Role,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hall: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("{0} has an account in another gym")]
    Elsewhere(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// Makes what is missing. Accounts come back in the order of [`Options`]: staff first. `data`: the folder for [`DEMO_FILE`].
pub async fn seed(
    state: &dyn StateStore,
    data: &Path,
    options: &Options,
    now: Millis,
) -> Result<Vec<Seeded>, SeedError> {
    let gym = gym(state, &options.gym).await?;
    let wanted = wanted::all(options, gym, now);
    let mut there = accounts(state, gym).await?;
    let mut secret = Secret::read(data)?;
    let missing: Vec<&Wanted> = wanted.iter().filter(|each| !there.contains_key(&each.email)).collect();
    if !missing.is_empty() {
        let phc = secret.hash(wanted.iter().filter_map(|each| there.get(&each.email)));
        for batch in missing.chunks(BATCH) {
            let rows = batch.iter().map(|each| row(each, gym, &phc)).collect::<Vec<_>>();
            let added: Vec<Account> = rows.iter().map(|(account, _)| account.clone()).collect();
            match state.add_accounts(rows).await {
                Err(StoreError::Taken(_)) => return Err(taken(state, &added).await?),
                outcome => outcome?,
            }
            there.extend(added.into_iter().map(|account| (account.email.clone(), account)));
        }
    }
    let found = wanted.iter().filter_map(|each| there.get(&each.email));
    let seeded: Vec<Seeded> = found.map(|account| seeded(account, &mut secret)).collect();
    write_demo(data, &seeded)?;
    Ok(seeded)
}

/// Gives each account a token that is good for so many seconds.
pub async fn with_tokens(
    state: &dyn StateStore,
    keys: &Keys,
    seeded: &mut [Seeded],
    now: Millis,
    life_s: u64,
) -> Result<(), StoreError> {
    let Some(gym) = seeded.first().map(|each| each.gym) else { return Ok(()) };
    let accounts = accounts(state, gym).await?;
    for each in seeded {
        each.token = accounts.get(&each.email).map(|account| keys.mint(&Claims::of(account, now, life_s)));
    }
    Ok(())
}

async fn gym(state: &dyn StateStore, name: &str) -> Result<GymId, StoreError> {
    if let Some((gym, _)) = state.gyms().await?.into_iter().find(|(_, known)| known == name) {
        return Ok(gym);
    }
    let gym = GymId(Uuid::now_v7());
    state.add_gym(gym, name.to_owned()).await?;
    Ok(gym)
}

/// All accounts of a gym by e-mail.
async fn accounts(state: &dyn StateStore, gym: GymId) -> Result<BTreeMap<String, Account>, StoreError> {
    let mut all = BTreeMap::new();
    loop {
        let after = all.last_key_value().map(|(email, _): (&String, &Account)| email.clone());
        let page = state.accounts(gym, after, BATCH as u32).await?;
        let is_last = page.len() < BATCH;
        all.extend(page.into_iter().map(|account| (account.email.clone(), account)));
        if is_last {
            return Ok(all);
        }
    }
}

/// Which of these e-mails belongs to an account of another gym.
async fn taken(state: &dyn StateStore, added: &[Account]) -> Result<SeedError, StoreError> {
    for account in added {
        if state.account_by_email(account.email.clone()).await?.is_some() {
            return Ok(SeedError::Elsewhere(account.email.clone()));
        }
    }
    Ok(SeedError::Store(StoreError::Taken("email")))
}

fn row(each: &Wanted, gym: GymId, phc: &str) -> (Account, UserRow) {
    let account = Account {
        user: UserId(Uuid::now_v7()),
        gym,
        email: each.email.clone(),
        name: each.name.clone(),
        role: each.role,
        hall: each.hall.clone(),
        password: phc.to_owned(),
    };
    let stored = Stored::new(gym, each.name.clone(), each.profile.clone(), each.consent);
    let snapshot = rmp_serde::to_vec_named(&stored).expect("a person is plain data");
    (account, UserRow { snapshot })
}

fn seeded(account: &Account, secret: &mut Secret) -> Seeded {
    Seeded {
        email: account.email.clone(),
        password: secret.fits(&account.password).then(|| secret.password.clone()),
        user: account.user,
        gym: account.gym,
        role: account.role,
        name: account.name.clone(),
        hall: account.hall.clone(),
        token: None,
    }
}

/// The one password of a folder's seeded accounts.
struct Secret {
    password: String,
    /// Hashes that were tried, and whether the password is behind them.
    tried: BTreeMap<String, bool>,
}

impl Secret {
    /// The one that an earlier run has written down, or a new one from the system's random numbers.
    fn read(data: &Path) -> Result<Secret, SeedError> {
        let path = data.join(DEMO_FILE);
        let known = match fs::read(&path) {
            Ok(text) => serde_json::from_slice::<Vec<DemoAccount>>(&text).ok().and_then(|list| list.into_iter().next()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(SeedError::Io { path, source }),
        };
        let password = known.map_or_else(password::random, |account| account.password);
        Ok(Secret { password, tried: BTreeMap::new() })
    }

    /// A hash of the password: one that is in use already, or a new one.
    fn hash<'a>(&mut self, accounts: impl Iterator<Item = &'a Account>) -> String {
        for account in accounts {
            if self.fits(&account.password) {
                return account.password.clone();
            }
        }
        let phc = password::hash(&self.password);
        self.tried.insert(phc.clone(), true);
        phc
    }

    fn fits(&mut self, phc: &str) -> bool {
        if let Some(known) = self.tried.get(phc) {
            return *known;
        }
        let fits = password::fits(&self.password, phc);
        self.tried.insert(phc.to_owned(), fits);
        fits
    }
}

/// Accounts for the login page of a demo: everybody who works here, and some members.
fn write_demo(data: &Path, seeded: &[Seeded]) -> Result<(), SeedError> {
    let (staff, members): (Vec<_>, Vec<_>) = seeded.iter().partition(|each| each.role != Role::Member);
    let offered = staff.into_iter().filter(|each| each.role != Role::Hub).chain(members.into_iter().take(DEMO_MEMBERS));
    let accounts: Vec<DemoAccount> = offered
        .filter_map(|each| {
            let password = each.password.clone()?;
            Some(DemoAccount { email: each.email.clone(), password, role: each.role, name: each.name.clone() })
        })
        .collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let path = data.join(DEMO_FILE);
    let text = serde_json::to_vec_pretty(&accounts).expect("plain data");
    let write = || {
        let unfinished = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)
    };
    write().map_err(|source| SeedError::Io { path: path.clone(), source })
}

#[cfg(test)]
mod tests;
