//! Scenarios: each a story with an end that checks itself, over the same actors, hub and stores as the runs by chance, on simulated
//! time. Here one thing goes wrong, and it is known what must come of it.
//!
//! `FITCONNECT_STRESS_SEEDS=20` plays each under so many seeds, from `FITCONNECT_STRESS_FROM` on; `FITCONNECT_STRESS_ONLY=name` one alone.

mod classes;
mod commands;
mod device;
mod meanwhile;
mod people;
mod resume;
mod rooms;
mod scene;
mod sockets;
mod stores;
pub mod view;

use crate::{number, panics};
use scene::Scene;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

type Scenario = (&'static str, fn(&mut Scene));

macro_rules! scenarios {
    ($($file:ident: $($name:ident)*;)*) => {
        &[$($((stringify!($name), $file::$name as fn(&mut Scene)),)*)*]
    };
}

const SCENARIOS: &[Scenario] = scenarios![
    resume: under_traffic in_the_middle_of_a_resume subscribe_and_give_up subscribed_twice_at_once ring_overrun
        ring_overrun_in_bytes filled_while_all_write ahead_of_the_room epoch_of_another_life over_a_restart too_old_by_number
        too_old_by_age many_topics_in_one_frame after_the_session_was_given_up;
    meanwhile: into_a_room_that_one_has_lost blocked_meanwhile deleted_meanwhile edited_while_it_is_read;
    sockets: slow_reader reads_nothing_at_all stops_and_goes flood malformed_frames token_ends_in_a_resume refreshed_in_time
        kicked goes_away half_open another_s_session mailbox_full;
    commands: doubled held_and_sent_again two_devices_with_the_same_cmd two_people_with_the_same_cmd mismatch restart_between_save_and_answer
        restart_before_the_save again_much_later out_of_time refused_and_then_allowed outboxes_over_bad_lines;
    stores: outage unknown_commits stolen_shard slow_commits store_falls_over room_falls_while_members_return kills clock_jumps
        sleeps_and_wakes parked;
    rooms: reactions_under_lag reacted_to_what_goes typing_flood silence_over_a_restart banned_on_two_devices
        joins_and_leaves_that_cross pins_at_once history_while_all_write edits_that_cross;
    people: both_make_the_room blocks_that_cross read_marks_over_devices letters_to_the_fallen no_ghosts added_while_blocked;
    classes: board_slices viewer_that_draws_nothing class_falls_under_its_viewers epoch_of_a_class_over_a_restart;
];

/// What went wrong, on a thread of its own: nothing of one scenario is left for the next.
fn play((name, scenario): Scenario, seed: u64) -> Option<String> {
    let played = std::thread::spawn(move || {
        panics::watch();
        // No two scenarios see the same chance.
        let mixed = name.bytes().fold(seed, |mixed, byte| mixed.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte));
        let failed = catch_unwind(AssertUnwindSafe(|| scenario(&mut Scene::new(mixed)))).is_err();
        let (_, others) = panics::take();
        (failed || !others.is_empty()).then(|| others.join("\n"))
    });
    played.join().expect("a scenario's panics are caught")
}

#[test]
fn every_scenario_ends_as_it_must() {
    let only = std::env::var("FITCONNECT_STRESS_ONLY").ok();
    let from = number("FITCONNECT_STRESS_FROM").unwrap_or(1);
    let seeds = number("FITCONNECT_STRESS_SEEDS").unwrap_or(1);
    let wanted = |(name, _): &&Scenario| only.as_ref().is_none_or(|only| only == name);
    let plays: Vec<(Scenario, u64)> = (from..from + seeds)
        .flat_map(|seed| SCENARIOS.iter().filter(wanted).map(move |scenario| (*scenario, seed)))
        .collect();
    assert!(!plays.is_empty(), "there is no scenario {only:?}");
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..crate::THREADS {
            scope.spawn(|| {
                while let Some((scenario, seed)) = plays.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let began = std::time::Instant::now();
                    if let Some(why) = play(*scenario, *seed) {
                        println!("\nstress {} failed under seed {seed}:\n{why}", scenario.0);
                        println!("replay: cargo xtask prove stress --seed {seed} --only {}\n", scenario.0);
                        failed.lock().expect("no play panicked").push((scenario.0, *seed));
                    }
                    println!("played {} {seed} {}", scenario.0, began.elapsed().as_millis());
                }
            });
        }
    });
    println!("stress scenarios {}", SCENARIOS.iter().filter(wanted).count());
    println!("stress plays {}", plays.len());
    let failed = failed.into_inner().expect("no play panicked");
    println!("stress failed {}", failed.len());
    assert!(failed.is_empty(), "scenarios that failed: {failed:?}");
}
