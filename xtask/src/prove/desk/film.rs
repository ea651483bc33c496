//! Looking back, on the desk and on the hall's screen: a film must show what is stored of its moments, and end in what is now.

use super::super::Outcome;
use super::super::browser::{Browser, ok};
use super::super::gym::Gym;
use super::{said, slot};
use crate::Result;
use fitconnect_loadtest::rider::Rider;
use fitconnect_protocol::ClassId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The scale says the moment to a second, and a tick shows what had come until then.
const AROUND_MS: std::ops::RangeInclusive<i64> = -3_000..=1_500;
/// At sixteen times the speed of life, of four seconds.
const REPLAYED_MS: u64 = 40_000;

#[derive(Deserialize)]
struct Row {
    source: u64,
    at: i64,
    bpm: u16,
}

/// What a page showed of one moment.
#[derive(Deserialize)]
struct Moment {
    /// Since the plan's beginning, class time.
    at_ms: i64,
    /// By place: the heart rate on the tile.
    tiles: BTreeMap<u16, u16>,
}

pub async fn look_back(
    gym: &Gym,
    class: ClassId,
    browser: &mut Browser,
    riders: &[Rider],
    outcome: &mut Outcome,
) -> Result<()> {
    let step = browser.ask(&json!({ "do": "film" }))?;
    outcome.must("the desk looks back, stands still, goes to an alarm", said(&step, "alarm"), "says which", ok(&step));
    let moments: Vec<Moment> = serde_json::from_value(step["moments"].clone()).unwrap_or_default();
    let wrong = differing(gym, class, riders, &moments).await?;
    let tiles: usize = moments.iter().map(|moment| moment.tiles.len()).sum();
    outcome.must(
        "heart rates of the past on its tiles, each as it is stored",
        format!("{} of {tiles}, {} moments", tiles - wrong.len(), moments.len()),
        "all",
        wrong.is_empty() && tiles >= riders.len() && moments.len() == 3,
    );
    let now = step["now"].as_object().map_or(0, serde_json::Map::len);
    outcome.must("tiles with a heart rate, back in what is now", now, "all but the lost", now + 1 >= riders.len());
    let unlike = step["unlike"].as_u64().unwrap_or(0) as usize;
    outcome.must("of the past ones unlike what is now", unlike, "some, not all", (1..tiles).contains(&unlike));
    outcome.must(
        "back to now",
        format!("{} ms", step["now_ms"]),
        "≤ 1 s",
        step["now_ms"].as_u64() <= Some(1_000) && ok(&step),
    );
    let tv = browser.ask(&json!({ "do": "film_tv" }))?;
    outcome.must("the hall's screen steps back twice, and to now", said(&tv, "behind"), "a minute, then now", ok(&tv));
    Ok(())
}

/// A class that is over, whole and fast.
pub fn replay(browser: &mut Browser, outcome: &mut Outcome) -> Result<()> {
    let step = browser.ask(&json!({ "do": "replay" }))?;
    let moved = step["moved_ms"].as_u64();
    outcome.must(
        "a class that is over runs again from its start, at 16 ×",
        format!("{} ms of it in {} ms", step["moved_ms"], step["ms"]),
        "≥ 10 ×",
        ok(&step) && moved >= Some(REPLAYED_MS),
    );
    Ok(())
}

/// Tiles that show another heart rate than is stored of their rider about then.
async fn differing(gym: &Gym, class: ClassId, riders: &[Rider], moments: &[Moment]) -> Result<Vec<String>> {
    let server = gym.address()?;
    let token = gym.accounts.trainer()?.token(&server).await?;
    let rows = server.text_as(&format!("/v1/classes/{class}/samples"), Some(&token)).await?;
    let rows: Vec<Row> = rows.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    let changes = server.text_as(&format!("/v1/classes/{class}/changes"), Some(&token)).await?;
    let changes: Vec<Value> = changes.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    let begins = changes.iter().find_map(|change| change["what"]["Moved"]["at"].as_i64()).ok_or("no plan was run")?;
    let mut sources = BTreeMap::new();
    for rider in riders {
        sources.insert(slot(rider)?, rider.source.get());
    }
    let mut wrong = Vec::new();
    for Moment { at_ms, tiles } in moments {
        let at = begins + at_ms;
        for (slot, bpm) in tiles {
            let own = rows.iter().filter(|row| sources.get(slot) == Some(&row.source));
            let about: Vec<u16> = own.filter(|row| AROUND_MS.contains(&(row.at - at))).map(|row| row.bpm).collect();
            if !about.contains(bpm) {
                wrong.push(format!("{at_ms}: place {slot} shows {bpm}, stored {about:?}"));
            }
        }
    }
    if !wrong.is_empty() {
        eprintln!("{}", wrong.join("\n"));
    }
    Ok(wrong)
}
