//! A probe of a calm house: something new is said on every topic, and everybody who follows must hear it.

use crate::client::Client;
use crate::talk;
use crate::truth::Truth;
use crate::world::{Run, World};
use fitconnect_domain::Millis;
use fitconnect_protocol::session::Topic;
use fitconnect_protocol::user::{Role, UserCommand};
use fitconnect_protocol::{ClassId, CmdId, Slot};

/// A board that is shown has a tick at least so often.
const TICK_WITHIN_MS: u64 = 2_500;

pub struct Probe {
    since: Millis,
    /// Who followed what when the probe began.
    followed: Vec<(usize, Topic)>,
    /// Classes that had a board when the probe began: one that opens its lobby meanwhile has not ticked yet.
    boards: Vec<usize>,
    /// Words that the trainer said in each class.
    cues: Vec<(ClassId, String)>,
    /// A person whose line on desk and board has changed.
    changed: Option<(ClassId, Slot)>,
    /// What a person weighs from now on.
    weights: Vec<(usize, f64)>,
    ticks: bool,
    /// Words in the room.
    words: Option<CmdId>,
}

impl Probe {
    /// In the middle of a run.
    pub fn begin(world: &mut World) -> Probe {
        let mut probe = Probe { ticks: true, ..Probe::begin_at_the_end(world) };
        let candidates: Vec<usize> = world
            .clients
            .iter()
            .filter(|client| client.is_up() && client.slot.is_some())
            .map(|client| client.index)
            .collect();
        for index in candidates {
            let client = &world.clients[index];
            let class = world.run.classes[client.class].id;
            let Some(stored) = world.run.store.stored_person(client.user) else { continue };
            // One change of mind at a time, by one whom the class has told that it knows him.
            if !stored.classes.contains(&class) || !client.commands.are_over() {
                continue;
            }
            let mut consent = stored.consent;
            consent.show_calories = !consent.show_calories;
            let slot = client.slot.expect("it was just seen");
            world.with_client(index, |client, _, now| client.user_command(UserCommand::Consent { consent }, now));
            probe.changed = Some((class, slot));
            break;
        }
        probe
    }

    /// When everything has settled.
    pub fn begin_at_the_end(world: &mut World) -> Probe {
        let live = |client: &Client| {
            let topics = client.topics.list.keys().filter(|topic| client.topics.is_live(**topic));
            topics.map(|topic| (client.index, *topic)).collect::<Vec<_>>()
        };
        let followed = world.clients.iter().flat_map(live).collect();
        let boards = (0..world.run.classes.len()).filter(|class| Truth::of(&world.run, *class).lobby).collect();
        let (cues, weights) = (Vec::new(), Vec::new());
        let mut probe =
            Probe { since: world.now(), followed, boards, cues, changed: None, weights, ticks: false, words: None };
        for index in 0..world.clients.len() {
            let client = &world.clients[index];
            if !client.is_up() {
                continue;
            }
            match client.role {
                Role::Trainer => {
                    probe.cues = say(world, index);
                    let write = |client: &mut Client, run: &Run, now| client.write(run.room, now);
                    probe.words = Some(world.with_client(index, write));
                }
                Role::Member => {
                    let weight = world.with_client(index, |client, _, now| client.weigh(now));
                    probe.weights.push((index, weight));
                }
                Role::Screen | Role::Hub | Role::Admin => {}
            }
        }
        probe
    }

    /// Who should have heard something and has not.
    pub fn silent(&self, world: &World) -> Vec<String> {
        let mut silent = Vec::new();
        for client in world.clients.iter().filter(|client| client.is_up()) {
            for cue in &self.cues {
                let topic = Topic::Class(cue.0);
                if self.follows(client, topic) && !client.heard.cues.contains(cue) {
                    silent.push(format!("{} follows {topic} and has not heard {:?}", client.name, cue.1));
                }
            }
            if let Some((class, slot)) = self.changed {
                for topic in [Topic::Board(class), Topic::Desk(class)] {
                    let heard = client.heard.roster.get(&(topic, slot)).is_some_and(|at| *at >= self.since);
                    if self.follows(client, topic) && !heard {
                        silent.push(format!("{} follows {topic} and has not heard of place {slot}", client.name));
                    }
                }
            }
            let room = Topic::Room(world.run.room);
            let seq = self.words.and_then(|words| talk::place(&world.run, words));
            if let Some(seq) = seq.filter(|seq| self.follows(client, room) && !client.shows(*seq)) {
                silent.push(format!("{} follows the room and does not show number {seq}", client.name));
            }
            if self.ticks {
                self.ticks_of(client, world, &mut silent);
            }
        }
        for (index, weight) in &self.weights {
            let client = &world.clients[*index];
            if client.is_up() && self.follows(client, Topic::Me) && !client.heard.weights.contains(weight) {
                silent.push(format!("{} has not heard of its own weight {weight}", client.name));
            }
        }
        silent
    }

    /// It has followed the topic all the time.
    fn follows(&self, client: &Client, topic: Topic) -> bool {
        client.topics.is_live(topic) && self.followed.contains(&(client.index, topic))
    }

    fn ticks_of(&self, client: &Client, world: &World, silent: &mut Vec<String>) {
        for (nth, class) in world.run.classes.iter().enumerate() {
            let truth = Truth::of(&world.run, nth);
            let shown = self.boards.contains(&nth) && !truth.ended && !truth.cooled;
            for topic in [Topic::Board(class.id), Topic::Desk(class.id)] {
                let Some(followed) = client.topics.list.get(&topic).filter(|followed| followed.handle.is_some()) else {
                    continue;
                };
                let fresh = followed.ticked_at.is_some_and(|at| world.now().since(at) <= TICK_WITHIN_MS);
                if shown && self.follows(client, topic) && !fresh {
                    silent.push(format!("{} sees a board that stands still: {topic}", client.name));
                }
            }
        }
    }
}

fn say(world: &mut World, index: usize) -> Vec<(ClassId, String)> {
    let created: Vec<usize> =
        (0..world.run.classes.len()).filter(|class| Truth::of(&world.run, *class).created).collect();
    let say = |class: &usize, world: &mut World| {
        world.with_client(index, |client, run, now| (run.classes[*class].id, client.say(*class, run, now)))
    };
    created.iter().map(|class| say(class, world)).collect()
}
