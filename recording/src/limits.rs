//! Every bound of the readers, each with its reason.
//! Not the limits of a class or of the protocol: those live in fitconnect-protocol.
//! Read by every reader of this crate; the server repeats `INPUT_BYTES_MAX` at its upload route.

/// A day at 1 Hz with GPS is about 4 MB as FIT and 35 MB as pretty-printed TCX; more is not one activity.
pub const INPUT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// 5.7 days at 1 Hz: longer than the longest races, small enough to hold twice in memory (24 MB each).
pub const RECORDS_MAX: usize = 500_000;

/// Manual laps of a long day stay in the hundreds; auto-lap at 100 m of a 1,000 km ride gives 10,000.
pub const LAPS_MAX: usize = 10_000;

/// Wider than this and the device's clock was set in between. Keeps `at_ms` inside a u32 (49 days) with room.
pub const SPAN_MS_MAX: i64 = 31 * 24 * 3_600 * 1_000;

/// Four FIT messages a record: it may come with an hrv, a GPS and a vendor message. Bounds time, not memory.
pub const FIT_MESSAGES_MAX: usize = 4 * RECORDS_MAX;

/// Chained files hold an activity and some settings; 64 MiB could hold four million empty parts.
pub const FIT_PARTS_MAX: usize = 64;

/// `fitparser` prints a line to stderr for each field whose size does not fit its type: a hostile file must not fill the
/// log. Real files hold none or a handful.
pub const FIT_ODD_FIELDS_MAX: usize = 64;

/// TCX and GPX need eight levels; extensions of vendors a few more.
pub const XML_DEPTH_MAX: usize = 64;

/// Every value read is a number, a time or a name; longer text (notes, base64 images) is not looked at.
pub const XML_TEXT_BYTES_MAX: usize = 256;

/// The elements of interest have at most nine attributes (`gpx` with its namespaces); the rest of a longer list is noise.
pub const XML_ATTRIBUTES_MAX: usize = 64;

/// A device or sport name is shown in a list; whatever is longer is cut.
pub const NAME_CHARS_MAX: usize = 64;
