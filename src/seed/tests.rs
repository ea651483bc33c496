//! Seeding over a real store: once, again, and with people from a file.

use super::*;
use crate::store::{Temporary, sql};
use fitconnect_protocol::user::{HrMaxSource, Sex};
use std::os::unix::fs::MetadataExt;

const NOW: Millis = Millis(1_795_459_200_000);

fn options(members: u32) -> Options {
    Options {
        gym: "Gym West".into(),
        hall: "Hall 1".into(),
        admins: 1,
        trainers: 2,
        members,
        screens: 1,
        hubs: 1,
        seed: 7,
        profiles: Vec::new(),
    }
}

struct Bench {
    folder: Temporary,
    state: sql::sqlite::SqlState,
}

impl Bench {
    async fn new() -> Bench {
        let folder = Temporary::new().expect("a temporary folder");
        let state = sql::sqlite::open(&folder.path().join("state.db")).await.expect("a new store");
        Bench { folder, state }
    }
    async fn seed(&self, options: &Options) -> Vec<Seeded> {
        self.try_seed(options).await.expect("it can be made")
    }
    async fn try_seed(&self, options: &Options) -> Result<Vec<Seeded>, SeedError> {
        seed(&self.state, self.folder.path(), options, NOW).await
    }
}

#[tokio::test]
async fn a_second_run_finds_what_the_first_has_made() {
    let bench = Bench::new().await;
    let first = bench.seed(&options(5)).await;
    let emails: Vec<&str> = first.iter().map(|each| each.email.split('@').next().expect("a name")).collect();
    let expected = [
        "trainer-1",
        "trainer-2",
        "admin-1",
        "screen-1",
        "hub-1",
        "member-1",
        "member-2",
        "member-3",
        "member-4",
        "member-5",
    ];
    assert_eq!(emails, expected);
    assert!(first.iter().all(|each| each.email.ends_with("@gym-west.test")));
    let halls: Vec<_> = first.iter().filter_map(|each| each.hall.as_deref()).collect();
    assert_eq!(halls, ["Hall 1", "Hall 1"], "screen and hub");
    assert_eq!(bench.seed(&options(5)).await, first);

    let more = bench.seed(&options(8)).await;
    assert_eq!(more[..10], first[..]);
    assert_eq!(more.len(), 13);
    assert_eq!(more[12].password, first[0].password, "one password for all");
}

#[tokio::test]
async fn passwords_are_random_hashed_and_kept_for_the_owner_alone() {
    let (one, other) = (Bench::new().await, Bench::new().await);
    let seeded = one.seed(&options(5)).await;
    let password = seeded[0].password.clone().expect("seeded with one");
    assert_ne!(other.seed(&options(5)).await[0].password, Some(password.clone()));
    assert_eq!(password.len(), 14);
    let account = one.state.account(seeded[0].user).await.expect("the store answers").expect("there");
    assert!(account.password.starts_with("$argon2id$") && password::fits(&password, &account.password));
    let file = one.folder.path().join(DEMO_FILE);
    assert_eq!(fs::metadata(&file).expect("written").mode() & 0o777, 0o600);
    let offered: Vec<DemoAccount> = serde_json::from_slice(&fs::read(&file).expect("readable")).expect("JSON");
    assert_eq!(offered.len(), 4 + DEMO_MEMBERS, "no hub");

    fs::remove_file(&file).expect("ours");
    let again = one.seed(&options(5)).await;
    assert!(again.iter().all(|each| each.password.is_none()), "nobody knows it any more");
}

