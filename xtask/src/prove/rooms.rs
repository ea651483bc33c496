//! What the proofs of rooms share: a room with people in it, and what is stored of it, event by event.

use super::gym::Gym;
use crate::Result;
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::client::{Arrived, Client, Options, Push, Pushes};
use fitconnect_loadtest::http::Server;
use fitconnect_protocol::RoomId;
use fitconnect_protocol::room::{JoinRule, RoomCommand, RoomEvent, RoomKind};
use fitconnect_protocol::session::{Event, Position, Request, Topic};
use std::time::Duration;

/// A whole room must be told within this time after the last event that came of it.
const SILENT_MAX: Duration = Duration::from_secs(60);

pub async fn dial(address: &Server, account: &Account) -> Result<(Client, Pushes)> {
    let token = account.token(address).await?;
    Ok(Client::connect(Options::new(address, token)).await?)
}

/// A team's room, open to all of the gym.
pub async fn room(owner: &Client) -> Result<RoomId> {
    let cmd = owner.cmd();
    let act = RoomCommand::Create { kind: RoomKind::Team, name: "Proof".into(), join: JoinRule::Open, members: vec![] };
    owner.command(Request::Room { room: RoomId(cmd.0), cmd, act }).await?;
    Ok(RoomId(cmd.0))
}

pub fn post(room: RoomId, client: &Client, text: String) -> Request {
    Request::Room { room, cmd: client.cmd(), act: RoomCommand::say(text) }
}

/// Everything that ever happened in the room, from its first number on, as a reader gets it who has nothing. An error where a number is
/// missing, doubled or out of order.
pub async fn whole(gym: &Gym, account: &Account, room: RoomId) -> Result<Vec<RoomEvent>> {
    let topic = Topic::Room(room);
    let (client, mut pushes) = dial(&gym.address()?, account).await?;
    let epoch = client.subscribe(topic).await?.epoch;
    client.unsubscribe(topic).await?;
    let told = client.subscribe_from(topic, Some(Position { epoch, offset: 0 })).await?;
    if !told.recovered {
        return Err(format!("a room's own epoch is not taken: {:?}", told.reason).into());
    }
    let mut all: Vec<RoomEvent> = Vec::new();
    while (all.len() as u64) < told.offset {
        let arrived = tokio::time::timeout(SILENT_MAX, pushes.recv()).await;
        let Arrived { push, .. } = arrived.map_err(|_| "a room was not told to its end")?.ok_or("the link ended")?;
        let Push::Event { offset, event: Event::Room(event), .. } = push else { continue };
        if offset != all.len() as u64 + 1 {
            return Err(format!("number {offset} after {}", all.len()).into());
        }
        all.push(event);
    }
    Ok(all)
}
