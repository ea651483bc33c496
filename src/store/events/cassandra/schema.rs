//! The keyspace: idempotent CQL, one statement a file, each applied once and noted in `fc_schema`. How tables are compacted depends
//! on the server's version, and how long rows stay on the table.

use super::session::{Fault, Line};
use futures_util::TryStreamExt;
use scylla::client::session::Session;

/// Number, name, statement, and how many days its rows stay.
type Migration = (i32, &'static str, &'static str, Option<u32>);

/// A class's samples and events: as long as somebody may ask for its summary again, and for a year's statistics.
const CLASS_DAYS: u32 = 400;
/// A member's own series.
const USER_DAYS: u32 = 5 * 366;
/// Windows of a table in time: more are slow to read, fewer keep what has expired (TWCS, Cassandra's own documentation: 20 to 30).
const TIME_WINDOWS: u32 = 25;
/// Copies of each row where we make the keyspace, as far as there are nodes.
const COPIES: usize = 3;

macro_rules! migrations {
    ($($number:literal $name:literal $days:expr),+ $(,)?) => {
        &[$(($number, $name, include_str!(concat!("../../../../migrations/cassandra/", $name, ".cql")), $days)),+]
    };
}

const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_schema" None,
    2 "0002_class_bucket" Some(CLASS_DAYS),
    3 "0003_hr_by_class" Some(CLASS_DAYS),
    4 "0004_class_event" Some(CLASS_DAYS),
    5 "0005_hr_day" Some(USER_DAYS),
    6 "0006_hr_by_user" Some(USER_DAYS),
    7 "0007_class_change" Some(CLASS_DAYS),
    8 "0008_activity" Some(USER_DAYS),
};

/// Makes the keyspace and its tables, as far as they are not there.
pub async fn prepare(session: &Session, keyspace: &str) -> Result<(), Fault> {
    let copies = session.get_cluster_state().get_nodes_info().len().clamp(1, COPIES);
    let make = format!(
        "create keyspace if not exists {keyspace} with replication = \
         {{'class': 'NetworkTopologyStrategy', 'replication_factor': {copies}}}"
    );
    session.query_unpaged(make, ()).await?;
    session.use_keyspace(keyspace, false).await.map_err(|error| Fault::Refused(error.to_string()))?;
    let version = text(session, "select release_version from system.local").await?;
    let (_, _, first, _) = MIGRATIONS[0];
    session.query_unpaged(first, ()).await?;
    let applied = versions(session).await?;
    let known = MIGRATIONS.len() as i32;
    if let Some(found) = applied.iter().copied().find(|version| *version > known) {
        return Err(Fault::Refused(format!(
            "the keyspace {keyspace} has schema version {found}, this program knows {known}: a later version wrote it; start that one"
        )));
    }
    for (number, name, statement, days) in MIGRATIONS.iter().filter(|(number, ..)| !applied.contains(number)) {
        session.query_unpaged(filled(statement, &version, *days), ()).await?;
        // For everybody who looks: nothing depends on when it was written.
        session.query_unpaged("insert into fc_schema (version, name) values (?, ?)", (number, name)).await?;
    }
    Ok(())
}

async fn text(session: &Session, query: &str) -> Result<String, Fault> {
    let answer = session.query_unpaged(query, ()).await?;
    let rows = answer.into_rows_result().map_err(|error| Fault::Refused(error.to_string()))?;
    let (text,) = rows.single_row::<(String,)>().map_err(|error| Fault::Refused(error.to_string()))?;
    Ok(text)
}

async fn versions(session: &Session) -> Result<Vec<i32>, Fault> {
    let pages = session.query_iter("select version from fc_schema", ()).await.map_err(Line::paged)?;
    let rows = pages.rows_stream::<(i32,)>().map_err(|error| Fault::Refused(error.to_string()))?;
    rows.map_ok(|(version,)| version).try_collect().await.map_err(|error| Fault::Refused(error.to_string()))
}

/// UCS came with 5.0; what speaks the same and counts otherwise (ScyllaDB says 3.x) knows TWCS.
fn filled(statement: &str, version: &str, days: Option<u32>) -> String {
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
    let days = days.unwrap_or_default();
    let compaction = if major >= 5 {
        "{'class': 'UnifiedCompactionStrategy'}".to_owned()
    } else {
        let size = days.div_ceil(TIME_WINDOWS).max(1);
        format!(
            "{{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': {size}}}"
        )
    };
    statement.replace("{compaction}", &compaction).replace("{ttl}", &(days * 86_400).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_idempotent_statement_in_order() {
        for (index, (number, name, statement, days)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(*number, index as i32 + 1);
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
            assert_eq!(statement.matches(';').count(), 1, "{name}: one statement a file");
            assert!(statement.contains("if not exists"), "{name}: applied twice it changes nothing");
            assert_eq!(days.is_some(), statement.contains("{ttl}"), "{name}: every table of events says how long");
            let filled = filled(statement, "5.0.8", *days);
            assert!(!filled.contains("{ttl}") && !filled.contains("{compaction}"), "{filled}");
        }
    }

    #[test]
    fn the_version_says_how_tables_are_compacted() {
        let of = |version| filled("{compaction} {ttl}", version, Some(400));
        assert_eq!(of("5.0.8"), "{'class': 'UnifiedCompactionStrategy'} 34560000");
        assert!(of("4.1.3").contains("'compaction_window_size': 16"), "{}", of("4.1.3"));
        assert!(of("3.0.8").contains("TimeWindow"));
    }
}
