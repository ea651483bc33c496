//! Commands: what people may do to a class, and what refuses them. A refusal changes nothing.

use super::body::Body;
use super::change::{Change, Facts, Joined, Stage, What};
use super::io::{Caller, Load, Loaded, Person, Publish};
use super::plan::{self, Move};
use super::rider::Who;
use super::{Class, Joining};
use crate::letter::{ActorKey, Letter, LetterBody};
use crate::time::ClassMs;
use crate::{AskId, Effect, Millis, Out};
use fitconnect_protocol::class::{ClassCommand, ClassEvent, Phase, PlanAction, Sensor, SwapFrom};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::user::{Consent, Profile, Role, ShowAs};
use fitconnect_protocol::{Boot, ErrorCode, ReceiverId, Refusal, Slot, UserId};
use std::sync::Arc;

/// An offset that puts a receiver's boot further back is a typing error.
const BOOT_AGE_MS_MAX: i64 = 90 * 24 * 3600 * 1000;

pub(super) type Decision<T = ()> = Result<T, Refusal>;

fn refusal(code: ErrorCode, message: impl Into<String>) -> Refusal {
    Refusal::new(code, message)
}

pub(super) fn ensure(holds: bool, code: ErrorCode, message: &str) -> Decision {
    if holds { Ok(()) } else { Err(refusal(code, message)) }
}

fn short(text: &str, bytes: usize, what: &str) -> Decision {
    let fits = !text.trim().is_empty() && text.len() <= bytes && !text.chars().any(char::is_control);
    ensure(fits, ErrorCode::TooLarge, &format!("{what} has 1 to {bytes} bytes and no control characters"))
}

impl Class {
    pub(super) fn create(&mut self, by: UserId, facts: Facts, ask: AskId, now: Millis, out: &mut Out<Class>) {
        if let Err(refused) = self.check_facts(&facts) {
            return out.refuse(ask, refused);
        }
        let at = crate::time::class_at(&facts.clock, now);
        let change = Change { at, by: Some(by), what: What::Created(Box::new(facts)) };
        self.happen_for(ask, Response::Done, change, out);
        if self.facts.as_ref().is_some_and(|facts| facts.solo) {
            self.happen(at, Some(by), What::Staged { stage: Stage::Running, reason: None }, out);
        }
    }

    fn check_facts(&self, facts: &Facts) -> Decision {
        ensure(self.facts.is_none(), ErrorCode::WrongPhase, "this class exists already")?;
        short(&facts.name, NAME_BYTES_MAX, "the name")?;
        short(&facts.hall, NAME_BYTES_MAX, "the hall")?;
        ensure(
            (1..=CLOCK_RATE_MAX).contains(&facts.clock.rate),
            ErrorCode::Malformed,
            "class time runs at 1 to 20 times",
        )?;
        let places = usize::from(facts.capacity);
        ensure((1..=RIDERS_MAX).contains(&places), ErrorCode::Malformed, "a class has 1 to 20,000 places")?;
        ensure(
            facts.lobby_min.is_none_or(|min| min <= 1_440),
            ErrorCode::Malformed,
            "a lobby opens at most a day before the start",
        )?;
        plan::check(&facts.segments).map_err(|why| refusal(ErrorCode::BadPlan, why))
    }

    pub(super) fn decide(&mut self, by: Arc<Caller>, act: ClassCommand, ask: AskId, now: Millis, out: &mut Out<Class>) {
        let at = self.class_at(now);
        if let Err(refused) = self.try_decide(&by, act, ask, at, now, out) {
            out.refuse(ask, refused);
        }
    }

