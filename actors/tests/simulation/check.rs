//! What a client sees, held against what is stored: nothing is told before it is there.

use crate::commands::Command;
use crate::topics::Checked;
use crate::world::Run;
use fitconnect_domain::ActorKey;
use fitconnect_domain::class::rider::Who;
use fitconnect_domain::class::{Change, Stage, What};
use fitconnect_domain::user;
use fitconnect_protocol::class::{ClassCommand, ClassEvent, ClassSnapshot, Phase};
use fitconnect_protocol::session::{Event, Request, Response, Snapshot, Subscribed, Topic};
use fitconnect_protocol::user::{Hidden, UserEvent};
use fitconnect_protocol::{ClassId, Slot, UserId};

fn stored(run: &Run, class: ClassId, what: &str, is: impl Fn(&What) -> bool) -> Checked {
    let found = run.store.changes(class, |changes| changes.iter().any(|change| is(&change.what)));
    if found { Ok(()) } else { Err(format!("{what} was told and is not stored")) }
}

/// An accepted command's answer.
pub fn answer(run: &Run, user: UserId, command: &Command, told: &Response) -> Checked {
    if command.kept {
        let known = run.store.answer_of(command.to, user, command.cmd);
        let same = known.as_ref() == Some(told);
        return if same {
            Ok(())
        } else {
            Err(format!("{told:?} was told to {:?}, stored is {known:?}", command.request))
        };
    }
    let ActorKey::Class(class) = command.to else { return Ok(()) };
    match (told, &command.request) {
        (Response::Joined { slot }, _) => stored(run, class, "a place", |what| is_joined(what, *slot, Some(user))),
        (Response::Booted { offset }, Request::Class { act: ClassCommand::Boot { receiver, boot, .. }, .. }) => {
            let known = |what: &What| matches!(what, What::Booted { receiver: r, boot: b, offset: o } if (r, b, o) == (receiver, boot, offset));
            stored(run, class, "a receiver's offset", known)
        }
        (Response::Done, _) => Ok(()),
        (other, request) => Err(format!("{request:?} was answered with {other:?}")),
    }
}

fn is_joined(what: &What, slot: Slot, user: Option<UserId>) -> bool {
    let What::Joined(joined) = what else { return false };
    joined.slot == slot && user.is_none_or(|user| joined.who == Who::User(user))
}

/// An event of a topic.
pub fn event(run: &Run, topic: Topic, user: UserId, event: &Event) -> Checked {
    match (topic, event) {
        (Topic::Class(class) | Topic::Board(class) | Topic::Desk(class), Event::Class(event)) => {
            class_event(run, class, event)
        }
        (Topic::Me, Event::User(event)) => user_event(run, user, event),
        (topic, event) => Err(format!("{topic} told {event:?}")),
    }
}

fn class_event(run: &Run, class: ClassId, event: &ClassEvent) -> Checked {
    match event {
        ClassEvent::Phase { phase, .. } => {
            let staged = |stage: Stage| move |what: &What| matches!(what, What::Staged { stage: s, .. } if *s == stage);
            match phase {
                Phase::Scheduled | Phase::Live | Phase::Paused => Err(format!("{phase:?} is no stage")),
                Phase::Open => stored(run, class, "open", staged(Stage::Open)),
                Phase::Lobby => stored(run, class, "the lobby", staged(Stage::Running)),
                Phase::Cooling => stored(run, class, "cooling", |what| matches!(what, What::Cooled)),
                Phase::Finished => stored(run, class, "the finish", staged(Stage::Finished)),
                Phase::Settled => stored(run, class, "the settlement", |what| matches!(what, What::Settled(_))),
                Phase::Cancelled => stored(run, class, "a cancellation", staged(Stage::Cancelled)),
                Phase::Aborted => stored(run, class, "an abort", staged(Stage::Aborted)),
            }
        }
        ClassEvent::Plan { id, undone: true, .. } => {
            stored(run, class, "an undo", |what| matches!(what, What::Undone { id: undone } if undone == id))
        }
        ClassEvent::Plan { id, action, at, .. } => {
            let is = |what: &What| matches!(what, What::Moved(each) if (each.id, each.action, each.at) == (*id, *action, *at));
            stored(run, class, "a move of the plan", is)
        }
        ClassEvent::Roster { entries } => entries
            .iter()
            .try_for_each(|entry| stored(run, class, "a person", |what| is_joined(what, entry.slot, None))),
        ClassEvent::Gone { slots } => {
            slots.iter().try_for_each(|slot| stored(run, class, "a person", |what| is_joined(what, *slot, None)))
        }
        ClassEvent::Cue { text } => {
            stored(run, class, "a cue", |what| matches!(what, What::Cued { text: cue, .. } if cue == text))
        }
        ClassEvent::Staff(view) => match &view.driver {
            Some(driver) => stored(
                run,
                class,
                "who drives",
                |what| matches!(what, What::Driven { driver: Some(known) } if known == driver),
            ),
            None => Ok(()),
        },
        ClassEvent::Whisper(view) => stored(
            run,
            class,
            "private words",
            |what| matches!(what, What::Cued { text, to: Some(slot), .. } if (text, *slot) == (&view.text, view.slot)),
        ),
        // Somebody has worn each of them, or a hub has heard it.
        ClassEvent::Loose { sensors } => sensors.iter().try_for_each(|each| {
            stored(run, class, "a sensor", |what| match what {
                What::Paired { sensor, .. } => sensor.source == each.source,
                What::Joined(joined) => joined.sensors.iter().any(|sensor| sensor.source == each.source),
                _ => false,
            })
        }),
    }
}

