//! A room that everybody of a run is in.

use super::Common;
use crate::accounts::Account;
use crate::client::{Client, Options as Link};
use crate::error::LoadError;
use crate::progress;
use fitconnect_protocol::RoomId;
use fitconnect_protocol::room::{JoinRule, RoomCommand, RoomKind};
use fitconnect_protocol::session::Request;
use futures_util::{StreamExt, stream};

/// Members that come in at one time.
const JOINING: usize = 32;

/// A room that all are members of, and those who write in it.
pub async fn open(common: &Common, accounts: &[Account], writers: usize) -> Result<(Vec<Client>, RoomId), LoadError> {
    let mut clients = Vec::new();
    for account in accounts.iter().take(writers) {
        clients.push(connect(common, account).await?);
    }
    let id = clients[0].cmd();
    let room = RoomId(id.0);
    let act = RoomCommand::Create { kind: RoomKind::Team, name: "Load".into(), join: JoinRule::Open, members: vec![] };
    clients[0].command(Request::Room { room, cmd: id, act }).await?;
    let bar = progress::bar(accounts.len() as u64, "joining", common.progress);
    let joins = stream::iter(&accounts[1..]).map(|account| async {
        let client = connect(common, account).await?;
        client.room(room, RoomCommand::Join).await
    });
    let mut joins = joins.buffer_unordered(JOINING);
    while let Some(joined) = joins.next().await {
        joined?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    drop(joins);
    Ok((clients, room))
}

/// A session whose pushes nobody wants.
async fn connect(common: &Common, account: &Account) -> Result<Client, LoadError> {
    let token = account.token(&common.server).await?;
    let (client, mut pushes) = Client::connect(Link::new(&common.server, token)).await?;
    tokio::spawn(async move { while pushes.recv().await.is_some() {} });
    Ok(client)
}