    fn try_decide(
        &mut self,
        by: &Arc<Caller>,
        act: ClassCommand,
        ask: AskId,
        at: ClassMs,
        now: Millis,
        out: &mut Out<Class>,
    ) -> Decision {
        let known = self.facts.as_ref().is_some_and(|facts| facts.gym == by.gym);
        ensure(known, ErrorCode::NotFound, "there is no such class in your gym")?;
        let done = |what| (Response::Done, Change { at, by: Some(by.user), what });
        let (reply, change) = match act {
            ClassCommand::Open => {
                self.staff(by)?;
                ensure(self.stage == Stage::Scheduled, ErrorCode::WrongPhase, "only a scheduled class opens")?;
                done(What::Staged { stage: Stage::Open, reason: None })
            }
            ClassCommand::Lobby => {
                self.staff(by)?;
                ensure(self.stage < Stage::Running, ErrorCode::WrongPhase, "the lobby has been opened")?;
                done(What::Staged { stage: Stage::Running, reason: None })
            }
            ClassCommand::Plan { action, at: when } => return self.plan_move(by, action, when, ask, at, out),
            ClassCommand::Forecast { action, at: when } => {
                out.answer(ask, Response::Foreseen(self.forecast(by, action, when, at)?));
                return Ok(());
            }
            ClassCommand::Undo { id } => return self.plan_undo(by, id, ask, at, out),
            ClassCommand::Cancel { reason } => {
                self.staff(by)?;
                short(&reason, CUE_BYTES_MAX, "the reason")?;
                let before = self.stage < Stage::Running || self.phase_at(at) == Phase::Lobby;
                ensure(before, ErrorCode::WrongPhase, "a class that has begun is ended or aborted")?;
                self.send_home(out);
                done(What::Staged { stage: Stage::Cancelled, reason: Some(reason) })
            }
            ClassCommand::Abort { reason } => {
                self.staff(by)?;
                short(&reason, CUE_BYTES_MAX, "the reason")?;
                ensure(
                    matches!(self.phase_at(at), Phase::Live | Phase::Paused),
                    ErrorCode::WrongPhase,
                    "only a running class is aborted",
                )?;
                self.save_fives(at, out);
                let end = Move { id: self.next_move(), at, action: PlanAction::End, undone: false };
                self.happen(at, Some(by.user), What::Moved(end), out);
                done(What::Staged { stage: Stage::Aborted, reason: Some(reason) })
            }
            ClassCommand::Join { seat, sensors } => return self.join(by, by.user, seat, sensors, ask, at, out),
            ClassCommand::Admit { user, guest, seat, sensors } => {
                self.staff(by)?;
                return match (user, guest) {
                    (Some(user), None) => self.join(by, user, seat, sensors, ask, at, out),
                    (None, Some(name)) => self.admit_guest(by, name, seat, sensors, ask, at, now, out),
                    (_, _) => Err(refusal(ErrorCode::Malformed, "admit a member or a guest, one of both")),
                };
            }
            ClassCommand::Leave { slot, at: left } => {
                let slot = self.own_or_staffed(by, slot)?;
                ensure(self.stage == Stage::Running, ErrorCode::WrongPhase, "the class is over")?;
                let span = self.riders[usize::from(slot)].present.last().copied().filter(|span| span.to.is_none());
                let span = span.ok_or_else(|| refusal(ErrorCode::NotJoined, "this person has left"))?;
                let left = left.unwrap_or(at).clamp(span.from, at.max(span.from));
                self.leave(slot, left, by.user, ask, out);
                return Ok(());
            }
            ClassCommand::Pair { sensor, slot } => {
                ensure(
                    self.stage == Stage::Running,
                    ErrorCode::WrongPhase,
                    "sensors are put on from the lobby to the end",
                )?;
                if by.role == Role::Hub && self.streams.sensor(sensor.source).is_some() {
                    return self.nothing_new(ask, out);
                }
                done(self.pair(by, sensor, slot)?)
            }
            ClassCommand::Swap { a, b, from } => done(self.swap(by, a, b, from)?),
            ClassCommand::Boot { receiver, boot, offset } => match self.boot(by, receiver, boot, offset, at)? {
                Some(known) => {
                    out.answer(ask, Response::Booted { offset: known });
                    return Ok(());
                }
                None => {
                    let what = What::Booted { receiver, boot, offset };
                    (Response::Booted { offset }, Change { at, by: Some(by.user), what })
                }
            },
            ClassCommand::Acknowledge { item } => {
                self.staff(by)?;
                let (kind, slot) =
                    self.attention.find(item).ok_or_else(|| refusal(ErrorCode::Gone, "this item has cleared"))?;
                done(What::Acknowledged { kind, slot })
            }
            ClassCommand::Sos { on } => done(What::Sos { slot: self.own(by)?, on }),
            ClassCommand::Hand { up } => {
                let slot = self.own(by)?;
                self.riders[usize::from(slot)].shown.hand = up;
                out.answer(ask, Response::Done);
                return Ok(());
            }
            ClassCommand::Cue { text, to, aim } => {
                self.staff(by)?;
                short(&text, CUE_BYTES_MAX, "a cue")?;
                let known = to.is_none_or(|slot| usize::from(slot) < self.riders.len());
                ensure(known, ErrorCode::NotFound, "there is nobody in this place")?;
                let alone = aim.is_none() || to.is_some();
                ensure(alone, ErrorCode::Malformed, "only words to one person have an aim")?;
                done(What::Cued { text, to, aim })
            }
            ClassCommand::Drive { on } => match self.drive(by, on, at)? {
                Some(change) => (Response::Done, change),
                None => return self.nothing_new(ask, out),
            },
            ClassCommand::Shown { whisper } => match self.shown(by, whisper)? {
                Some(what) => done(what),
                None => return self.nothing_new(ask, out),
            },
        };
        self.happen_for(ask, reply, change.clone(), out);
        self.tell_of(&change, out);
        Ok(())
    }

