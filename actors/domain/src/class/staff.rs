//! Two trainers at once: who moves the plan, how another takes over, and whether the one who leads is at a desk at all.

use super::change::{Change, What};
use super::commands::{Decision, ensure};
use super::io::{Caller, Publish};
use super::{Class, ClassMs};
use crate::Out;
use fitconnect_protocol::ErrorCode;
use fitconnect_protocol::class::{ClassEvent, Staff, StaffView};
use fitconnect_protocol::limits::STAFF_SHOWN;
use fitconnect_protocol::session::Topic;
use std::collections::BTreeSet;

impl Class {
    /// Who moves the plan: the one who leads, any of the staff where nobody does; alone, the rider.
    pub(super) fn may_move(&self, by: &Caller) -> Decision {
        self.may_drive(by)?;
        let driven = self.driver.as_ref().is_some_and(|driver| driver.user != by.user);
        ensure(!driven, ErrorCode::NotDriving, "another trainer drives this class: take over first")
    }

    /// What taking over or letting go changes; `None` where it is so already.
    pub(super) fn drive(&self, by: &Caller, on: bool, at: ClassMs) -> Decision<Option<Change>> {
        self.staff(by)?;
        let mine = self.driver.as_ref().is_some_and(|driver| driver.user == by.user);
        ensure(on || mine || self.driver.is_none(), ErrorCode::NotDriving, "another trainer drives this class")?;
        if on == mine {
            return Ok(None);
        }
        let driver = on.then(|| Staff { user: by.user, name: by.name.clone() });
        Ok(Some(Change { at, by: Some(by.user), what: What::Driven { driver } }))
    }

    pub(super) fn staff_view(&self) -> StaffView {
        let at_desks = self.desks.iter().filter_map(|session| self.viewers.get(session)).map(|viewer| &viewer.by);
        let here: BTreeSet<Staff> = at_desks.map(|by| Staff { user: by.user, name: by.name.clone() }).collect();
        StaffView { driver: self.driver.clone(), here: here.into_iter().take(STAFF_SHOWN).collect() }
    }

    /// Nobody looks after the people: no desk is open, or not that of the one who leads.
    pub(super) fn trainer_away(&self) -> bool {
        let at_desk = |user| {
            self.desks.iter().filter_map(|session| self.viewers.get(session)).any(|viewer| viewer.by.user == user)
        };
        self.desks.is_empty() || self.driver.as_ref().is_some_and(|driver| !at_desk(driver.user))
    }

    /// Tells the desks where somebody came, went or took over.
    pub(super) fn tell_staff(&mut self, out: &mut Out<Class>) {
        let view = self.staff_view();
        if self.desks.is_empty() || self.staff_told.as_ref() == Some(&view) {
            return;
        }
        self.staff_told = Some(view.clone());
        let event = ClassEvent::Staff(view);
        out.publish(Publish::Event { topic: Topic::Desk(self.id), event, whole_only: true });
    }
}
