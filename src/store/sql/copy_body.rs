//! Reading and writing whole tables, for the copy from one engine to another.

use super::super::copy::{Cell, Fingerprint, Kind, PAGE, Table};
use super::super::rows::{cut, many};
use super::{BEGIN, Db};
use fitconnect_protocol::Uuid;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Pool, Row as _};

type Ask<'q> = Query<'q, Db, <Db as sqlx::Database>::Arguments>;
type SqlRow = <Db as sqlx::Database>::Row;

fn bind<'q>(ask: Ask<'q>, kind: Kind, cell: &Cell) -> Ask<'q> {
    match (kind, cell.clone()) {
        (_, Cell::Uuid(value)) => ask.bind(value),
        (_, Cell::Int(value)) => ask.bind(value),
        (_, Cell::Text(value)) => ask.bind(value),
        (_, Cell::Bytes(value)) => ask.bind(value),
        (Kind::Uuid, Cell::Null) => ask.bind(None::<Uuid>),
        (Kind::Int, Cell::Null) => ask.bind(None::<i64>),
        (Kind::Text, Cell::Null) => ask.bind(None::<String>),
        (Kind::Bytes, Cell::Null) => ask.bind(None::<Vec<u8>>),
    }
}

fn cell(row: &SqlRow, column: usize, kind: Kind) -> sqlx::Result<Cell> {
    Ok(match kind {
        Kind::Uuid => row.try_get::<Option<Uuid>, _>(column)?.map_or(Cell::Null, Cell::Uuid),
        Kind::Int => row.try_get::<Option<i64>, _>(column)?.map_or(Cell::Null, Cell::Int),
        Kind::Text => row.try_get::<Option<String>, _>(column)?.map_or(Cell::Null, Cell::Text),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(column)?.map_or(Cell::Null, Cell::Bytes),
    })
}

fn cells(row: &SqlRow, columns: &[(&'static str, Kind)]) -> sqlx::Result<Vec<Cell>> {
    columns.iter().enumerate().map(|(place, (_, kind))| cell(row, place, *kind)).collect()
}

/// The next rows in order of their key.
pub async fn page(pool: &Pool<Db>, table: &Table, after: Option<&[Cell]>) -> sqlx::Result<Vec<Vec<Cell>>> {
    let (columns, key) = (table.names(table.columns.len()), table.names(table.key));
    let places: Vec<String> = (1..=table.key).map(|place| format!("${place}")).collect();
    let behind = after.map_or(String::new(), |_| format!("where ({key}) > ({})", places.join(", ")));
    let text = format!("select {columns} from {} {behind} order by {key} limit {PAGE}", table.name);
    let mut ask = sqlx::query(AssertSqlSafe(text));
    for (cell, (_, kind)) in after.unwrap_or_default().iter().zip(table.columns) {
        ask = bind(ask, *kind, cell);
    }
    ask.fetch_all(pool).await?.iter().map(|row| cells(row, table.columns)).collect()
}

/// The last key that is there.
pub async fn last(pool: &Pool<Db>, table: &Table) -> sqlx::Result<Option<Vec<Cell>>> {
    let text = format!("select {} from {} order by {} limit 1", table.names(table.key), table.name, table.backwards());
    let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(pool).await?;
    row.map(|row| cells(&row, &table.columns[..table.key])).transpose()
}

/// One transaction: a page is there, or it is not.
pub async fn write(pool: &Pool<Db>, table: &Table, rows: &[Vec<Cell>]) -> sqlx::Result<()> {
    let head = format!("insert into {} ({}) values", table.name, table.names(table.columns.len()));
    let tail = format!("on conflict ({}) do nothing", table.names(table.key));
    let mut tx = pool.begin_with(BEGIN).await?;
    for part in cut(rows) {
        let mut insert = sqlx::query(AssertSqlSafe(many(&head, table.columns.len(), part.len(), &tail)));
        for row in part {
            for (cell, (_, kind)) in row.iter().zip(table.columns) {
                insert = bind(insert, *kind, cell);
            }
        }
        insert.execute(&mut *tx).await?;
    }
    tx.commit().await
}

/// Number and hash of all rows in order.
pub async fn fingerprint(pool: &Pool<Db>, table: &Table) -> sqlx::Result<Fingerprint> {
    let mut found = Fingerprint::default();
    let mut after: Option<Vec<Cell>> = None;
    loop {
        let rows = page(pool, table, after.as_deref()).await?;
        rows.iter().for_each(|row| found.add(row));
        let Some(last) = rows.last().filter(|_| rows.len() >= PAGE) else { return Ok(found) };
        after = Some(last[..table.key].to_vec());
    }
}