    /// What the topics tell of a change.
    pub(super) fn tell_of(&mut self, change: &Change, out: &mut Out<Class>) {
        match &change.what {
            What::Staged { reason, .. } => {
                let event = ClassEvent::Phase { phase: self.phase_at(change.at), at: change.at, reason: reason.clone() };
                self.publish_class(event, out);
            }
            What::Cooled => {
                self.publish_class(ClassEvent::Phase { phase: Phase::Cooling, at: change.at, reason: None }, out);
            }
            What::Moved(each) => self.publish_plan(each, change.at, out),
            What::Undone { id } => {
                if let Some(undone) = self.moves.iter().find(|each| each.id == *id) {
                    self.publish_plan(undone, change.at, out);
                }
            }
            What::Joined(joined) => self.publish_roster(joined.slot, out),
            What::Left { slot } | What::Returned { slot } | What::Shared { slot, .. } | What::HrMaxApproved { slot } => {
                self.publish_roster(*slot, out);
            }
            What::Paired { slot, .. } => {
                if let Some(slot) = slot {
                    self.publish_roster(*slot, out);
                }
            }
            What::Swapped { a, b, .. } => {
                self.publish_roster(*a, out);
                self.publish_roster(*b, out);
            }
            What::Cued { text, to: None, .. } => self.publish_class(ClassEvent::Cue { text: text.clone() }, out),
            What::Cued { to: Some(slot), .. } => self.whisper(*slot, out),
            What::Shown { slot, .. } | What::Acted { slot, .. } => self.publish_whisper(*slot, out),
            What::Driven { .. } => self.tell_staff(out),
            What::Created(_)
            | What::Booted { .. }
            // The list follows with the next tick.
            | What::Acknowledged { .. }
            | What::Sos { .. }
            | What::Summarised { .. }
            | What::Fived { .. }
            | What::Settled(_) => {}
        }
    }

    /// Nobody is in this class any longer.
    fn send_home(&self, out: &mut Out<Class>) {
        for user in self.riders.iter().filter(|rider| rider.is_present()).filter_map(|rider| rider.user()) {
            out.letter(Letter { to: ActorKey::User(user), body: LetterBody::LeftClass { class: self.id } });
        }
    }

    /// It is so already: told again, nothing happens.
    fn nothing_new(&self, ask: AskId, out: &mut Out<Class>) -> Decision {
        out.answer(ask, Response::Done);
        Ok(())
    }

    pub(super) fn publish_class(&self, event: ClassEvent, out: &mut Out<Class>) {
        out.publish(Publish::Event { topic: Topic::Class(self.id), event, whole_only: false });
    }

    /// Tells desk and board how this person is named now, or that it is no longer shown.
    pub(super) fn publish_roster(&self, slot: Slot, out: &mut Out<Class>) {
        let rider = &self.riders[usize::from(slot)];
        let desk = ClassEvent::Roster { entries: vec![self.desk_entry(rider)] };
        out.publish(Publish::Event { topic: Topic::Desk(self.id), event: desk, whole_only: true });
        let board = match rider.shown_as() {
            ShowAs::Hidden => ClassEvent::Gone { slots: vec![slot] },
            ShowAs::Alias | ShowAs::Name => ClassEvent::Roster { entries: vec![self.board_entry(rider)] },
        };
        out.publish(Publish::Event { topic: Topic::Board(self.id), event: board, whole_only: true });
    }

