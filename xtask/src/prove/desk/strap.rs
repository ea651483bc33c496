//! A walk-in and a strap from the basket: heard by a receiver of the hall, worn by nobody, handed out in three taps.

use super::super::Outcome;
use super::super::browser::{Browser, ok};
use super::said;
use crate::Result;
use fitconnect_loadtest::trainer::Trainer;
use fitconnect_protocol::class::{ClassCommand, Sensor, SourceKind};
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::{ClassId, ReceiverId, SourceId};
use serde_json::json;

/// As it is printed on the strap.
const NUMBER: u64 = 24_117;
const BPM: u16 = 117;

/// `receiver` speaks for what the hall hears.
pub async fn hand_out(
    receiver: &Trainer,
    class: ClassId,
    browser: &mut Browser,
    name: &str,
    outcome: &mut Outcome,
) -> Result<()> {
    let source = SourceId::new(NUMBER).ok_or("a source")?;
    let sensor = Sensor { source, kind: SourceKind::Strap };
    receiver.act(class, ClassCommand::Pair { sensor, slot: None }).await?;
    let id = ReceiverId::new(NUMBER).ok_or("a receiver")?;
    receiver.client.measure_clock().await?;
    let offset = receiver.client.clock().now_ms() as i64;
    receiver.act(class, ClassCommand::Boot { receiver: id, boot: 1, offset }).await?;
    let step = browser.ask(&json!({ "do": "strap", "name": name, "source": NUMBER }))?;
    outcome.must(
        "a strap that nobody wears is handed to the walk-in: taps",
        said(&step, "taps"),
        "3",
        ok(&step) && step["taps"] == 3,
    );
    for seq in 0..3 {
        let ms = (receiver.client.clock().now_ms() as i64 - offset) as u32;
        let rows = vec![Row { ms, bpm: BPM, ..Row::default() }];
        let sources = vec![SourceRows(source, seq, rows)];
        receiver.client.samples(Samples { class, receiver: id, boot: 1, sources }).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let step = browser.ask(&json!({ "do": "beats", "name": name }))?;
    outcome.must("whose heart is on the wall then", said(&step, "bpm"), "117", step["bpm"] == BPM);
    Ok(())
}
