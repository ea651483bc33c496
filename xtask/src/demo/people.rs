//! Who rides in the demo: names, bodies and consents, the same for the same seed. Each one's maximum fits the recording that they
//! ride as, so that they look like people who follow the class.

use fitconnect_loadtest::people::Person;
use fitconnect_loadtest::rider::receiver_of;
use fitconnect_protocol::user::{Consent, HrMaxSource, Profile, Role, Sex, ShowAs};
use std::sync::Arc;

const NAMES: [(&str, Sex); 20] = [
    ("Анна", Sex::Female),
    ("Ivan", Sex::Male),
    ("Мария", Sex::Female),
    ("Lucas", Sex::Male),
    ("Ольга", Sex::Female),
    ("Noah", Sex::Male),
    ("Дарья", Sex::Female),
    ("Сергей", Sex::Male),
    ("Emma", Sex::Female),
    ("Пётр", Sex::Male),
    ("Sofia", Sex::Female),
    ("Тимур", Sex::Male),
    ("Ирина", Sex::Female),
    ("Hugo", Sex::Male),
    ("Елена", Sex::Female),
    ("Максим", Sex::Male),
    ("Клара", Sex::Female),
    ("Андрей", Sex::Male),
    ("Nina", Sex::Female),
    ("Олег", Sex::Male),
];
const INITIALS: [&str; 12] = ["К.", "S.", "В.", "M.", "Л.", "R.", "Д.", "B.", "Н.", "T.", "Г.", "F."];

/// What a rider rides as, and with which maximum.
pub struct Casting {
    pub track: Arc<Person>,
    pub hr_max: f64,
}

/// Rider `number` of this seed. A strap measures every second, though the recording may hold only what changed.
pub fn casting(people: &[Arc<Person>], number: usize, seed: u64) -> Casting {
    let recorded = &people[(number + seed as usize) % people.len()];
    let hr_max = recorded.hr_max(drawn(seed, number, 1));
    let track = Person { name: recorded.name.clone(), rows: recorded.each_second(), length_ms: recorded.length_ms };
    Casting { track: Arc::new(track), hr_max }
}

/// Accounts as `fitconnect seed --profiles` reads them, one JSON object a line: riders, then the trainers.
pub fn profiles(people: &[Arc<Person>], riders: usize, seed: u64) -> String {
    let rider = |number: usize| {
        let (name, sex) = NAMES[number % NAMES.len()];
        let initial = INITIALS[(number / NAMES.len() + number) % INITIALS.len()];
        account(
            &email(number),
            &format!("{name} {initial}"),
            Role::Member,
            profile(people, number, seed, sex),
            consent(number),
        )
    };
    let trainers = [("mira", "Mira"), ("oleg", "Олег")].map(|(email, name)| {
        account(&format!("{email}@demo.example"), name, Role::Trainer, Profile::default(), Consent::default())
    });
    (0..riders).map(rider).chain(trainers).collect()
}

fn email(number: usize) -> String {
    format!("member{:03}@demo.example", number + 1)
}

fn account(email: &str, name: &str, role: Role, profile: Profile, consent: Consent) -> String {
    let line =
        serde_json::json!({ "email": email, "name": name, "role": role, "profile": profile, "consent": consent });
    format!("{line}\n")
}

fn profile(people: &[Arc<Person>], number: usize, seed: u64, sex: Sex) -> Profile {
    let within = |what, from: f64, to: f64| from + (to - from) * drawn(seed, number, what);
    Profile {
        sex: Some(sex),
        born: Some(format!("{}-{:02}-15", within(2, 1970.0, 2004.0) as u16, 1 + number % 12)),
        weight_kg: Some(within(3, 55.0, 95.0).round()),
        hr_rest: Some(within(4, 48.0, 70.0) as u16),
        hr_max: Some(casting(people, number, seed).hr_max),
        hr_max_source: Some(HrMaxSource::Measured),
        hr_max_approved: true,
        ftp_w: Some(within(5, 150.0, 290.0) as u16),
        zones_off: false,
    }
}

/// Most show themselves, every eighth has granted nothing: an alias without a heart rate.
fn consent(number: usize) -> Consent {
    if number % 8 == 7 {
        return Consent::default();
    }
    Consent {
        show_on_board: ShowAs::Name,
        show_hr: true,
        show_calories: true,
        share_with_trainer: true,
        ..Consent::default()
    }
}

/// A number in 0–1 that is the rider's own.
fn drawn(seed: u64, number: usize, what: u64) -> f64 {
    let bits = receiver_of(seed.wrapping_mul(1_000_003).wrapping_add(number as u64 * 16 + what)).get();
    (bits % 10_000) as f64 / 10_000.0
}

#[test]
fn the_same_seed_gives_the_same_people() {
    let people = fitconnect_loadtest::people::shipped_people();
    let (one, again, other) = (profiles(&people, 40, 1), profiles(&people, 40, 1), profiles(&people, 40, 2));
    assert_eq!((one.lines().count(), &one), (42, &again));
    assert_ne!(one, other);
}