    pub(super) fn staff(&self, by: &Caller) -> Decision {
        ensure(by.is_staff(), ErrorCode::Forbidden, "only a trainer or an administrator may do this")
    }

    /// Staff drive the plan; alone, the rider does.
    pub(super) fn may_drive(&self, by: &Caller) -> Decision {
        let solo = self.facts.as_ref().is_some_and(|facts| facts.solo);
        if solo && self.by_user.contains_key(&by.user) { Ok(()) } else { self.staff(by) }
    }

    pub(super) fn own(&self, by: &Caller) -> Decision<Slot> {
        self.by_user.get(&by.user).copied().ok_or_else(|| refusal(ErrorCode::NotJoined, "join the class first"))
    }

    /// One's own slot, or the one that staff name.
    fn own_or_staffed(&self, by: &Caller, slot: Option<Slot>) -> Decision<Slot> {
        let Some(slot) = slot else { return self.own(by) };
        if self.by_user.get(&by.user) != Some(&slot) {
            self.staff(by)?;
        }
        ensure(usize::from(slot) < self.riders.len(), ErrorCode::NotFound, "there is nobody in this place")?;
        Ok(slot)
    }

    pub(super) fn next_move(&self) -> u32 {
        self.moves.len() as u32 + 1
    }

    fn plan_move(
        &mut self,
        by: &Caller,
        action: PlanAction,
        when: Option<ClassMs>,
        ask: AskId,
        at: ClassMs,
        out: &mut Out<Class>,
    ) -> Decision {
        self.may_move(by)?;
        let (each, _) = self.moved(action, when, at)?;
        let (id, when) = (each.id, each.at);
        let change = Change { at, by: Some(by.user), what: What::Moved(each) };
        self.happen_for(ask, Response::Planned { id, at: when }, change.clone(), out);
        self.tell_of(&change, out);
        Ok(())
    }

    fn plan_undo(&mut self, by: &Caller, id: u32, ask: AskId, at: ClassMs, out: &mut Out<Class>) -> Decision {
        self.may_move(by)?;
        ensure(self.stage == Stage::Running, ErrorCode::WrongPhase, "the plan has ended")?;
        let last = self.moves.iter().rfind(|each| !each.undone).filter(|each| each.id == id).cloned();
        let last = last.ok_or_else(|| refusal(ErrorCode::TooLate, "only the last move can be taken back"))?;
        let rate = self.facts.as_ref().map_or(1, |facts| i64::from(facts.clock.rate));
        ensure(at <= last.at + UNDO_MS * rate, ErrorCode::TooLate, "a move can be taken back for five seconds")?;
        let change = Change { at, by: Some(by.user), what: What::Undone { id } };
        self.happen_for(ask, Response::Planned { id, at: last.at }, change.clone(), out);
        self.tell_of(&change, out);
        Ok(())
    }

    fn publish_plan(&self, each: &Move, now: ClassMs, out: &mut Out<Class>) {
        let Move { id, at, action, undone } = *each;
        self.publish_class(ClassEvent::Plan { id, action, at, undone, plan: self.plan_view(now) }, out);
    }

    fn open_for_joining(&self, at: ClassMs) -> Decision {
        let open = matches!(self.phase_at(at), Phase::Lobby | Phase::Live | Phase::Paused);
        ensure(open, ErrorCode::WrongPhase, "people come in from the lobby's opening to the end of the plan")?;
        let capacity = self.facts.as_ref().map_or(0, |facts| usize::from(facts.capacity));
        ensure(self.present < capacity && self.riders.len() < RIDERS_MAX, ErrorCode::ClassFull, "every place is taken")
    }

