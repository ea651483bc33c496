//! Schema by number: one idempotent statement a file, each applied once and noted in `fc_schema`.

/// Number, name and statement.
pub type Migration = (i64, &'static str, &'static str);

macro_rules! migrations {
    ($folder:literal: $($number:literal $name:literal),+ $(,)?) => {
        &[$(($number, $name, include_str!(concat!("../../../migrations/", $folder, "/", $name, ".sql")))),+]
    };
}

/// What an embedded store is made of.
pub const SQLITE: &[Migration] = migrations! { "sqlite":
    1 "0001_schema",
    2 "0002_shard",
    3 "0003_gym",
    4 "0004_account",
    5 "0005_account_email",
    6 "0006_account_gym",
    7 "0007_user",
    8 "0008_user_change",
    9 "0009_class",
    10 "0010_class_start",
    11 "0011_class_wake",
    12 "0012_class_change",
    13 "0013_letter",
    14 "0014_letter_id",
    15 "0015_command",
    16 "0016_command_at",
    17 "0017_user_wake",
    18 "0018_node",
    19 "0019_lock",
    20 "0020_command_ttl",
    21 "0021_node_gc",
    22 "0022_outbox",
    23 "0023_outbox_gc",
    24 "0024_room",
    25 "0025_room_gym",
    26 "0026_room_event",
    27 "0027_room_event_at",
    28 "0028_revoked",
    29 "0029_person_word",
    30 "0030_person_word_gym",
    31 "0031_report",
    32 "0032_report_open",
    33 "0033_report_queue",
    34 "0034_report_reporter",
    35 "0035_report_decided",
    36 "0036_lexicon",
    37 "0037_image",
    38 "0038_image_message",
    39 "0039_image_until",
    40 "0040_image_by",
};

/// The same on the PostgreSQL wire, number by number.
pub const COCKROACH: &[Migration] = migrations! { "cockroach":
    1 "0001_schema",
    2 "0002_shard",
    3 "0003_gym",
    4 "0004_account",
    5 "0005_account_email",
    6 "0006_account_gym",
    7 "0007_user",
    8 "0008_user_change",
    9 "0009_class",
    10 "0010_class_start",
    11 "0011_class_wake",
    12 "0012_class_change",
    13 "0013_letter",
    14 "0014_letter_id",
    15 "0015_command",
    16 "0016_command_at",
    17 "0017_user_wake",
    18 "0018_node",
    19 "0019_lock",
    20 "0020_command_ttl",
    21 "0021_node_gc",
    22 "0022_outbox",
    23 "0023_outbox_gc",
    24 "0024_room",
    25 "0025_room_gym",
    26 "0026_room_event",
    27 "0027_room_event_at",
    28 "0028_revoked",
    29 "0029_person_word",
    30 "0030_person_word_gym",
    31 "0031_report",
    32 "0032_report_open",
    33 "0033_report_queue",
    34 "0034_report_reporter",
    35 "0035_report_decided",
    36 "0036_lexicon",
    37 "0037_image",
    38 "0038_image_message",
    39 "0039_image_until",
    40 "0040_image_by",
};

/// Where PostgreSQL needs other words than CockroachDB: its order of texts, its indexes, and no rows that expire.
const POSTGRES_OWN: &[Migration] = migrations! { "cockroach":
    4 "0004_account.postgres",
    16 "0016_command_at.postgres",
    20 "0020_command_ttl.postgres",
    21 "0021_node_gc.postgres",
    23 "0023_outbox_gc.postgres",
};

/// What is applied to PostgreSQL itself.
pub fn postgres() -> Vec<Migration> {
    let own = |number: i64| POSTGRES_OWN.iter().find(|(own, ..)| *own == number).copied();
    COCKROACH.iter().map(|each| own(each.0).unwrap_or(*each)).collect()
}

/// The event store of a single machine.
pub const SQLITE_EVENTS: &[Migration] = migrations! { "sqlite_events":
    1 "0001_schema",
    2 "0002_hr_window",
    3 "0003_hr_by_class",
    4 "0004_hr_by_user",
    5 "0005_class_event",
    6 "0006_class_change",
    7 "0007_activity",
};

/// How far a schema is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The last migration that was applied; 0 in an empty store.
    pub found: i64,
    /// The last that this program knows.
    pub known: i64,
    pub pending: Vec<Migration>,
}

/// Whether a store that is opened may be brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrating {
    Allowed,
    Forbidden,
}

impl Migrating {
    /// An error where something is missing and may not be added.
    pub fn check(self, status: &Status) -> Result<(), MigrateError> {
        match self {
            Migrating::Forbidden if !status.pending.is_empty() => {
                Err(MigrateError::Behind { found: status.found, known: status.known })
            }
            Migrating::Allowed | Migrating::Forbidden => Ok(()),
        }
    }
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(
        "the store has schema version {found}, this program knows {known}: a later version wrote it; start that one"
    )]
    FromTheFuture { found: i64, known: i64 },
    #[error(
        "the store has schema version {found}, this program needs {known}: run `fitconnect migrate up`, or allow it at start with \
         migrate_at_start = true"
    )]
    Behind { found: i64, known: i64 },
    #[error("migration {name}: {source}")]
    Failed { name: &'static str, source: sqlx::Error },
    #[error("the schema cannot be read: {0}")]
    Unreadable(sqlx::Error),
    #[error("the address of the database: {0}")]
    Address(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_idempotent_statement_in_order() {
        let postgres = postgres();
        let numbered =
            [SQLITE, SQLITE_EVENTS, COCKROACH, &postgres].into_iter().flat_map(|list| list.iter().enumerate());
        for (index, (number, name, statement)) in numbered {
            assert_eq!(*number, index as i64 + 1);
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
            assert_eq!(statement.matches(';').count(), 1, "{name}: one statement a file");
            let sets = ["if not exists", "select 1", " set (ttl", " configure zone"];
            assert!(sets.iter().any(|set| statement.contains(set)), "{name}: applied twice it changes nothing");
        }
        let names = |list: &[Migration]| list.iter().map(|(_, name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(SQLITE), names(COCKROACH), "numbered alike on both sides");
    }
}
