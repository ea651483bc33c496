//! People who could be: names, body data and consents that follow from a seed, the same on every machine.

use fitconnect_domain::Millis;
use fitconnect_domain::time::Date;
use fitconnect_protocol::user::{Consent, HrMaxSource, Profile, Role, Sex, ShowAs};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub struct Person {
    pub name: String,
    pub profile: Profile,
    pub consent: Consent,
}

const WOMEN: [&str; 24] = [
    "Ana", "Anna", "Clara", "Daria", "Elena", "Emma", "Fatima", "Hana", "Ingrid", "Julia", "Katya", "Laura", "Maria",
    "Mei", "Nadia", "Nina", "Olga", "Polina", "Rosa", "Sara", "Sofia", "Tanya", "Vera", "Yuki",
];
const MEN: [&str; 24] = [
    "Alex", "Anton", "Ben", "Carlos", "Daniel", "Denis", "Emil", "Felix", "Ivan", "Jan", "Kenji", "Leo", "Lukas",
    "Marco", "Max", "Mikhail", "Nikita", "Omar", "Pavel", "Sergei", "Tim", "Tom", "Viktor", "Yusuf",
];
const FAMILIES: [&str; 40] = [
    "Abe", "Andersen", "Bauer", "Becker", "Berg", "Blanc", "Braun", "Castro", "Costa", "Diaz", "Dubois", "Ferrari",
    "Fischer", "Garcia", "Haas", "Horvat", "Ito", "Jansen", "Keller", "Kim", "Klein", "Larsen", "Lee", "Lopez",
    "Marin", "Meyer", "Moreau", "Novak", "Nowak", "Park", "Petit", "Popov", "Rossi", "Sato", "Schmid", "Silva", "Smit",
    "Vogel", "Wagner", "Weber",
];

/// The `number`-th person of this role.
pub fn person(seed: u64, role: Role, number: u32, now: Millis) -> Person {
    let stream = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(number) << 8 ^ role as u64;
    let mut rng = StdRng::seed_from_u64(stream);
    let sex = if rng.random_bool(0.5) { Sex::Female } else { Sex::Male };
    let first = match sex {
        Sex::Female => WOMEN[rng.random_range(0..WOMEN.len())],
        Sex::Male => MEN[rng.random_range(0..MEN.len())],
    };
    let name = format!("{first} {}", FAMILIES[rng.random_range(0..FAMILIES.len())]);
    Person { name, profile: profile(sex, &mut rng, now), consent: consent(&mut rng) }
}

fn profile(sex: Sex, rng: &mut StdRng, now: Millis) -> Profile {
    let today = Date::at(now);
    // Whole years before this one: grown up whatever the day is.
    let age = rng.random_range(19..=64);
    let born = format!("{:04}-{:02}-{:02}", today.year - age, rng.random_range(1..=12), rng.random_range(1..=28));
    let (mean_kg, spread_kg) = match sex {
        Sex::Female => (66.0, 10.0),
        Sex::Male => (82.0, 12.0),
    };
    let weight_kg = (mean_kg + spread_kg * bell(rng)).clamp(45.0, 130.0).round();
    // H. Tanaka et al., "Age-predicted maximal heart rate revisited", J Am Coll Cardiol 37 (2001): 208 - 0.7 × age.
    let hr_max = (208.0 - 0.7 * f64::from(age) + 7.0 * bell(rng)).clamp(150.0, 210.0).round();
    let watts_a_kg = (2.7 + 0.5 * bell(rng)).clamp(1.5, 4.5);
    Profile {
        sex: Some(sex),
        born: Some(born),
        weight_kg: Some(weight_kg),
        hr_rest: Some((61.0 + 7.0 * bell(rng)).clamp(42.0, 80.0).round() as u16),
        hr_max: Some(hr_max),
        hr_max_source: Some(HrMaxSource::Measured),
        ftp_w: rng.random_bool(0.4).then(|| (watts_a_kg * weight_kg).round() as u16),
        ..Profile::default()
    }
}

/// Most show themselves; some are an alias without a heart rate.
fn consent(rng: &mut StdRng) -> Consent {
    let shows = rng.random_bool(0.85);
    Consent {
        show_on_board: if shows { ShowAs::Name } else { ShowAs::Alias },
        show_hr: shows,
        show_calories: shows && rng.random_bool(0.7),
        share_with_trainer: shows || rng.random_bool(0.7),
        ..Consent::default()
    }
}

/// About normal, mean 0, deviation 1: the sum of twelve even numbers less six.
fn bell(rng: &mut StdRng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}
