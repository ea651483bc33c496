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
};

/// The event store of a single machine.
pub const SQLITE_EVENTS: &[Migration] = migrations! { "sqlite_events":
    1 "0001_schema",
    2 "0002_hr_window",
    3 "0003_hr_by_class",
    4 "0004_hr_by_user",
    5 "0005_class_event",
};

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(
        "the store has schema version {found}, this program knows {known}: a later version wrote it; start that one"
    )]
    FromTheFuture { found: i64, known: i64 },
    #[error("migration {name}: {source}")]
    Failed { name: &'static str, source: sqlx::Error },
    #[error("the schema cannot be read: {0}")]
    Unreadable(sqlx::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_idempotent_statement_in_order() {
        let numbered = [SQLITE, SQLITE_EVENTS].into_iter().flat_map(|list| list.iter().enumerate());
        for (index, (number, name, statement)) in numbered {
            assert_eq!(*number, index as i64 + 1);
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
            assert_eq!(statement.matches(';').count(), 1, "{name}: one statement a file");
            assert!(statement.contains("if not exists"), "{name}: applied twice it changes nothing");
        }
    }
}
