//! The end of a run: what must have come before it may end, and what must then be so.

use crate::client::GYM;
use crate::store::SimStore;
use crate::talk;
use crate::truth::Truth;
use crate::world::World;
use fitconnect_actors::House;
use fitconnect_actors::reply::ReplyTo;
use fitconnect_actors::stats::Kind;
use fitconnect_domain::class::by_hand::ByHand;
use fitconnect_domain::class::rider::Who;
use fitconnect_domain::class::{Caller, Change, Input, StoredSample, What};
use fitconnect_domain::{ActorKey, Millis, user};
use fitconnect_protocol::class::{ClassCommand, MemberSummary};
use fitconnect_protocol::session::{Request, Topic};
use fitconnect_protocol::user::Consent;
use fitconnect_protocol::{ClassId, SessionId, Slot, Uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is still to come.
pub fn lacks(world: &World) -> Vec<String> {
    let mut lacks: Vec<String> = world.clients.iter().flat_map(|client| client.lacks()).collect();
    for class in 0..world.run.classes.len() {
        if !Truth::of(&world.run, class).settled {
            lacks.push(format!("class {class} has not settled"));
        }
    }
    for letter in world.run.store.letters_waiting() {
        lacks.push(format!("a letter waits: {:?}", letter.id));
    }
    lacks
}

/// What is not as it must be.
pub fn wrong(world: &World, house: &Arc<House>) -> Vec<String> {
    let mut wrong = lacks(world);
    for class in 0..world.run.classes.len() {
        commands_once(world, class, &mut wrong);
        summaries_are_the_fold(world, class, &mut wrong);
        summaries_arrived(world, class, &mut wrong);
        consents_arrived(world, class, &mut wrong);
    }
    persons_once(world, &mut wrong);
    wrong.extend(talk::wrong(world));
    world.clients.iter().for_each(|client| talk::marks(&world.run, client, &mut wrong));
    nothing_leaks(world, house, &mut wrong);
    wrong
}

/// What can be told from everything else is stored once where it was accepted, and not at all where it was refused.
fn commands_once(world: &World, class: usize, wrong: &mut Vec<String>) {
    let id = world.run.classes[class].id;
    let mut stored: BTreeMap<String, u32> = BTreeMap::new();
    world.run.store.changes(id, |changes| {
        for change in changes {
            let name = match &change.what {
                What::Cued { text, .. } => text.clone(),
                What::Joined(joined) => match joined.who {
                    Who::Guest => joined.name.clone(),
                    Who::User(user) => format!("{user}"),
                },
                What::Moved(each) => format!("move {}", each.id),
                What::Undone { id } => format!("undo {id}"),
                What::Booted { receiver, boot, .. } => format!("boot {receiver} {boot}"),
                _ => continue,
            };
            *stored.entry(name).or_default() += 1;
        }
    });
    wrong.extend(stored.iter().filter(|(_, n)| **n > 1).map(|(name, n)| format!("{name} is stored {n} times")));
    for command in world.clients.iter().flat_map(|client| &client.commands.list) {
        let Request::Class { class: of, act, .. } = &command.request else { continue };
        let name = match act {
            ClassCommand::Cue { text, .. } => text.clone(),
            ClassCommand::Admit { guest: Some(name), .. } => name.clone(),
            _ => continue,
        };
        let happened = stored.contains_key(&name);
        if *of == id && happened != command.answer.is_some() {
            wrong.push(format!("{name}: answered {:?}, stored {happened}", command.answer));
        }
    }
}

fn persons_once(world: &World, wrong: &mut Vec<String>) {
    for client in &world.clients {
        let mut weights = BTreeSet::new();
        world.run.store.person_changes(client.user, |changes| {
            for change in changes {
                let user::Change::Measured { by: Some(_), profile } = change else { continue };
                if !weights.insert(profile.weight_kg.map(f64::to_bits)) {
                    wrong.push(format!("{}: a weight is stored twice", client.name));
                }
            }
        });
    }
}

fn newest(changes: &[Change]) -> BTreeMap<Slot, MemberSummary> {
    let summaries = changes.iter().filter_map(|change| match &change.what {
        What::Summarised { slot, summary } => Some((*slot, (**summary).clone())),
        _ => None,
    });
    summaries.collect()
}

/// The last summary of each is what anybody computes anew from the stored samples.
fn summaries_are_the_fold(world: &World, class: usize, wrong: &mut Vec<String>) {
    let id = world.run.classes[class].id;
    let changes: Vec<Change> = world.run.store.changes(id, <[Change]>::to_vec);
    let samples: Vec<StoredSample> = world.run.log.samples_of(id, |stored| stored.values().cloned().collect());
    let told = newest(&changes);
    let computed = newest(&settle_anew(id, &changes, samples, world.now()));
    if told.len() != computed.len() {
        wrong.push(format!("class {class}: {} summaries, {} people", told.len(), computed.len()));
    }
    for (slot, computed) in computed {
        let Some(told) = told.get(&slot) else { continue };
        let same = |summary: &MemberSummary| {
            let mut same = summary.clone();
            // What is not believed is not stored; ranks are those of the first settlement.
            (same.version, same.rank, same.provenance.dropped) = (0, None, 0);
            same
        };
        if same(told) != same(&computed) {
            wrong.push(format!("class {class}, place {slot}: told {told:?}\nthe stored samples say {computed:?}"));
        }
    }
}

fn settle_anew(id: ClassId, changes: &[Change], samples: Vec<StoredSample>, now: Millis) -> Vec<Change> {
    let before = |change: &&Change| !matches!(change.what, What::Summarised { .. } | What::Settled(_));
    let mut host = ByHand::new(id, now);
    host.changes = changes.iter().filter(before).cloned().collect();
    host.samples = samples;
    host.ticks = false;
    host.restart();
    host.send(Input::Wake);
    host.advance(10);
    host.changes
}

/// Each version of each summary has reached its member, once.
fn summaries_arrived(world: &World, class: usize, wrong: &mut Vec<String>) {
    let id = world.run.classes[class].id;
    let changes: Vec<Change> = world.run.store.changes(id, <[Change]>::to_vec);
    for client in &world.clients {
        let slot = changes.iter().find_map(|change| match &change.what {
            What::Joined(joined) if joined.who == Who::User(client.user) => Some(joined.slot),
            _ => None,
        });
        let mut sent: Vec<u32> = changes
            .iter()
            .filter_map(|change| match &change.what {
                What::Summarised { slot: of, summary } if Some(*of) == slot => Some(summary.version),
                _ => None,
            })
            .collect();
        let mut got: Vec<u32> = world.run.store.person_changes(client.user, |changes| {
            let summaries = changes.iter().filter_map(|change| match change {
                user::Change::Summarised { summary } if summary.class == id => Some(summary.version),
                _ => None,
            });
            summaries.collect()
        });
        sent.sort_unstable();
        got.sort_unstable();
        if sent != got {
            wrong.push(format!("{}: the class wrote summaries {sent:?}, {got:?} arrived", client.name));
        }
    }
}

/// What a person shared last while the class knew of them is what the class shows.
fn consents_arrived(world: &World, class: usize, wrong: &mut Vec<String>) {
    let id = world.run.classes[class].id;
    let changes: Vec<Change> = world.run.store.changes(id, <[Change]>::to_vec);
    for client in &world.clients {
        let mut shown: Option<Consent> = None;
        let mut slot = None;
        for change in &changes {
            match &change.what {
                What::Joined(joined) if joined.who == Who::User(client.user) => {
                    (slot, shown) = (Some(joined.slot), Some(joined.consent));
                }
                What::Shared { slot: of, consent, .. } if Some(*of) == slot => shown = Some(*consent),
                _ => {}
            }
        }
        let Some(shown) = shown else { continue };
        let mut inside = false;
        let mut shared: Option<Consent> = None;
        let mut meant: Option<Consent> = None;
        world.run.store.person_changes(client.user, |changes| {
            for change in changes {
                match change {
                    user::Change::Consented { consent, .. } => {
                        shared = Some(*consent);
                        if inside {
                            meant = Some(*consent);
                        }
                    }
                    user::Change::InClass { class } if *class == id => {
                        inside = true;
                        meant = shared.or(meant);
                    }
                    user::Change::LeftClass { class } if *class == id => inside = false,
                    // From here on the class is told nothing any more.
                    user::Change::Summarised { summary } if summary.class == id => inside = false,
                    _ => {}
                }
            }
        });
        if let Some(meant) = meant
            && meant != shown
        {
            let told = changes.iter().filter(|change| matches!(&change.what, What::Shared { slot: of, .. } | What::Left { slot: of } | What::Returned { slot: of } if Some(*of) == slot));
            let told: Vec<String> = told.map(|change| format!("{change:?}")).collect();
            let own = world.run.store.person_changes(client.user, |changes| {
                let no_summaries = changes.iter().filter(|change| {
                    !matches!(change, user::Change::Measured { .. } | user::Change::Summarised { .. })
                });
                no_summaries.map(|change| format!("{change:?}")).collect::<Vec<_>>()
            });
            wrong.push(format!(
                "{} shares {meant:?}, class {class} shows {shown:?}\nthe class was told\n{}\nthe person said\n{}",
                client.name,
                told.join("\n"),
                own.join("\n")
            ));
        }
    }
}

/// Gauges come back to what is there.
fn nothing_leaks(world: &World, house: &Arc<House>, wrong: &mut Vec<String>) {
    let connected = world.clients.iter().filter(|client| client.is_up()).count();
    let sessions = house.stats.of(Kind::Session).alive.load(Ordering::Relaxed);
    if sessions != connected as i64 {
        wrong.push(format!("{sessions} sessions live, {connected} clients are connected"));
    }
    for (kind, waiting) in Kind::ALL.into_iter().zip(world.in_mailboxes) {
        if waiting != 0 {
            wrong.push(format!("{waiting} messages are counted in {} mailboxes", kind.as_str()));
        }
        let broken = house.stats.of(kind).broken.load(Ordering::Relaxed);
        if broken != 0 {
            wrong.push(format!("{broken} actors of kind {} are parked", kind.as_str()));
        }
    }
    if house.hub.sizes().0 != connected {
        wrong.push(format!("the hub holds {} sockets, {connected} clients are connected", house.hub.sizes().0));
    }
}

/// What is still there when everybody has gone.
pub fn left(house: &Arc<House>) -> Vec<String> {
    let sessions = house.stats.of(Kind::Session).alive.load(Ordering::Relaxed);
    let sockets = house.hub.sizes().0;
    let gone = sessions == 0 && sockets == 0;
    if gone {
        Vec::new()
    } else {
        vec![format!("everybody has gone, {sessions} sessions and {sockets} sockets are left")]
    }
}

/// An actor that was touched, and how often it had been loaded until then.
pub struct Touched {
    key: ActorKey,
    loads: u64,
}

impl Touched {
    /// It was awake though there was nothing to do.
    pub fn awake(&self, store: &SimStore) -> Option<String> {
        (store.loads(self.key) == self.loads).then(|| format!("{} does not sleep", self.key))
    }
}

/// Says something without meaning to every actor of which something is stored.
pub fn touch(world: &World, house: &Arc<House>) -> Vec<Touched> {
    let store = &world.run.store;
    let touched = |key| Touched { key, loads: store.loads(key) };
    let mut all = Vec::new();
    for class in &world.run.classes {
        all.push(touched(ActorKey::Class(class.id)));
        let (session, topic) = (SessionId(Uuid::nil()), Topic::Class(class.id));
        house.to_class(class.id, Input::Unsubscribe { session, topic }, ReplyTo::Nobody);
    }
    let (key, input) = talk::touch(&world.run);
    all.push(touched(key));
    house.to_room(world.run.room, input, ReplyTo::Nobody);
    for client in &world.clients {
        all.push(touched(ActorKey::User(client.user)));
        let (user, role) = (client.user, client.role);
        let by = Caller { user, gym: GYM, role, session: SessionId(Uuid::nil()), hall: None, name: String::new() };
        let subscribe = user::Input::Subscribe { by: Arc::new(by), position: None };
        house.to_user(user, subscribe, ReplyTo::Nobody);
    }
    all
}
