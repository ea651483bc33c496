//! What CockroachDB does not know, or knows otherwise, is in no statement: neither in the migrations nor in the store. Where a rule has a
//! source, it is CockroachDB's documentation; the others keep SQLite, PostgreSQL and CockroachDB on one text.

use super::migrate::{COCKROACH, SQLITE};

/// Where most differences are listed.
const COMPATIBILITY: &str = "https://www.cockroachlabs.com/docs/stable/postgresql-compatibility";
const PORTABLE: &str = "one text for three engines: storage design, \"SQL on three engines\"";

/// A word that must not stand in a statement, and why.
const DENIED: &[(&str, &str)] = &[
    ("serial", "https://www.cockroachlabs.com/docs/stable/serial: other numbers than a sequence's"),
    ("nextval", "https://www.cockroachlabs.com/docs/stable/create-sequence: a sequence is a hot row"),
    ("for update", "https://www.cockroachlabs.com/docs/stable/select-for-update: nothing to rely on"),
    ("for share", "https://www.cockroachlabs.com/docs/stable/select-for-update: nothing to rely on"),
    ("lock table", COMPATIBILITY),
    ("pg_advisory", "https://www.cockroachlabs.com/docs/stable/functions-and-operators: advisory locks are no-ops"),
    ("pg_try_advisory", "https://www.cockroachlabs.com/docs/stable/functions-and-operators: advisory locks are no-ops"),
    ("listen ", COMPATIBILITY),
    ("notify ", COMPATIBILITY),
    ("create trigger", COMPATIBILITY),
    ("create extension", COMPATIBILITY),
    ("create domain", COMPATIBILITY),
    ("create rule", COMPATIBILITY),
    ("drop primary key", COMPATIBILITY),
    ("exclude using", COMPATIBILITY),
    ("xml", COMPATIBILITY),
    ("merge into", COMPATIBILITY),
    ("deferrable", "https://www.cockroachlabs.com/docs/stable/constraints: not deferred"),
    ("declare ", "https://www.cockroachlabs.com/docs/stable/cursors: limited"),
    ("savepoint", "https://www.cockroachlabs.com/docs/stable/savepoint: one retry closure instead"),
    ("read committed", "https://www.cockroachlabs.com/docs/stable/read-committed: the fence is proved at SERIALIZABLE"),
    ("repeatable read", "https://www.cockroachlabs.com/docs/stable/transactions: the fence is proved at SERIALIZABLE"),
    ("alter column", "https://www.cockroachlabs.com/docs/stable/alter-table: changes of type are restricted"),
    ("rename column", "https://www.cockroachlabs.com/docs/stable/online-schema-changes: not beside a running server"),
    ("concurrently", "https://www.cockroachlabs.com/docs/stable/create-index: always so there, no word for it"),
    ("now()", PORTABLE),
    ("current_timestamp", PORTABLE),
    ("clock_timestamp", PORTABLE),
    ("random()", PORTABLE),
    ("gen_random_uuid", PORTABLE),
    ("select *", PORTABLE),
    ("returning *", PORTABLE),
    ("any(", PORTABLE),
    ("array", PORTABLE),
    ("json", PORTABLE),
    ("->", PORTABLE),
    ("ilike", PORTABLE),
    ("::", PORTABLE),
    ("limit all", PORTABLE),
    ("insert or ", PORTABLE),
    ("rowid,", PORTABLE),
];

/// Files with statements of the store.
const SOURCES: &[(&str, &str)] = &[
    ("body.rs", include_str!("body.rs")),
    ("commit.rs", include_str!("body/commit.rs")),
    ("lexicons.rs", include_str!("body/lexicons.rs")),
    ("load.rs", include_str!("body/load.rs")),
    ("names.rs", include_str!("body/names.rs")),
    ("outbox.rs", include_str!("body/outbox.rs")),
    ("own.rs", include_str!("body/own.rs")),
    ("reports.rs", include_str!("body/reports.rs")),
    ("rooms.rs", include_str!("body/rooms.rs")),
    ("people.rs", include_str!("body/people.rs")),
    ("copy.rs", include_str!("copy.rs")),
    ("copy_body.rs", include_str!("copy_body.rs")),
    ("heart.rs", include_str!("heart.rs")),
    ("migrator.rs", include_str!("migrator.rs")),
    ("turn.rs", include_str!("turn.rs")),
];

/// The string literals of a source that are statements or parts of them.
fn statements(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let literals = code.split('"').skip(1).step_by(2).map(str::to_lowercase);
    let words = ["select ", "insert ", "update ", "delete ", "with ", "begin", ") update", "on conflict", "where "];
    literals.filter(|text| words.iter().any(|word| text.trim_start().starts_with(word))).collect()
}

/// The rules that a statement breaks.
fn broken(statement: &str) -> Vec<&'static str> {
    let statement = statement.to_lowercase();
    DENIED.iter().filter(|(word, _)| statement.contains(word)).map(|(word, _)| *word).collect()
}

#[test]
fn no_statement_says_what_cockroach_does_not_know() {
    let mut checked = 0;
    for (file, source) in SOURCES {
        let found = statements(source);
        for statement in &found {
            assert_eq!(broken(statement), Vec::<&str>::new(), "{file}: {statement}");
        }
        checked += found.len();
    }
    for (_, name, statement) in COCKROACH.iter().chain(SQLITE) {
        // Rows that expire are CockroachDB's own, and its own way to write them.
        let own = name.ends_with("_ttl");
        let wrong: Vec<_> = broken(statement).into_iter().filter(|word| !own || *word != "::").collect();
        assert_eq!(wrong, Vec::<&str>::new(), "{name}: {statement}");
        checked += 1;
    }
    assert!(checked > 90, "only {checked} statements were found");
}

#[test]
fn what_is_denied_is_found() {
    for (statement, word) in [
        ("select id from fc_user where id = $1 for update", "for update"),
        ("create table t (id bigserial primary key)", "serial"),
        ("select pg_advisory_lock(1)", "pg_advisory"),
        ("SELECT * from fc_user", "select *"),
        ("select id from fc_user where id = any($1)", "any("),
    ] {
        assert!(broken(statement).contains(&word), "{statement}");
    }
    let found = statements("const A: &str = \"select 1\";\n// \"insert x\"\nconst B: &str = \"words\";");
    assert_eq!(found, ["select 1"]);
}
