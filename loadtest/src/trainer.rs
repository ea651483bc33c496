//! A trainer: makes classes, opens the lobby, drives the plan. What follows a class and remembers what it showed is `follow`.

use crate::accounts::Account;
use crate::client::{Client, Options, Pushes, unexpected};
use crate::error::LoadError;
use crate::http::Server;
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{ClassCommand, NewClass, PlanAction, Segment, Timestamp};
use fitconnect_protocol::session::Response;
use std::time::Duration;

/// A session with a trainer's rights.
#[derive(Clone)]
pub struct Trainer {
    pub client: Client,
    server: Server,
    token: String,
}

/// A move of the plan at a class time after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub after_ms: i64,
    pub action: PlanAction,
}

impl Trainer {
    pub async fn connect(server: &Server, account: &Account) -> Result<(Trainer, Pushes), LoadError> {
        let token = account.token(server).await?;
        let (client, pushes) = Client::connect(Options::new(server, token.clone())).await?;
        Ok((Trainer { client, server: server.clone(), token }, pushes))
    }

    pub async fn create(&self, class: &NewClass) -> Result<ClassId, LoadError> {
        self.server.create_class(&self.token, class).await
    }

    pub async fn act(&self, class: ClassId, act: ClassCommand) -> Result<Response, LoadError> {
        self.client.class(class, act).await
    }

    pub async fn lobby(&self, class: ClassId) -> Result<(), LoadError> {
        self.act(class, ClassCommand::Lobby).await.map(drop)
    }

    /// Moves the plan now. Gives the move's number and the class time at which it took effect.
    pub async fn plan(&self, class: ClassId, action: PlanAction) -> Result<(u32, Timestamp), LoadError> {
        self.plan_at(class, action, None).await
    }

    pub async fn plan_at(
        &self,
        class: ClassId,
        action: PlanAction,
        at: Option<Timestamp>,
    ) -> Result<(u32, Timestamp), LoadError> {
        match self.act(class, ClassCommand::Plan { action, at }).await? {
            Response::Planned { id, at } => Ok((id, at)),
            other => Err(unexpected("a move of the plan", &other)),
        }
    }

    pub async fn undo(&self, class: ClassId, id: u32) -> Result<(), LoadError> {
        self.act(class, ClassCommand::Undo { id }).await.map(drop)
    }

    pub async fn cue(&self, class: ClassId, text: impl Into<String>) -> Result<(), LoadError> {
        self.act(class, ClassCommand::Cue { text: text.into(), to: None, aim: None }).await.map(drop)
    }

    pub async fn acknowledge(&self, class: ClassId, item: u32) -> Result<(), LoadError> {
        self.act(class, ClassCommand::Acknowledge { item }).await.map(drop)
    }

    /// Starts the plan and makes its moves, each at its class time. Gives what was done and when it took effect.
    pub async fn drive(&self, class: ClassId, steps: &[Step]) -> Result<Vec<(PlanAction, Timestamp)>, LoadError> {
        let (_, started) = self.plan(class, PlanAction::Start).await?;
        let rate = i64::from(self.client.welcome().clock_rate.max(1));
        let mut done = vec![(PlanAction::Start, started)];
        let began = tokio::time::Instant::now();
        for step in steps {
            let due = Duration::from_millis((step.after_ms / rate).max(0) as u64);
            tokio::time::sleep_until(began + due).await;
            let (_, at) = self.plan(class, step.action).await?;
            done.push((step.action, at));
        }
        Ok(done)
    }
}

/// A class that begins now, in the first hall, with room for everybody.
pub fn class_now(client: &Client, name: &str, capacity: usize, plan: Vec<Segment>) -> NewClass {
    NewClass {
        name: name.to_owned(),
        hall: "Hall 1".to_owned(),
        activity: fitconnect_protocol::class::Activity::Ride,
        starts_at_ms: client.clock().now_ms() as i64,
        lobby_min: None,
        capacity: capacity.clamp(1, fitconnect_protocol::limits::RIDERS_MAX) as u16,
        plan,
    }
}