#[tokio::test]
async fn members_could_be_people_and_are_the_same_for_the_same_seed() {
    let (one, other) = (Bench::new().await, Bench::new().await);
    let (first, second) = (one.seed(&options(200)).await, other.seed(&options(200)).await);
    let mut women = 0;
    for (a, b) in first.iter().zip(&second).filter(|(each, _)| each.role == Role::Member) {
        let mine = one.state.person(a.user).await.expect("the store answers").expect("there");
        let theirs = other.state.person(b.user).await.expect("the store answers").expect("there");
        assert_eq!((&mine.name, &mine.profile, mine.consent), (&theirs.name, &theirs.profile, theirs.consent));
        let born = mine.profile.born.as_deref().and_then(fitconnect_domain::time::Date::parse).expect("a day");
        let age = born.age_on(fitconnect_domain::time::Date::at(NOW)).expect("born");
        assert!((18..=65).contains(&age), "{age}");
        assert_eq!(mine.profile.hr_max_source, Some(HrMaxSource::Measured));
        assert!(f64::from(mine.profile.hr_rest.expect("given")) + 60.0 < mine.profile.hr_max.expect("given"));
        women += u32::from(mine.profile.sex == Some(Sex::Female));
    }
    assert!((70..=130).contains(&women), "{women}");
    let names = |options: &Options| people::person(options.seed, Role::Member, 1, NOW).name;
    assert!((0..10).any(|seed| names(&Options { seed, ..options(0) }) != names(&options(0))));
}

#[tokio::test]
async fn people_come_from_a_file() {
    let bench = Bench::new().await;
    let text = "{\"email\":\"Ana@Example.com\",\"name\":\"Ana\",\"profile\":{\"born\":\"1990-05-31\",\"hr_max\":188},\"consent\":{\"show_hr\":true}}\n\n\
                {\"email\":\"tom@example.com\",\"name\":\"Tom\",\"role\":\"trainer\"}";
    let profiles = read_profiles(text).expect("two people");
    let seeded = bench.seed(&Options { profiles, trainers: 0, admins: 0, screens: 0, hubs: 0, ..options(0) }).await;
    assert_eq!(
        seeded.iter().map(|each| (each.email.as_str(), each.role)).collect::<Vec<_>>(),
        [("ana@example.com", Role::Member), ("tom@example.com", Role::Trainer)]
    );
    let ana = bench.state.person(seeded[0].user).await.expect("the store answers").expect("there");
    assert_eq!((ana.profile.hr_max, ana.consent.show_hr), (Some(188.0), true));
}

#[test]
fn a_wrong_line_of_the_file_is_named() {
    let good = "{\"email\":\"a@b\",\"name\":\"A\"}";
    for (line, words) in [
        ("{", "line 2: EOF"),
        ("{\"email\":\"a\",\"name\":\"A\"}", "line 2: \"a\" is no e-mail"),
        ("{\"email\":\"a@b\",\"name\":\" \"}", "line 2: a name has"),
        ("{\"email\":\"a@b\",\"name\":\"A\",\"age\":3}", "unknown field `age`"),
        ("{\"email\":\"a@b\",\"name\":\"A\",\"profile\":{\"born\":\"31.5.1990\"}}", "born: \"31.5.1990\" is no day"),
    ] {
        let said = read_profiles(&format!("{good}\n{line}")).expect_err(line).to_string();
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn an_email_of_another_gym_is_named() {
    let bench = Bench::new().await;
    let line =
        |name: &str| read_profiles(&format!("{{\"email\":\"ana@example.com\",\"name\":\"{name}\"}}")).expect("one");
    bench.seed(&Options { profiles: line("Ana"), ..options(0) }).await;
    let east = Options { gym: "Gym East".into(), profiles: line("Ana"), ..options(0) };
    let error = bench.try_seed(&east).await.expect_err("taken").to_string();
    assert_eq!(error, "ana@example.com has an account in another gym");
}

#[tokio::test]
async fn gyms_in_any_script_have_addresses() {
    let bench = Bench::new().await;
    let seeded = bench.seed(&Options { gym: "Спортзал".into(), ..options(1) }).await;
    let gym = seeded[0].gym.0.simple().to_string();
    assert!(seeded[0].email.ends_with(&format!("@gym-{gym}.test")), "{}", seeded[0].email);
}