    fn seat_is_free(&self, seat: Option<&str>) -> Decision {
        let Some(seat) = seat else { return Ok(()) };
        short(seat, SEAT_BYTES_MAX, "a seat")?;
        let taken = self.riders.iter().any(|rider| rider.is_present() && rider.seat.as_deref() == Some(seat));
        ensure(!taken, ErrorCode::SeatTaken, "somebody sits there")
    }

    fn sensors_are_free(&self, sensors: &[Sensor], slot: Option<Slot>) -> Decision {
        ensure(sensors.len() <= PERSON_SOURCES_MAX, ErrorCode::TooLarge, "a person wears at most eight sensors")?;
        let new = sensors.iter().filter(|sensor| self.streams.sensor(sensor.source).is_none()).count();
        ensure(
            self.streams.sensor_count() + new <= CLASS_SOURCES_MAX,
            ErrorCode::TooLarge,
            "too many sensors in this class",
        )?;
        for sensor in sensors {
            let worn = self.streams.sensor(sensor.source).and_then(|known| known.wearer_now());
            ensure(worn.is_none() || worn == slot, ErrorCode::SourceTaken, "another person wears this sensor")?;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn join(
        &mut self,
        by: &Arc<Caller>,
        user: UserId,
        seat: Option<String>,
        sensors: Vec<Sensor>,
        ask: AskId,
        at: ClassMs,
        out: &mut Out<Class>,
    ) -> Decision {
        ensure(by.role >= Role::Member, ErrorCode::Forbidden, "a screen or a hub does not take part")?;
        let solo = self.facts.as_ref().is_some_and(|facts| facts.solo);
        ensure(!solo || self.owner == Some(user), ErrorCode::Forbidden, "this ride is another person's")?;
        if let Some(slot) = self.by_user.get(&user).copied() {
            return self.rejoin(slot, user, sensors, ask, at, out);
        }
        self.open_for_joining(at)?;
        self.seat_is_free(seat.as_deref())?;
        self.sensors_are_free(&sensors, None)?;
        let waiting = self.joining.entry(user).or_default();
        ensure(waiting.len() < 4, ErrorCode::RateLimited, "this person is joining already")?;
        if waiting.is_empty() {
            out.0.push(Effect::Load(Load::Person { user }));
        }
        waiting.push(Joining { ask, by: by.clone(), seat, sensors });
        Ok(())
    }

    /// One who is in the class already: present, or back from a leave.
    fn rejoin(
        &mut self,
        slot: Slot,
        user: UserId,
        sensors: Vec<Sensor>,
        ask: AskId,
        at: ClassMs,
        out: &mut Out<Class>,
    ) -> Decision {
        self.sensors_are_free(&sensors, Some(slot))?;
        let present = self.riders[usize::from(slot)].is_present();
        if !present {
            self.open_for_joining(at)?;
        }
        let worn: Vec<Sensor> = self.streams.worn_by(slot).collect();
        for sensor in sensors.into_iter().filter(|sensor| !worn.contains(sensor)) {
            self.happen(at, Some(user), What::Paired { sensor, owner: Some(user), slot: Some(slot) }, out);
        }
        if present {
            out.answer(ask, Response::Joined { slot });
        } else {
            let change = Change { at, by: Some(user), what: What::Returned { slot } };
            // What the person has come to share meanwhile is not known here: 0 asks for it.
            out.letter(Letter { to: ActorKey::User(user), body: LetterBody::InClass { class: self.id, rev: 0 } });
            self.happen_for(ask, Response::Joined { slot }, change, out);
        }
        self.publish_roster(slot, out);
        Ok(())
    }

    /// The data of a person who wants in has come.
    pub(super) fn person_loaded(
        &mut self,
        user: UserId,
        person: Option<&Person>,
        failed: bool,
        now: Millis,
        out: &mut Out<Class>,
    ) {
        self.fives_read(user, person.map(|person| &person.blocks));
        self.tell_hidden(user, person, failed, out);
        for joining in self.joining.remove(&user).unwrap_or_default() {
            let (ask, at) = (joining.ask, self.class_at(now));
            if let Err(refused) = self.admit(user, person, failed, joining, at, now, out) {
                out.refuse(ask, refused);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn admit(
        &mut self,
        user: UserId,
        person: Option<&Person>,
        failed: bool,
        Joining { ask, by, seat, sensors }: Joining,
        at: ClassMs,
        now: Millis,
        out: &mut Out<Class>,
    ) -> Decision {
        ensure(!failed, ErrorCode::Retry, "the person's data could not be read; try again")?;
        let known = person.filter(|person| person.gym == by.gym);
        let person = known.ok_or_else(|| refusal(ErrorCode::NotFound, "there is no such member in this gym"))?;
        if let Some(slot) = self.by_user.get(&user).copied() {
            return self.rejoin(slot, user, sensors, ask, at, out);
        }
        self.open_for_joining(at)?;
        self.seat_is_free(seat.as_deref())?;
        self.sensors_are_free(&sensors, None)?;
        let (name, consent, who) = (person.name.clone(), person.consent, Who::User(user));
        let joined = Joined {
            slot: self.riders.len() as Slot,
            who,
            name,
            seat,
            body: Body::on_day(&person.profile, now),
            consent,
            sensors,
        };
        out.letter(Letter { to: ActorKey::User(user), body: LetterBody::InClass { class: self.id, rev: person.rev } });
        self.enter(joined, by.user, ask, at, out);
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn admit_guest(
        &mut self,
        by: &Caller,
        name: String,
        seat: Option<String>,
        sensors: Vec<Sensor>,
        ask: AskId,
        at: ClassMs,
        now: Millis,
        out: &mut Out<Class>,
    ) -> Decision {
        short(&name, NAME_BYTES_MAX, "a name")?;
        self.open_for_joining(at)?;
        self.seat_is_free(seat.as_deref())?;
        self.sensors_are_free(&sensors, None)?;
        // A guest takes a strap from the trainer's hand: the desk may show its bpm, the board may not.
        let consent = Consent { share_with_trainer: true, ..Consent::default() };
        let body = Body::on_day(&Profile::default(), now);
        let joined = Joined { slot: self.riders.len() as Slot, who: Who::Guest, name, seat, body, consent, sensors };
        self.enter(joined, by.user, ask, at, out);
        Ok(())
    }

    fn enter(&mut self, joined: Joined, by: UserId, ask: AskId, at: ClassMs, out: &mut Out<Class>) {
        let slot = joined.slot;
        let change = Change { at, by: Some(by), what: What::Joined(Box::new(joined)) };
        self.happen_for(ask, Response::Joined { slot }, change.clone(), out);
        self.bind_viewers(slot);
        self.tell_of(&change, out);
    }

    fn leave(&mut self, slot: Slot, left: ClassMs, by: UserId, ask: AskId, out: &mut Out<Class>) {
        if let Some(user) = self.riders[usize::from(slot)].user() {
            out.letter(Letter { to: ActorKey::User(user), body: LetterBody::LeftClass { class: self.id } });
        }
        let change = Change { at: left, by: Some(by), what: What::Left { slot } };
        self.happen_for(ask, Response::Done, change.clone(), out);
        self.tell_of(&change, out);
    }

    fn pair(&self, by: &Caller, sensor: Sensor, slot: Option<Slot>) -> Decision<What> {
        if by.is_staff() {
            let known = slot.is_none_or(|slot| usize::from(slot) < self.riders.len());
            ensure(known, ErrorCode::NotFound, "there is nobody in this place")?;
            let room = self.streams.sensor(sensor.source).is_some() || self.streams.sensor_count() < CLASS_SOURCES_MAX;
            ensure(room, ErrorCode::TooLarge, "too many sensors in this class")?;
            return Ok(What::Paired { sensor, owner: None, slot });
        }
        if by.role == Role::Hub {
            let here = self.facts.as_ref().is_some_and(|facts| by.hall.as_deref() == Some(&facts.hall));
            ensure(here && slot.is_none(), ErrorCode::Forbidden, "a hub puts a sensor of its own hall on nobody")?;
            ensure(
                self.streams.sensor_count() < CLASS_SOURCES_MAX,
                ErrorCode::TooLarge,
                "too many sensors in this class",
            )?;
            return Ok(What::Paired { sensor, owner: None, slot: None });
        }
        let own = self.own(by)?;
        ensure(slot.is_none_or(|slot| slot == own), ErrorCode::Forbidden, "you can put sensors on yourself only")?;
        self.sensors_are_free(&[sensor], Some(own))?;
        ensure(
            self.streams.worn_by(own).count() < PERSON_SOURCES_MAX,
            ErrorCode::TooLarge,
            "a person wears at most eight sensors",
        )?;
        Ok(What::Paired { sensor, owner: Some(by.user), slot: Some(own) })
    }

    fn swap(&self, by: &Caller, a: Slot, b: Slot, from: SwapFrom) -> Decision<What> {
        self.staff(by)?;
        let known = a != b && usize::from(a.max(b)) < self.riders.len();
        ensure(known, ErrorCode::NotFound, "a swap is between two people of this class")?;
        ensure(
            matches!(self.stage, Stage::Running),
            ErrorCode::TooLate,
            "straps are swapped until the class has settled",
        )?;
        Ok(What::Swapped { a, b, from })
    }

    /// The offset that is known already, or `None` where this one is new and good.
    fn boot(&self, by: &Caller, receiver: ReceiverId, boot: Boot, offset: i64, at: ClassMs) -> Decision<Option<i64>> {
        let stranger = self.streams.receivers.get(&receiver).is_some_and(|owner| *owner != by.user);
        ensure(!stranger, ErrorCode::Forbidden, "this receiver speaks for another account")?;
        let hub =
            by.role == Role::Hub && self.facts.as_ref().is_some_and(|facts| by.hall.as_deref() == Some(&facts.hall));
        ensure(
            hub || by.is_staff() || self.by_user.contains_key(&by.user),
            ErrorCode::NotJoined,
            "join the class first",
        )?;
        if let Some(known) = self.streams.offsets.get(&(receiver, boot)) {
            return Ok(Some(*known));
        }
        let near = offset <= at + SAMPLE_AHEAD_MS_MAX && offset > at - BOOT_AGE_MS_MAX;
        ensure(near, ErrorCode::ClockSkew, "an offset is the class time at which the receiver's clock stood at 0")?;
        let new = !self.streams.receivers.contains_key(&receiver);
        let room = !new || self.streams.receivers_of(by.user) < PERSON_RECEIVERS_MAX;
        ensure(room, ErrorCode::TooLarge, "too many receivers of one account in this class")?;
        let boots = self.streams.offsets.range((receiver, 0)..=(receiver, Boot::MAX)).count();
        ensure(boots < STREAM_BOOTS_MAX, ErrorCode::TooLarge, "this receiver has started too often")?;
        ensure(
            self.streams.offsets.len() < CLASS_SOURCES_MAX,
            ErrorCode::TooLarge,
            "too many receivers in this class",
        )?;
        Ok(None)
    }

    /// Letters of other actors.
    pub(super) fn letter(&mut self, letter: LetterBody, now: Millis, out: &mut Out<Class>) {
        let at = self.class_at(now);
        match letter {
            LetterBody::Consent { user, consent, .. } => {
                let Some(slot) = self.by_user.get(&user).copied() else { return };
                if self.riders[usize::from(slot)].consent != consent {
                    self.happen_and_tell(at, Some(user), What::Shared { slot, consent }, out);
                }
            }
            LetterBody::HrMaxApproved { user } => {
                let Some(slot) = self.by_user.get(&user).copied() else { return };
                self.happen_and_tell(at, None, What::HrMaxApproved { slot }, out);
            }
            LetterBody::Blocked { by, user, .. } => self.fives_blocked(by, user),
            LetterBody::InClass { .. }
            | LetterBody::LeftClass { .. }
            | LetterBody::Summary(_)
            | LetterBody::InRoom { .. }
            | LetterBody::LeftRoom { .. }
            | LetterBody::Notice { .. } => {}
        }
    }

    pub(super) fn loaded(&mut self, loaded: Loaded, now: Millis, out: &mut Out<Class>) {
        match loaded {
            Loaded::Person { user, person } => self.person_loaded(user, person.as_deref(), false, now, out),
            Loaded::Series { slot, samples } => self.series_loaded(slot, samples, now, out),
            Loaded::Failed(Load::Person { user }) => self.person_loaded(user, None, true, now, out),
            Loaded::Failed(Load::Series { slot, .. }) => self.series_failed(slot, now),
        }
    }
}
