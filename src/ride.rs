//! `fitconnect ride FILE`: rides a file on its own clock and prints what it leaves of the rider, for people or as JSON.

use crate::import::{self, ImportError, Importer};
use crate::store;
use fitconnect_actors::Marks;
use fitconnect_actors::ports::{Account, StateStore, StoreError, StoredPerson, UserRow};
use fitconnect_domain::Millis;
use fitconnect_domain::user::{Blocks, Stored};
use fitconnect_protocol::class::MemberSummary;
use fitconnect_protocol::user::{Consent, HrMaxSource, Profile, Role, Sex};
use fitconnect_protocol::{GymId, UserId, Uuid};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What is known of the rider. What is not given is unknown: no weight, no calories; no maximum and no age, no zones.
#[derive(Clone, Debug, clap::Args)]
pub struct RideArgs {
    /// FIT, TCX or GPX file; what it is, is told from its content
    pub file: PathBuf,
    /// For calories and TRIMP; without it the mean of both formulas
    #[arg(long, value_enum)]
    pub sex: Option<SexArg>,
    /// Years on the day of the recording
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(5..=110))]
    pub age: Option<u8>,
    /// Body weight
    #[arg(long, value_name = "KG")]
    pub weight: Option<f64>,
    /// Resting heart rate
    #[arg(long, value_name = "BPM")]
    pub rest: Option<u16>,
    /// Maximum heart rate; without it 208 − 0.7 × age
    #[arg(long, value_name = "BPM")]
    pub max: Option<f64>,
    /// Functional threshold power, where the file has none of its own
    #[arg(long, value_name = "W")]
    pub ftp: Option<u16>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Import into the account of the token on this server instead; the profile there counts
    #[arg(long, requires = "token", value_name = "URL")]
    pub url: Option<String>,
    /// Access token of the account
    #[arg(long, requires = "url", env = "FITCONNECT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum SexArg {
    Male,
    Female,
}

#[derive(Debug, thiserror::Error)]
pub enum RideError {
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("{path}: {source}")]
    Import { path: String, source: ImportError },
    #[error(transparent)]
    Open(#[from] store::OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{url}: {why}")]
    Server { url: String, why: String },
}

/// Rides the file; the text to print.
pub async fn run(args: RideArgs, now: Millis) -> Result<String, RideError> {
    let path = args.file.display().to_string();
    let bytes = std::fs::read(&args.file).map_err(|source| RideError::File { path: path.clone(), source })?;
    let summary = match (&args.url, &args.token) {
        (Some(url), Some(token)) => upload::send(url, token, &bytes).await?,
        (_, _) => embedded(&args, bytes, now).await.map_err(|error| match error {
            RideError::Import { source, .. } => RideError::Import { path, source },
            other => other,
        })?,
    };
    Ok(if args.json { format!("{:#}", json(&summary)) } else { text(&summary) })
}