fn user_event(run: &Run, user: UserId, event: &UserEvent) -> Checked {
    let known = match event {
        UserEvent::Summary { summary } => {
            has(run, user, |change| matches!(change, user::Change::Summarised { summary: known } if known == summary))
        }
        UserEvent::Consent { consent } => has(
            run,
            user,
            |change| matches!(change, user::Change::Consented { consent: known, .. } if known == consent),
        ),
        UserEvent::Profile { profile } => {
            has(run, user, |change| matches!(change, user::Change::Measured { profile: known, .. } if known == profile))
        }
        UserEvent::InClass { class: Some(_) } => {
            has(run, user, |change| matches!(change, user::Change::InClass { .. } | user::Change::LeftClass { .. }))
        }
        UserEvent::InClass { class: None } => has(run, user, |change| matches!(change, user::Change::LeftClass { .. })),
        UserEvent::InRoom { room } => {
            has(run, user, |change| matches!(change, user::Change::InRoom { room: known, .. } if *known == room.room))
        }
        UserEvent::LeftRoom { room } => {
            has(run, user, |change| matches!(change, user::Change::LeftRoom { room: known } if known == room))
        }
        UserEvent::Hidden { person: Hidden { user: other, name: Some(_) } } => {
            has(run, user, |change| matches!(change, user::Change::Blocked { user, name: Some(_) } if user == other))
        }
        UserEvent::Hidden { person: Hidden { user: other, name: None } } => {
            has(run, user, |change| matches!(change, user::Change::BlockedBy { user, blocked: true } if user == other))
        }
        UserEvent::Noticed { notice, .. } => {
            has(run, user, |change| matches!(change, user::Change::Noticed { notice: known, .. } if known == notice))
        }
        UserEvent::NoticesRead { numbers } => {
            has(run, user, |change| matches!(change, user::Change::NoticesRead { numbers: known } if known == numbers))
        }
        UserEvent::Unseen { unseen } => {
            has(run, user, |change| matches!(change, user::Change::Unseen { unseen: known } if known == unseen))
        }
        UserEvent::Wanted { topic, wanted } => has(
            run,
            user,
            |change| matches!(change, user::Change::Wanted { topic: t, wanted: w } if (t, w) == (topic, wanted)),
        ),
        UserEvent::Shown { user: other } => has(run, user, |change| match change {
            user::Change::Blocked { user, name: None } | user::Change::BlockedBy { user, blocked: false } => {
                user == other
            }
            _ => false,
        }),
    };
    if known { Ok(()) } else { Err(format!("{event:?} was told and is not stored")) }
}

fn has(run: &Run, user: UserId, is: impl Fn(&user::Change) -> bool) -> bool {
    run.store.person_changes(user, |changes| changes.iter().any(is))
}

/// What one finds when one comes: never ahead of what is stored.
pub fn snapshot(run: &Run, user: UserId, told: &Subscribed) -> Checked {
    match &told.snapshot {
        Some(Snapshot::Class(snapshot)) => class_snapshot(run, user, snapshot),
        Some(Snapshot::Board(board)) => {
            let (Topic::Board(class) | Topic::Desk(class)) = told.topic else {
                return Err(format!("{} told of a board", told.topic));
            };
            let known = |slot| stored(run, class, "a person", |what| is_joined(what, slot, None));
            board.roster.iter().try_for_each(|entry| known(entry.slot))
        }
        Some(Snapshot::User(snapshot)) => {
            let stored = run.store.stored_person(user).ok_or("a person that is not stored")?;
            let first = snapshot.consent == Default::default();
            let same = first
                || snapshot.consent == stored.consent
                || has(
                    run,
                    user,
                    |change| matches!(change, user::Change::Consented { consent, .. } if *consent == snapshot.consent),
                );
            if same { Ok(()) } else { Err("a consent was told and is not stored".into()) }
        }
        Some(Snapshot::Room(_)) | None => Ok(()),
    }
}

fn class_snapshot(run: &Run, user: UserId, snapshot: &ClassSnapshot) -> Checked {
    let class = snapshot.class;
    let version = run.store.changes(class, |changes| {
        let moved = |change: &&Change| matches!(change.what, What::Moved(_) | What::Undone { .. });
        changes.iter().filter(moved).count() as u32
    });
    if snapshot.plan.version > version {
        return Err(format!("plan {} was told, stored is {version}", snapshot.plan.version));
    }
    match snapshot.slot {
        Some(slot) => stored(run, class, "a place", |what| is_joined(what, slot, Some(user))),
        None => Ok(()),
    }
}
