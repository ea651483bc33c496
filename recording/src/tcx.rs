//! Reads Garmin's Training Center XML: trackpoints with heart rate, cadence and, in an extension, watts.
//! Positions may be missing (yoga, indoor classes) and are not looked at; courses and workouts hold no samples.
//! Called by `read`.

use quick_xml::events::BytesStart;

use crate::assemble::{Assembler, Measured};
use crate::xml::{self, Visit};
use crate::{Format, Place, ReadError, Recording};

pub(crate) fn read(bytes: &[u8]) -> Result<Recording, ReadError> {
    let mut tcx = Tcx { out: Assembler::new(Format::Tcx), time_ms: None, measured: Measured::default(), lap: None };
    xml::walk(Format::Tcx, bytes, &mut tcx)?;
    tcx.out.finish()
}

struct Tcx {
    out: Assembler,
    time_ms: Option<i64>,
    measured: Measured,
    lap: Option<OpenLap>,
}

struct OpenLap {
    start_ms: i64,
    end_ms: i64,
}

impl Visit for Tcx {
    fn open(&mut self, path: &[String], element: &BytesStart<'_>) {
        match path.last().map(String::as_str) {
            Some("Activity") => {
                self.out.sport = self.out.sport.take().or_else(|| xml::attribute(element, "Sport"));
            }
            Some("Lap") => {
                let start = xml::attribute(element, "StartTime").and_then(|text| xml::time_ms(&text));
                self.lap = start.map(|start_ms| OpenLap { start_ms, end_ms: start_ms });
            }
            Some("Trackpoint") => {
                self.time_ms = None;
                self.measured = Measured::default();
            }
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, place: &dyn Fn() -> Place) -> Result<(), ReadError> {
        let [.., parent, name] = path else {
            return Ok(());
        };
        match (parent.as_str(), name.as_str()) {
            ("Trackpoint", "Time") => self.time_ms = xml::time_ms(text),
            ("HeartRateBpm", "Value") => self.measured.bpm = xml::count(text),
            ("Trackpoint", "Cadence") => self.measured.cadence = xml::count(text),
            ("TPX", "RunCadence") => self.measured.cadence = self.measured.cadence.or(xml::count(text)),
            ("TPX", "Watts") => self.measured.power_w = xml::count(text),
            ("Lap", "TotalTimeSeconds") => self.lap_lasts(text),
            ("Creator", "Name") => self.out.device = Some(text.to_owned()).filter(|name| !name.is_empty()),
            (_, "Trackpoint") => return self.trackpoint(place),
            (_, "Lap") => return self.lap_ends(place),
            _ => {}
        }
        Ok(())
    }
}

impl Tcx {
    fn trackpoint(&mut self, place: &dyn Fn() -> Place) -> Result<(), ReadError> {
        let Some(at_ms) = self.time_ms else {
            return Ok(());
        };
        // The total of a lap leaves pauses out, so its last trackpoint may lie behind start + total.
        if let Some(lap) = &mut self.lap {
            lap.end_ms = lap.end_ms.max(at_ms);
        }
        self.out.record(at_ms, self.measured, place)
    }

    fn lap_lasts(&mut self, text: &str) {
        let (Some(lap), Ok(seconds)) = (&mut self.lap, text.parse::<f64>()) else {
            return;
        };
        // `as` saturates, and a NaN becomes 0.
        lap.end_ms = lap.end_ms.max(lap.start_ms.saturating_add((seconds * 1_000.0).round() as i64));
    }

    fn lap_ends(&mut self, place: &dyn Fn() -> Place) -> Result<(), ReadError> {
        match self.lap.take() {
            Some(lap) => self.out.lap(lap.start_ms, lap.end_ms, place),
            None => Ok(()),
        }
    }
}
