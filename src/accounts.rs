//! Accounts one by one: what a front desk makes on an ordinary day. The HTTP side and the command line call this.

use fitconnect_actors::ports::{Account, StateStore, StoreError, UserRow};
use fitconnect_domain::user::Stored;
use fitconnect_protocol::limits::{EMAIL_BYTES_MAX, NAME_BYTES_MAX, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{ErrorCode, GymId, Refusal, UserId, Uuid};

/// An account that shall be there.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Of a screen or a hub, and of nobody else.
    pub hall: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("{0}")]
    Refused(Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the account with this hash of a password. A new person has told nothing of their body and shows nothing of it.
pub async fn add(state: &dyn StateStore, gym: GymId, new: NewAccount, phc: String) -> Result<Account, AccountError> {
    let NewAccount { email, name, role, hall } = check(new).map_err(AccountError::Refused)?;
    let account = Account { user: UserId(Uuid::now_v7()), gym, email, name, role, hall, password: phc };
    let stored = Stored::new(gym, account.name.clone(), Profile::default(), Consent::default());
    let snapshot = rmp_serde::to_vec_named(&stored).expect("a person is plain data");
    match state.add_accounts(vec![(account.clone(), UserRow { snapshot })]).await {
        Ok(()) => Ok(account),
        Err(StoreError::Taken("email")) => {
            Err(AccountError::Refused(Refusal::new(ErrorCode::EmailTaken, format!("{} has an account", account.email))))
        }
        Err(error) => Err(error.into()),
    }
}

/// What can be an account, with the e-mail as it is kept: trimmed, in lower case.
pub fn check(new: NewAccount) -> Result<NewAccount, Refusal> {
    let email = new.email.trim().to_lowercase();
    let malformed = |words: String| Err(Refusal::new(ErrorCode::Malformed, words));
    let parts = email.split_once('@').filter(|(who, place)| !who.is_empty() && !place.is_empty());
    if parts.is_none() || email.len() > EMAIL_BYTES_MAX || email.contains(char::is_whitespace) {
        return malformed(format!("email: an address as in ana@example.com, of at most {EMAIL_BYTES_MAX} bytes"));
    }
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return malformed(format!("name: 1 to {NAME_BYTES_MAX} bytes"));
    }
    let hall = new.hall.map(|hall| hall.trim().to_owned()).filter(|hall| !hall.is_empty());
    match (new.role, &hall) {
        (Role::Screen | Role::Hub, None) => malformed("hall: a screen or a hub belongs to one".into()),
        (Role::Member | Role::Trainer | Role::Admin, Some(_)) => {
            malformed("hall: only a screen or a hub has one".into())
        }
        (_, Some(hall)) if hall.len() > NAME_BYTES_MAX => malformed(format!("hall: 1 to {NAME_BYTES_MAX} bytes")),
        _ => Ok(NewAccount { email, name, role: new.role, hall }),
    }
}

/// What can be a password.
pub fn check_password(password: &str) -> Result<(), Refusal> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(Refusal::new(
            ErrorCode::Malformed,
            format!("a password has at least {PASSWORD_CHARS_MIN} characters"),
        ));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Refusal::new(ErrorCode::TooLarge, format!("a password has at most {PASSWORD_BYTES_MAX} bytes")));
    }
    Ok(())
}
