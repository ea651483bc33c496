//! `fitconnect seed`.

use super::{Failure, Place, block_on, now, open, usage};
use clap::Args;
use fitconnect::auth::Keys;
use fitconnect::seed::{self, Options, Seeded, read_profiles};
use fitconnect_protocol::limits::NAME_BYTES_MAX;
use fitconnect_protocol::user::Role;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub const HELP: &str = "\
Accounts are known by their e-mail: run again, nothing is made twice, and what is there is printed. All share one random password,
which is kept in DATA/demo.json (mode 0600).

Examples:
  fitconnect seed                                            a demo gym: 2 trainers, an administrator, a screen, 40 members
  fitconnect seed --gym \"Gym West\" --members 0 --admins 1    the first day of a real one
  fitconnect seed --members 15000 --trainers 1 --tokens      for a load run: one JSON object a line, each with a token
  fitconnect seed --members 0 --profiles people.jsonl        people from a file, one a line:
    {\"email\":\"ana@example.com\",\"name\":\"Ana\",\"role\":\"member\",\"profile\":{\"born\":\"1990-05-31\",\"hr_max\":188},\"consent\":{\"show_hr\":true}}";

/// Members where no number and no file is given.
const MEMBERS: u32 = 40;
/// Members that are named in the short form of the answer.
const SHOWN: usize = 3;

#[derive(Debug, Args)]
pub struct Seed {
    /// Name of the gym; made if it is not there
    #[arg(long, value_name = "NAME", default_value = "FitConnect Demo")]
    gym: String,
    /// Trainers: trainer-1, trainer-2 …
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=1_000))]
    trainers: u32,
    /// Administrators: admin-1 …
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=1_000))]
    admins: u32,
    /// Members: member-1 …, with plausible body data [default: 40, none with --profiles]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    members: Option<u32>,
    /// TV screens, bound to the hall
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=1_000))]
    screens: u32,
    /// Receivers that hear the straps of a hall, bound to it
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000))]
    hubs: u32,
    /// Hall of screens and hubs
    #[arg(long, value_name = "NAME", default_value = "Hall 1")]
    hall: String,
    /// Names and body data of members follow from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// JSON lines with people of your own
    #[arg(long, value_name = "FILE")]
    profiles: Option<PathBuf>,
    /// Print all accounts as JSON lines, each with a token
    #[arg(long)]
    tokens: bool,
    #[command(flatten)]
    place: Place,
}

pub fn run(args: Seed) -> Result<(), Failure> {
    for (what, name) in [("gym", &args.gym), ("hall", &args.hall)] {
        if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(Failure::Usage(format!("--{what}: a name has 1 to {NAME_BYTES_MAX} bytes")));
        }
    }
    let profiles = args.profiles.as_deref().map(profiles).transpose()?.unwrap_or_default();
    let config = args.place.load().map_err(usage)?.config;
    let options = Options {
        gym: args.gym,
        hall: args.hall,
        admins: args.admins,
        trainers: args.trainers,
        members: args.members.unwrap_or(if args.profiles.is_some() { 0 } else { MEMBERS }),
        screens: args.screens,
        hubs: args.hubs,
        seed: args.seed,
        profiles,
    };
    let people = block_on(async {
        let store = open(&config).await?;
        let mut people = seed::seed(&*store.state, &config.data, &options, now()).await?;
        if args.tokens {
            let keys = Keys::open(&config.keys_dir(), now())?;
            seed::with_tokens(&*store.state, &keys, &mut people, now(), config.token_life_s).await?;
        }
        store.close().await;
        Ok::<_, Failure>(people)
    })?;
    Ok(if args.tokens { lines(&people) } else { summary(&people) }?)
}

fn profiles(path: &Path) -> Result<Vec<seed::ProfileLine>, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    read_profiles(&text).map_err(|error| Failure::Failed(format!("{}, {error}", path.display())))
}

fn lines(people: &[Seeded]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for each in people {
        serde_json::to_writer(&mut out, each)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Those who work here, some members, and how many more.
fn summary(people: &[Seeded]) -> io::Result<()> {
    let (staff, members): (Vec<_>, Vec<_>) = people.iter().partition(|each| each.role != Role::Member);
    let mut out = BufWriter::new(io::stdout().lock());
    for each in staff.iter().chain(members.iter().take(SHOWN)) {
        let role = format!("{:?}", each.role).to_lowercase();
        let password = each.password.as_deref().unwrap_or("(its own password)");
        writeln!(out, "{role:<8} {:<40} {password}  {}", each.email, each.name)?;
    }
    if members.len() > SHOWN {
        writeln!(
            out,
            "and {} more members with the same password; --tokens prints all as JSON lines",
            members.len() - SHOWN
        )?;
    }
    out.flush()
}