/// In a store of its own, in a temporary folder.
async fn embedded(args: &RideArgs, bytes: Vec<u8>, now: Millis) -> Result<MemberSummary, RideError> {
    let folder = store::Temporary::new()?;
    let store = store::open(store::Options::new(folder.path()), Arc::new(Marks::default()).sink()).await?;
    let (gym, user) = (GymId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
    // The age is that of the day of the recording. A file that cannot be read gets its sentence from the import.
    let day = fitconnect_recording::read(&bytes).map_or(now, |recording| Millis(recording.started_at_ms.max(0) as u64));
    let profile = profile(args, day);
    add_rider(&*store.state, gym, user, &profile).await?;
    let (name, consent, blocks) = ("rider".into(), Consent::default(), Blocks::default());
    let person = StoredPerson { gym, name, version: 1, profile, consent, blocks, reads: BTreeMap::new() };
    let imported = import::import(bytes, Importer { user, person }, &*store.state, &*store.events, now).await;
    store.close().await;
    let imported = imported.map_err(|source| RideError::Import { path: String::new(), source })?;
    Ok(imported.summary)
}

async fn add_rider(state: &dyn StateStore, gym: GymId, user: UserId, profile: &Profile) -> Result<(), StoreError> {
    state.claim_shards().await?;
    state.add_gym(gym, "ride".into()).await?;
    let account = Account {
        user,
        gym,
        email: "rider@localhost".into(),
        name: "rider".into(),
        role: Role::Member,
        hall: None,
        password: String::new(),
    };
    let stored = Stored::new(gym, "rider", profile.clone(), Consent::default());
    let row = UserRow { snapshot: fitconnect_actors::body::pack(&stored) };
    state.add_accounts(vec![(account, row)]).await
}

fn profile(args: &RideArgs, day: Millis) -> Profile {
    let year = fitconnect_domain::time::Date::at(day).year;
    Profile {
        sex: args.sex.map(|sex| match sex {
            SexArg::Male => Sex::Male,
            SexArg::Female => Sex::Female,
        }),
        born: args.age.map(|age| format!("{}-01-01", year - i32::from(age))),
        weight_kg: args.weight,
        hr_rest: args.rest,
        hr_max: args.max,
        hr_max_source: args.max.map(|_| HrMaxSource::Measured),
        hr_max_approved: args.max.is_some(),
        ftp_w: args.ftp,
        zones_off: false,
    }
}

/// The summary with the names of the golden values.
pub fn json(summary: &MemberSummary) -> serde_json::Value {
    serde_json::json!({
        "records": summary.records,
        "hr_seconds": summary.hr_seconds,
        "hr_avg": summary.hr_avg,
        "hr_max": summary.hr_max,
        "mz_zone_s": summary.zone_s,
        "meps": summary.meps,
        "edwards": summary.edwards,
        "banister": summary.banister,
        "keytel_kcal": summary.keytel_kcal,
        "kcal": summary.kcal,
        "splat_minutes": summary.splat_minutes,
        "power": summary.power,
    })
}

fn text(summary: &MemberSummary) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push(format!("{name:<22}{value}"));
    let known = |value: Option<f64>, unit: &str| value.map_or("–".into(), |value| format!("{value:.1}{unit}"));
    line("activity", summary.class_name.clone());
    line(
        "heart rate",
        format!("{:.0} bpm mean, {} max, {}", summary.hr_avg, summary.hr_max, clock(summary.hr_seconds)),
    );
    if let Some(zones) = summary.zone_s {
        line("below 50 %", clock(zones[0]));
        for (zone, seconds) in zones[1..].iter().enumerate() {
            line(&format!("zone {}", zone + 1), clock(*seconds));
        }
    }
    line("effort points", known(summary.meps, ""));
    line("splat minutes", known(summary.splat_minutes, ""));
    line("TRIMP (Banister)", known(summary.banister, ""));
    line("TRIMP (Edwards)", known(summary.edwards, ""));
    line("energy", known(summary.kcal, " kcal"));
    if let Some(power) = &summary.power {
        line(
            "power",
            format!("{:.0} W mean, {:.0} W normalised, {:.0} kJ", power.avg, power.np_strict30, power.work_kj),
        );
        line("IF / TSS", format!("{} / {}", known(power.intensity.map(|x| x * 100.0), " %"), known(power.tss, "")));
        let best = power.mean_max_w.iter().map(|(s, watts)| format!("{s} s {watts:.0} W"));
        line("best efforts", best.collect::<Vec<_>>().join(", "));
    }
    lines.join("\n")
}

fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

mod upload {
    //! The same through a server: `POST /v1/import` with the bytes of the file.
    use super::RideError;
    use fitconnect_protocol::class::MemberSummary;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    pub async fn send(url: &str, token: &str, bytes: &[u8]) -> Result<MemberSummary, RideError> {
        let failed = |why: String| RideError::Server { url: url.into(), why };
        let host = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let host =
            host.ok_or_else(|| failed("the address begins with http://; put a proxy for TLS on this machine".into()))?;
        let io = |error: std::io::Error| failed(error.to_string());
        let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let mut stream = TcpStream::connect(&address).await.map_err(io)?;
        let head = format!(
            "POST /v1/import HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/octet-stream\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            bytes.len()
        );
        stream.write_all(head.as_bytes()).await.map_err(io)?;
        stream.write_all(bytes).await.map_err(io)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.map_err(io)?;
        let split =
            answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| failed("no HTTP answer".into()))?;
        let (head, body) = (String::from_utf8_lossy(&answer[..split]).into_owned(), &answer[split + 4..]);
        let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
        if status != "200" {
            return Err(failed(format!("{status}: {}", String::from_utf8_lossy(body))));
        }
        #[derive(serde::Deserialize)]
        struct Answer {
            summary: MemberSummary,
        }
        let answer: Answer = serde_json::from_slice(body).map_err(|error| failed(error.to_string()))?;
        Ok(answer.summary)
    }
}
