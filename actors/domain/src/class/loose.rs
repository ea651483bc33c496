//! Straps in a basket: sensors that are heard and that nobody in the class wears, for the desk to hand out.

use super::Class;
use super::io::Publish;
use crate::Out;
use fitconnect_protocol::Slot;
use fitconnect_protocol::class::{ClassEvent, Sensor};
use fitconnect_protocol::limits::LOOSE_SHOWN;
use fitconnect_protocol::session::Topic;
use std::cmp::Reverse;

impl Class {
    /// The newest first, at most [`LOOSE_SHOWN`].
    pub(super) fn loose(&self) -> Vec<Sensor> {
        let here = |slot: Slot| self.riders[usize::from(slot)].is_present();
        let loose = self.streams.sensors().filter(|sensor| !sensor.wearer_now().is_some_and(here));
        let mut loose: Vec<_> = loose.map(|sensor| (sensor.worn.last().map(|worn| worn.from), sensor)).collect();
        loose.sort_by_key(|(since, sensor)| (Reverse(*since), sensor.source));
        let shown = loose.into_iter().take(LOOSE_SHOWN);
        shown.map(|(_, sensor)| Sensor { source: sensor.source, kind: sensor.kind }).collect()
    }

    /// Tells the desks where a sensor may have found or lost its wearer.
    pub(super) fn tell_loose(&mut self, out: &mut Out<Class>) {
        if !self.desks.is_empty() && std::mem::take(&mut self.loose_due) {
            let event = ClassEvent::Loose { sensors: self.loose() };
            out.publish(Publish::Event { topic: Topic::Desk(self.id), event, whole_only: true });
        }
    }
}
