//! A class in which everything happens that the list is for.

use super::super::gym::Gym;
use super::super::recordings::golden_profile;
use super::super::{Ctx, Outcome};
use super::{RIDERS as OTHERS, desk};
use crate::Result;
use fitconnect_loadtest::follow::Follower;
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::rider::{Begin, End, Order, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::class::{AttentionItem, AttentionKind, PlanAction, Segment, SegmentKind, Target};
use fitconnect_protocol::user::{Consent, ShowAs};
use std::sync::Arc;
use std::time::Duration;

pub const RIDERS: usize = 20;
/// Real time within which something must be on the list, and off it.
const WITHIN: Duration = Duration::from_secs(40);

/// What was found of one kind.
pub struct Found {
    kind: AttentionKind,
    raised: bool,
    acknowledged: bool,
    cleared: bool,
}

pub async fn run(ctx: &Ctx, gym: &Gym) -> Result<Vec<Found>> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    // 70–80 % of 190 are 133–152 bpm.
    let target = Some(Target::Percent { lo: 70, hi: 80 });
    let plan = vec![Segment { kind: SegmentKind::Work, duration_s: 3 * 3_600, target, cue: None }];
    let class = trainer.create(&class_now(&trainer.client, "Script", RIDERS, plan)).await?;
    trainer.lobby(class).await?;
    let (_desk, mut follower) = desk(gym, class).await?;
    let people = shipped_people();
    let mut riders = Vec::new();
    for (account, number) in gym.accounts.members(OTHERS + RIDERS)?[OTHERS..].iter().zip(0_u64..) {
        let mut options = RiderOptions::new(&server, account, class, people[0].clone(), ctx.seed + 7_000 + number);
        options.profile = Some(golden_profile(None));
        options.consent = Some(Consent { share_with_trainer: true, show_on_board: ShowAs::Name, ..Consent::default() });
        (options.begin, options.end, options.board) = (Begin::WithPlan, End::Again, false);
        let mut rider = Rider::start(options, Arc::new(Tally::default()));
        rider.reached(Stage::Joined).await?;
        rider.order(Order::Measure(Some(140))).await;
        riders.push(rider);
    }
    trainer.plan(class, PlanAction::Start).await?;
    // Everybody is inside the target for five minutes of class time.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let mut found = Vec::new();
    let all = |from: usize, to: usize| &riders[from..to];

    riders[0].order(Order::Sos(true)).await;
    found.push(seen(&trainer, class, &mut follower, AttentionKind::Sos, &[0], &riders).await?);
    riders[1].order(Order::Measure(Some(95))).await;
    found.push(seen(&trainer, class, &mut follower, AttentionKind::Fell, &[1], &riders).await?);
    riders[2].order(Order::Measure(Some(185))).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    riders[2].order(Order::Silent(true)).await;
    found.push(seen(&trainer, class, &mut follower, AttentionKind::LostHigh, &[2], &riders).await?);
    riders[3].order(Order::Measure(Some(196))).await;
    found.push(seen(&trainer, class, &mut follower, AttentionKind::OverMax, &[3], &riders).await?);
    riders[4].order(Order::Measure(Some(182))).await;
    found.push(seen(&trainer, class, &mut follower, AttentionKind::High, &[4], &riders).await?);
    riders[5].order(Order::Silent(true)).await;
    found.push(seen(&trainer, class, &mut follower, AttentionKind::SensorLost, &[5], &riders).await?);
    for rider in all(6, 12) {
        rider.order(Order::Silent(true)).await;
    }
    found
        .push(seen(&trainer, class, &mut follower, AttentionKind::ReceiverLost, &[6, 7, 8, 9, 10, 11], &riders).await?);
    riders[12].order(Order::Measure(Some(165))).await;
    found.push(seen(&trainer, class, &mut follower, AttentionKind::OutOfTarget, &[12], &riders).await?);
    for rider in all(6, 16) {
        rider.order(Order::Measure(Some(110))).await;
    }
    let many: Vec<usize> = (6..16).collect();
    found.push(seen(&trainer, class, &mut follower, AttentionKind::ManyOutOfTarget, &many, &riders).await?);
    Ok(found)
}

/// Waits for an item of this kind, acknowledges it, makes its cause go, and waits until it has gone.
async fn seen(
    trainer: &Trainer,
    class: fitconnect_protocol::ClassId,
    follower: &mut Follower,
    kind: AttentionKind,
    who: &[usize],
    riders: &[Rider],
) -> Result<Found> {
    let mut found = Found { kind, raised: false, acknowledged: false, cleared: false };
    let item = |items: &[AttentionItem]| items.iter().find(|item| item.kind == kind).cloned();
    let raised = follower.until(|seen| item(&seen.attention.items).is_some());
    found.raised = tokio::time::timeout(WITHIN, raised).await.is_ok();
    let Some(shown) = follower.with(|seen| item(&seen.attention.items)) else { return Ok(found) };
    trainer.acknowledge(class, shown.item).await?;
    let marked = follower.until(|seen| item(&seen.attention.items).is_none_or(|item| item.acknowledged_by.is_some()));
    found.acknowledged = tokio::time::timeout(WITHIN, marked).await.is_ok();
    for rider in who.iter().map(|number| &riders[*number]) {
        rider.order(Order::Sos(false)).await;
        rider.order(Order::Silent(false)).await;
        rider.order(Order::Measure(Some(140))).await;
    }
    let gone = follower.until(|seen| item(&seen.attention.items).is_none());
    found.cleared = tokio::time::timeout(WITHIN, gone).await.is_ok();
    Ok(found)
}

pub fn judge(found: Vec<Found>, outcome: &mut Outcome) {
    for Found { kind, raised, acknowledged, cleared } in found {
        let word = |done: bool, word: &str| if done { word.to_owned() } else { format!("NOT {word}") };
        let words = [word(raised, "raised"), word(acknowledged, "acknowledged"), word(cleared, "cleared")].join(", ");
        let what = format!("rank {}: {kind:?}", kind.rank());
        outcome.must(&what, words, "raised, acknowledged, cleared", raised && acknowledged && cleared);
    }
}
