//! People by the words of their names. Words are bytes, so that every engine orders them alike.

use super::super::super::rows::{cut, many};
use super::*;
use fitconnect_actors::ports::*;
use fitconnect_domain::words::{behind, words_of};
use fitconnect_protocol::limits::PEOPLE_WORDS_MAX;
use fitconnect_protocol::{GymId, UserId};
use sqlx::AssertSqlSafe;

const ADD_WORDS: (&str, &str) =
    ("insert into fc_person_word (user_id, word, gym_id) values", "on conflict (user_id, word) do nothing");
const DROP_WORDS: &str = "delete from fc_person_word where user_id = $1";
const PEOPLE: &str =
    "select a.user_id, a.name from fc_account as a where a.gym_id = $1 and a.role in ('member', 'trainer', 'admin')";
const WITH_WORD: &str = "and a.user_id in (select w.user_id from fc_person_word as w where w.gym_id = $1 and w.word >=";
/// Accounts of before there were words, behind this one.
const WORDLESS: &str = "select a.user_id, a.gym_id, a.name from fc_account as a where a.user_id > $1 \
     and not exists (select 1 from fc_person_word as w where w.user_id = a.user_id) order by a.user_id limit $2";
const WORDLESS_AT_ONCE: i64 = 200;

/// Notes the words of these people's names.
pub(super) async fn add_words(conn: &mut Conn, people: &[(Uuid, Uuid, &str)]) -> sqlx::Result<()> {
    let words = people.iter().flat_map(|(user, gym, name)| words_of(name).into_iter().map(|word| (*user, word, *gym)));
    for part in cut(&words.collect::<Vec<_>>()) {
        let (head, tail) = ADD_WORDS;
        let mut insert = sqlx::query(AssertSqlSafe(many(head, 3, part.len(), tail)));
        for (user, word, gym) in part {
            insert = insert.bind(*user).bind(word.as_bytes()).bind(*gym);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

pub(super) async fn drop_words(conn: &mut Conn, user: Uuid) -> sqlx::Result<()> {
    sqlx::query(DROP_WORDS).bind(user).execute(conn).await.map(drop)
}

/// One page of people without words gets theirs; the last of them, `None` where there was none.
async fn add_missing(conn: &mut Conn, after: Uuid) -> sqlx::Result<Option<Uuid>> {
    let rows = sqlx::query(WORDLESS).bind(after).bind(WORDLESS_AT_ONCE).fetch_all(&mut *conn).await?;
    let person = |row: &SqlRow| Ok((uuid(row, 0)?, uuid(row, 1)?, row.try_get::<String, _>(2)?));
    let people = rows.iter().map(person).collect::<sqlx::Result<Vec<_>>>()?;
    let named: Vec<_> = people.iter().map(|(user, gym, name)| (*user, *gym, name.as_str())).collect();
    add_words(conn, &named).await?;
    Ok(people.last().map(|(user, ..)| *user))
}

impl SqlState {
    /// People who have an account of before names were looked for by words.
    pub(super) async fn add_missing_words(&self) -> Result<(), StoreError> {
        let mut after = Uuid::nil();
        while let Some(last) =
            retry!(self, "names", on_line!(self.common(), |line| add_missing(line, after))).map_err(unavailable)?
        {
            after = last;
        }
        Ok(())
    }

    pub(super) async fn find_people(
        &self,
        gym: GymId,
        words: &[String],
        limit: u32,
    ) -> Result<Vec<(UserId, String)>, StoreError> {
        let words = &words[..words.len().min(PEOPLE_WORDS_MAX)];
        let with = |place: usize| format!("{WITH_WORD} ${} and w.word < ${})", 2 * place + 2, 2 * place + 3);
        let with: Vec<String> = (0..words.len()).map(with).collect();
        let limit_at = 2 * words.len() + 2;
        let text = format!("{PEOPLE} {} order by a.name, a.user_id limit ${limit_at}", with.join(" "));
        let ask = || {
            let mut ask = sqlx::query(AssertSqlSafe(text.clone())).bind(gym.0);
            for word in words {
                ask = ask.bind(word.as_bytes()).bind(behind(word));
            }
            ask.bind(i64::from(limit))
        };
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        let person = |row: &SqlRow| Ok((UserId(uuid(row, 0)?), row.try_get(1)?));
        rows.iter().map(person).collect::<sqlx::Result<_>>().map_err(unavailable)
    }
}
