//! Who rides: a file of JSON lines as `fitconnect seed` prints it. `{"user":…,"token":…}` at least, or e-mail and password,
//! with `role` and `name` where it is not a member. Tokens are best: a log-in costs the server an argon2 hash.

use crate::error::LoadError;
use crate::http::Server;
use fitconnect_protocol::UserId;
use fitconnect_protocol::user::Role;
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default = "member")]
    pub role: Role,
}

fn member() -> Role {
    Role::Member
}

impl Account {
    /// Somebody whose token is known.
    pub fn with_token(token: impl Into<String>, role: Role) -> Account {
        Account { user: None, token: Some(token.into()), email: None, password: None, name: None, role }
    }

    /// The token, by a log-in where there is none.
    pub async fn token(&self, server: &Server) -> Result<String, LoadError> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let (Some(email), Some(password)) = (&self.email, &self.password) else {
            return Err(LoadError::Limit("an account has neither a token nor e-mail and password".into()));
        };
        Ok(server.login(email, password).await?.token)
    }
}

/// The accounts of a run, by what they may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accounts {
    pub members: Vec<Account>,
    /// Trainers and administrators.
    pub staff: Vec<Account>,
}

impl Accounts {
    /// Writes the file that [`Accounts::load`] reads.
    pub fn save(&self, path: &Path) -> Result<(), LoadError> {
        let line = |account| serde_json::to_string(account).expect("an account is text") + "\n";
        let text: String = self.staff.iter().chain(&self.members).map(line).collect();
        std::fs::write(path, text).map_err(LoadError::io(format!("{} cannot be written", path.display())))
    }

    pub fn load(path: &Path) -> Result<Accounts, LoadError> {
        let text =
            std::fs::read_to_string(path).map_err(LoadError::io(format!("{} cannot be read", path.display())))?;
        Accounts::parse(&text)
    }

    pub fn parse(text: &str) -> Result<Accounts, LoadError> {
        let mut accounts = Accounts::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |what: String| LoadError::Accounts { line: index + 1, what };
            let account: Account = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            if account.token.is_none() && (account.email.is_none() || account.password.is_none()) {
                return Err(wrong("neither a token nor e-mail and password".into()));
            }
            match account.role {
                Role::Trainer | Role::Admin => accounts.staff.push(account),
                Role::Member => accounts.members.push(account),
                // A screen or a hub neither rides nor leads a class.
                Role::Screen | Role::Hub => {}
            }
        }
        Ok(accounts)
    }

    /// The first `wanted` members.
    pub fn members(&self, wanted: usize) -> Result<&[Account], LoadError> {
        let too_few = LoadError::TooFewAccounts { role: "members", wanted, has: self.members.len() };
        self.members.get(..wanted).ok_or(too_few)
    }

    /// Who leads a class: a trainer, or an administrator where there is none.
    pub fn trainer(&self) -> Result<&Account, LoadError> {
        let trainer = self.staff.iter().find(|account| account.role == Role::Trainer);
        trainer.or(self.staff.first()).ok_or(LoadError::TooFewAccounts { role: "trainers", wanted: 1, has: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sorted_by_role_and_a_wrong_one_is_named() {
        let text = "{\"user\":\"0190b6a0-0000-7000-8000-000000000001\",\"token\":\"a\"}\n\n\
                    {\"email\":\"t@x\",\"password\":\"p\",\"role\":\"trainer\",\"extra\":1}\n";
        let accounts = Accounts::parse(text).expect("both are good");
        assert_eq!((accounts.members.len(), accounts.staff.len()), (1, 1));
        assert!(accounts.members(2).expect_err("one only").to_string().contains("2 accounts of members"));
        for (line, why) in [("{", "line 1"), ("{\"user\":\"0190b6a0-0000-7000-8000-000000000001\"}", "neither a token")]
        {
            let error = Accounts::parse(line).expect_err(line).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
