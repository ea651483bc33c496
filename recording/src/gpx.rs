//! Reads GPX tracks whose points carry heart rate, cadence or power in an extension (Garmin's, Strava's, Cluetrust's).
//! Routes and waypoints have no times and are passed over; positions are not looked at. GPX has no laps.
//! Called by `read`.

use quick_xml::events::BytesStart;

use crate::assemble::{Assembler, Measured};
use crate::xml::{self, Visit};
use crate::{Format, Place, ReadError, Recording};

pub(crate) fn read(bytes: &[u8]) -> Result<Recording, ReadError> {
    let mut gpx = Gpx { out: Assembler::new(Format::Gpx), point: None };
    xml::walk(Format::Gpx, bytes, &mut gpx)?;
    gpx.out.finish()
}

struct Gpx {
    out: Assembler,
    /// Some inside a `trkpt`.
    point: Option<Point>,
}

#[derive(Default)]
struct Point {
    time_ms: Option<i64>,
    measured: Measured,
}

impl Visit for Gpx {
    fn open(&mut self, path: &[String], element: &BytesStart<'_>) {
        match path {
            [_root] => self.out.device = xml::attribute(element, "creator").filter(|name| !name.is_empty()),
            [.., name] if name == "trkpt" => self.point = Some(Point::default()),
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, place: &dyn Fn() -> Place) -> Result<(), ReadError> {
        let [.., parent, name] = path else {
            return Ok(());
        };
        let Some(point) = &mut self.point else {
            if parent == "trk" && name == "type" && !text.is_empty() && self.out.sport.is_none() {
                self.out.sport = Some(text.to_owned());
            }
            return Ok(());
        };
        match (parent.as_str(), name.as_str()) {
            ("trkpt", "time") => point.time_ms = xml::time_ms(text),
            (_, "hr" | "heartrate") => point.measured.bpm = xml::count(text),
            (_, "cad" | "cadence") => point.measured.cadence = xml::count(text),
            (_, "power" | "PowerInWatts" | "watts") => point.measured.power_w = xml::count(text),
            (_, "trkpt") => {
                let Point { time_ms, measured } = self.point.take().unwrap_or_default();
                return time_ms.map_or(Ok(()), |at_ms| self.out.record(at_ms, measured, place));
            }
            _ => {}
        }
        Ok(())
    }
}
