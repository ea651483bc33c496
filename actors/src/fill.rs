//! Brings readers of stored topics up to where the hub's ring begins, page by page, as fast as their lanes take it.

use crate::house::House;
use crate::hub::Channel;
use crate::outbox::Outbox;
use crate::ports::StoreError;
use crate::room;
use fitconnect_protocol::limits::FILL_EVENTS;
use fitconnect_protocol::session::{Event, Topic};
use std::sync::Arc;
use std::time::Duration;

/// A store that does not answer is asked again after this, doubled up to six times.
const AGAIN: Duration = Duration::from_millis(50);

/// Until the reader has all, its lane is full (it asks again when that has drained), or it is gone.
pub async fn fill(house: Arc<House>, channel: Channel, outbox: Arc<Outbox>) {
    let mut failures = 0;
    while let Some(next) = house.hub.next_to_fill(channel, &outbox, house.clock.now().0) {
        match page(&house, channel, next).await {
            Ok(events) => {
                failures = 0;
                house.hub.fill(channel, &outbox, next, events, house.clock.now().0);
            }
            Err(error) => {
                tracing::warn!(topic = %channel.topic, %error, "what a reader missed could not be read");
                tokio::time::sleep(AGAIN * (1 << failures)).await;
                failures = (failures + 1).min(6);
            }
        }
    }
}

async fn page(house: &House, channel: Channel, next: u64) -> Result<Vec<Event>, StoreError> {
    let Topic::Room(id) = channel.topic else { return Ok(Vec::new()) };
    let Ok(_turn) = house.fills.acquire().await else { return Ok(Vec::new()) };
    let found = house.state.room_events(id, next, FILL_EVENTS).await?;
    found.iter().map(|(_, body)| room::event(body).map(Event::Room)).collect()
}
