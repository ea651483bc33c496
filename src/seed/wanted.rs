//! Who shall be there: staff, screens and members by number, and people from a file.

use super::Options;
use super::people;
use fitconnect_domain::Millis;
use fitconnect_domain::time::Date;
use fitconnect_protocol::GymId;
use fitconnect_protocol::limits::{EMAIL_BYTES_MAX, NAME_BYTES_MAX};
use fitconnect_protocol::user::{Consent, Profile, Role};
use serde::Deserialize;

/// One account that shall be there.
pub struct Wanted {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub hall: Option<String>,
    pub profile: Profile,
    pub consent: Consent,
}

/// A person as a line of a file has them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileLine {
    pub email: String,
    pub name: String,
    #[serde(default = "member")]
    pub role: Role,
    #[serde(default)]
    pub profile: Profile,
    #[serde(default)]
    pub consent: Consent,
}

fn member() -> Role {
    Role::Member
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ProfilesError {
    pub line: usize,
    pub what: String,
}

/// Reads JSON lines `{"email":…,"name":…,"role"?,"profile"?,"consent"?}`; empty lines are left out.
pub fn read_profiles(text: &str) -> Result<Vec<ProfileLine>, ProfilesError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let wrong = |what: String| ProfilesError { line: index + 1, what };
            let mut person: ProfileLine = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            person.email = person.email.trim().to_lowercase();
            check(&person).map_err(wrong)?;
            Ok(person)
        })
        .collect()
}

fn check(person: &ProfileLine) -> Result<(), String> {
    if !person.email.contains('@') || person.email.len() > EMAIL_BYTES_MAX {
        return Err(format!("{:?} is no e-mail", person.email));
    }
    if person.name.trim().is_empty() || person.name.len() > NAME_BYTES_MAX {
        return Err(format!("a name has 1 to {NAME_BYTES_MAX} bytes"));
    }
    match &person.profile.born {
        Some(born) if Date::parse(born).is_none() => Err(format!("born: {born:?} is no day as in 1990-05-31")),
        _ => Ok(()),
    }
}

/// Everybody in order: staff, screens, hubs, members by number, people from the file.
pub fn all(options: &Options, gym: GymId, now: Millis) -> Vec<Wanted> {
    let domain = domain(&options.gym, gym);
    let numbered = |role: Role, word: &'static str, count: u32| {
        let domain = domain.clone();
        (1..=count).map(move |number| (role, format!("{word}-{number}@{domain}"), number))
    };
    let made = numbered(Role::Trainer, "trainer", options.trainers)
        .chain(numbered(Role::Admin, "admin", options.admins))
        .chain(numbered(Role::Screen, "screen", options.screens))
        .chain(numbered(Role::Hub, "hub", options.hubs))
        .chain(numbered(Role::Member, "member", options.members));
    let made = made.map(|(role, email, number)| one(options, role, email, number, now));
    let read = options.profiles.iter().cloned().map(|line| Wanted {
        email: line.email,
        name: line.name,
        role: line.role,
        hall: is_thing(line.role).then(|| options.hall.clone()),
        profile: line.profile,
        consent: line.consent,
    });
    made.chain(read).collect()
}

fn one(options: &Options, role: Role, email: String, number: u32, now: Millis) -> Wanted {
    let mut wanted = Wanted {
        email,
        name: String::new(),
        role,
        hall: is_thing(role).then(|| options.hall.clone()),
        profile: Profile::default(),
        consent: Consent::default(),
    };
    match role {
        Role::Screen => wanted.name = format!("Screen {number}"),
        Role::Hub => wanted.name = format!("Hub {number}"),
        Role::Member | Role::Trainer | Role::Admin => {
            let person = people::person(options.seed, role, number, now);
            (wanted.name, wanted.profile, wanted.consent) = (person.name, person.profile, person.consent);
        }
    }
    wanted
}

/// A screen or a hub belongs to a hall.
fn is_thing(role: Role) -> bool {
    matches!(role, Role::Screen | Role::Hub)
}

/// Where the e-mails of made accounts are: a name that no mail is ever sent to (RFC 6761).
fn domain(gym_name: &str, gym: GymId) -> String {
    let words = gym_name.to_lowercase();
    let words: Vec<&str> = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_latin = gym_name.chars().filter(|c| c.is_alphabetic()).all(|c| c.is_ascii());
    if is_latin && !words.is_empty() {
        format!("{}.test", words.join("-"))
    } else {
        format!("gym-{}.test", gym.0.simple())
    }
}
