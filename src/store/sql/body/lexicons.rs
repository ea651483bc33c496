//! The lists of words that gyms do not want to read: one row a gym, written whole.

use super::*;
use fitconnect_actors::body::{pack, unpack};
use fitconnect_actors::ports::*;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_protocol::{GymId, UserId};

const LEXICON: &str = "select body, set_by, at_us from fc_lexicon where gym_id = $1";
const SET: &str = "insert into fc_lexicon (gym_id, body, set_by, at_us) values ($1, $2, $3, $4) \
     on conflict (gym_id) do update set body = excluded.body, set_by = excluded.set_by, at_us = excluded.at_us";

impl SqlState {
    pub(super) async fn read_lexicon(&self, gym: GymId) -> Result<Option<SetLexicon>, StoreError> {
        let ask = || sqlx::query(LEXICON).bind(gym.0);
        let row = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_optional(line))).map_err(unavailable)?;
        let Some(row) = row else { return Ok(None) };
        let body: Vec<u8> = row.try_get(0).map_err(unavailable)?;
        let by = UserId(uuid(&row, 1).map_err(unavailable)?);
        let at = millis(row.try_get(2).map_err(unavailable)?);
        Ok(Some(SetLexicon { lexicon: unpack(&body, "a list of words")?, by, at }))
    }

    pub(super) async fn write_lexicon(&self, gym: GymId, set: &SetLexicon) -> Result<(), StoreError> {
        let SetLexicon { lexicon, by, at } = set;
        let ask = || sqlx::query(SET).bind(gym.0).bind(pack::<Lexicon>(lexicon)).bind(by.0).bind(us(*at));
        retry!(self, "lexicon", on_line!(self.common(), |line| ask().execute(line))).map_err(unavailable).map(drop)
    }
}
