//! Proof `desk`: the trainer's desk in a real browser, beside the hall's screen and a member's phone, with forty riders from recordings.
//! Every control is seen on all three at once; the tab may die; every rank of the list is raised, ranked, acknowledged and cleared.

mod controls;
mod film;
mod list;
mod strap;

use super::{Ctx, Outcome, browser};
use crate::Result;
use fitconnect_loadtest::rider::Rider;
use serde_json::Value;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    if let Some(skipped) = browser::missing()? {
        return Ok(skipped);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let apart = controls::run(ctx, &runtime, &mut outcome)?;
    list::run(ctx, &runtime, &mut outcome)?;
    outcome.figure(format!("every control on three screens within {apart:.0} ms, six ranks answered"));
    Ok(outcome)
}

fn slot(rider: &Rider) -> Result<u16> {
    Ok(rider.status.borrow().slot.ok_or("a rider without a place")?)
}

/// The part of an answer that says something, or the error in its place.
fn said(step: &Value, part: &str) -> String {
    step["error"].as_str().map_or_else(|| step[part].to_string(), str::to_owned)
}
