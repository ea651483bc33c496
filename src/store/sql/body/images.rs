//! Pictures of rooms: written by themselves, given to a message by a room's own commit.

use super::*;
use fitconnect_actors::ports::*;
use fitconnect_domain::report::Entry;
use fitconnect_protocol::limits::REPORT_KEPT_MS;
use fitconnect_protocol::room::Picture;
use fitconnect_protocol::{ImageId, RoomId, UserId};

const ADD: &str = "insert into fc_image (image_id, room_id, by_user, at_us, until_us, width, height, body) values ($1, $2, $3, $4, $5, $6, $7, $8) \
     on conflict (image_id) do nothing";
const IMAGE: &str = "select room_id, by_user, at_us, seq, until_us, width, height from fc_image where image_id = $1";
const BYTES: &str = "select body from fc_image where image_id = $1";
const SINCE: &str = "select count(*) from fc_image where by_user = $1 and at_us > $2";
/// To a message, for as long as that is there; to one that is held back, for as long as that is kept.
const HANG: &str = "update fc_image set seq = $2, until_us = $3 where image_id = $1";
/// At once, but where somebody has reported the message: then it waits with the report.
const TAKE_DOWN: &str = "update fc_image set until_us = case when exists (select 1 from fc_report as r where r.room_id = $1 and r.seq = $2) \
     then $4 else $3 end where room_id = $1 and seq = $2 and until_us is null";
const FORGET: &str = "delete from fc_image where until_us < $1";

/// What these commits do with pictures, in order.
pub(super) async fn file(conn: &mut Conn, entries: &[&Entry]) -> sqlx::Result<()> {
    for entry in entries {
        match entry {
            Entry::Hung { image, seq, at_ms } => {
                let until = seq.is_none().then(|| kept_until(*at_ms));
                let hang = sqlx::query(HANG).bind(image.0).bind(seq.map(|seq| seq as i64)).bind(until);
                hang.execute(&mut *conn).await?;
            }
            Entry::TakenDown { room, seq, at_ms } => {
                let take = sqlx::query(TAKE_DOWN).bind(room.0).bind(*seq as i64).bind(at_ms * 1_000);
                let take = take.bind(kept_until(*at_ms));
                take.execute(&mut *conn).await?;
            }
            Entry::Opened(_) | Entry::Decided { .. } => {}
        }
    }
    Ok(())
}

fn kept_until(at_ms: i64) -> i64 {
    (at_ms + REPORT_KEPT_MS as i64) * 1_000
}

impl SqlState {
    pub(super) async fn write_image(&self, image: &StoredImage, jpeg: &[u8]) -> Result<(), StoreError> {
        let StoredImage { picture, room, by, at, until, .. } = image;
        let ask = || {
            let ask = sqlx::query(ADD).bind(picture.image.0).bind(room.0).bind(by.0).bind(us(*at)).bind(until.map(us));
            ask.bind(i64::from(picture.width)).bind(i64::from(picture.height)).bind(jpeg)
        };
        retry!(self, "image", on_line!(self.common(), |line| ask().execute(line))).map_err(unavailable).map(drop)
    }

    pub(super) async fn read_image(&self, image: ImageId) -> Result<Option<StoredImage>, StoreError> {
        let ask = || sqlx::query(IMAGE).bind(image.0);
        let row = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_optional(line))).map_err(unavailable)?;
        row.map(|row| stored(&row, image)).transpose().map_err(unavailable)
    }

    pub(super) async fn read_image_bytes(&self, image: ImageId) -> Result<Option<Vec<u8>>, StoreError> {
        let ask = || sqlx::query(BYTES).bind(image.0);
        let row = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_optional(line))).map_err(unavailable)?;
        row.map(|row| row.try_get(0)).transpose().map_err(unavailable)
    }

    pub(super) async fn count_images(&self, by: UserId, since: Millis) -> Result<u32, StoreError> {
        let ask = || sqlx::query(SINCE).bind(by.0).bind(us(since));
        let row = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_one(line))).map_err(unavailable)?;
        row.try_get::<i64, _>(0).map(|count| count as u32).map_err(unavailable)
    }

    pub(super) async fn forget_images(&self, now: Millis) -> Result<(), StoreError> {
        let ask = || sqlx::query(FORGET).bind(us(now));
        retry!(self, "sweep", on_line!(self.common(), |line| ask().execute(line))).map_err(unavailable).map(drop)
    }
}

fn stored(row: &SqlRow, image: ImageId) -> sqlx::Result<StoredImage> {
    let side = |column| row.try_get::<i64, _>(column).map(|pixels| pixels as u16);
    Ok(StoredImage {
        room: RoomId(uuid(row, 0)?),
        by: UserId(uuid(row, 1)?),
        at: millis(row.try_get(2)?),
        seq: row.try_get::<Option<i64>, _>(3)?.map(|seq| seq as u64),
        until: row.try_get::<Option<i64>, _>(4)?.map(millis),
        picture: Picture { image, width: side(5)?, height: side(6)? },
    })
}
