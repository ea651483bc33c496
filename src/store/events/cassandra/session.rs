//! The line to the cluster: made when it can be, one for the life of the process, with every statement prepared. What goes wrong is
//! told apart: the cluster has too much to do, it is away, or it will never take this.

use super::schema;
use crate::store::events::Cluster;
use fitconnect_actors::ports::StoreError;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::deserialize::row::DeserializeRow;
use scylla::errors::{
    DbError, ExecutionError, NewSessionError, PagerExecutionError, PrepareError, RequestAttemptError,
};
use scylla::serialize::row::SerializeRow;
use scylla::statement::Consistency;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use std::time::Duration;

/// A request that has no answer by then has failed; it is idempotent and comes again.
const ANSWER: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(3);
/// Rows of a page: a chunk has some hundred bytes.
const PAGE_ROWS: i32 = 1_000;

const ADD_BUCKET: &str = "insert into class_bucket (class_id, bucket) values (?, ?) using timestamp ?";
const BUCKETS: &str = "select bucket from class_bucket where class_id = ?";
const ADD_CHUNK: &str = "insert into hr_by_class (class_id, bucket, slot, source, win, node, samples) values (?, ?, ?, ?, ?, ?, ?) using timestamp ?";
const CHUNKS: &str = "select samples from hr_by_class where class_id = ? and bucket = ? and slot = ?";
/// Filters within one partition: it reads what the bucket has and sends what is wanted.
const CHUNKS_SINCE: &str =
    "select samples from hr_by_class where class_id = ? and bucket = ? and slot = ? and win >= ? allow filtering";
const CHUNKS_OF: &str = "select samples from hr_by_class where class_id = ? and bucket = ? and slot = ? and source = ?";
const ADD_EVENT: &str = "insert into class_event (class_id, win, node, number, at, kind, body) values (?, ?, ?, ?, ?, ?, ?) using timestamp ?";
const EVENTS: &str = "select win, node, number, at, kind, body from class_event where class_id = ?";
const ADD_CLASS_CHANGE: &str =
    "insert into class_change (class_id, seq, at, kind, body) values (?, ?, ?, ?, ?) using timestamp ?";
const CLASS_CHANGES: &str = "select seq, at, kind, body from class_change where class_id = ? and seq >= ? limit ?";
const ADD_ACTIVITY: &str =
    "insert into activity (user_id, month, seq, at, kind, body) values (?, ?, ?, ?, ?, ?) using timestamp ?";
const ACTIVITY: &str = "select seq, at, kind, body from activity where user_id = ? and month = ?";
const ADD_DAY: &str = "insert into hr_day (user_id, day, class_id) values (?, ?, ?) using timestamp ?";
const DROP_DAY: &str = "delete from hr_day using timestamp ? where user_id = ? and day = ? and class_id = ?";
const DAYS: &str = "select day, class_id from hr_day where user_id = ? and day >= ? and day <= ?";
const ADD_SERIES: &str =
    "insert into hr_by_user (user_id, day, class_id, t10, samples) values (?, ?, ?, ?, ?) using timestamp ?";
const DROP_SERIES: &str = "delete from hr_by_user using timestamp ? where user_id = ? and day = ? and class_id = ?";
const SERIES: &str = "select class_id, t10, samples from hr_by_user where user_id = ? and day = ?";

#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// Fewer at a time, then.
    #[error("{0}")]
    Pressed(String),
    #[error("{0}")]
    Away(String),
    /// It answers, and takes this not now and not later.
    #[error("{0}")]
    Refused(String),
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> StoreError {
        StoreError::Unavailable(format!("Cassandra: {fault}"))
    }
}

impl From<ExecutionError> for Fault {
    fn from(error: ExecutionError) -> Fault {
        let said = error.to_string();
        match error {
            ExecutionError::RequestTimeout(_) => Fault::Pressed(said),
            ExecutionError::LastAttemptError(attempt) => Fault::attempt(&attempt, said),
            ExecutionError::ConnectionPoolError(_) | ExecutionError::EmptyPlan => Fault::Away(said),
            _ => Fault::Refused(said),
        }
    }
}

impl Fault {
    fn attempt(error: &RequestAttemptError, said: String) -> Fault {
        match error {
            RequestAttemptError::DbError(
                DbError::Overloaded
                | DbError::WriteTimeout { .. }
                | DbError::ReadTimeout { .. }
                | DbError::RateLimitReached { .. },
                _,
            )
            | RequestAttemptError::UnableToAllocStreamId => Fault::Pressed(said),
            RequestAttemptError::DbError(DbError::Unavailable { .. } | DbError::IsBootstrapping, _)
            | RequestAttemptError::BrokenConnectionError(_) => Fault::Away(said),
            _ => Fault::Refused(said),
        }
    }
}

pub struct Line {
    session: Session,
    pub add_bucket: PreparedStatement,
    pub buckets: PreparedStatement,
    pub add_chunk: PreparedStatement,
    pub chunks: PreparedStatement,
    pub chunks_of: PreparedStatement,
    pub chunks_since: PreparedStatement,
    pub add_event: PreparedStatement,
    pub events: PreparedStatement,
    pub add_class_change: PreparedStatement,
    pub class_changes: PreparedStatement,
    pub add_activity: PreparedStatement,
    pub activity: PreparedStatement,
    pub add_day: PreparedStatement,
    pub drop_day: PreparedStatement,
    pub days: PreparedStatement,
    pub add_series: PreparedStatement,
    pub drop_series: PreparedStatement,
    pub series: PreparedStatement,
}

impl Line {
    pub async fn open(cluster: &Cluster) -> Result<Line, Fault> {
        let profile = ExecutionProfile::builder().consistency(Consistency::LocalQuorum).request_timeout(Some(ANSWER));
        let builder = SessionBuilder::new()
            .known_nodes(&cluster.nodes)
            .connection_timeout(CONNECT)
            .default_execution_profile_handle(profile.build().into_handle());
        let builder = match &cluster.login {
            Some((user, password)) => builder.user(user, password),
            None => builder,
        };
        let session = builder.build().await.map_err(|error| match error {
            // Also where the log-in is refused: it says so, and a cluster that comes up refuses for a while.
            NewSessionError::MetadataError(_) | NewSessionError::FailedToResolveAnyHostname(_) => {
                Fault::Away(error.to_string())
            }
            _ => Fault::Refused(error.to_string()),
        })?;
        schema::prepare(&session, &cluster.keyspace).await?;
        let prepare = async |statement: &str| {
            let mut prepared = session.prepare(statement).await.map_err(|error| match error {
                PrepareError::AllAttemptsFailed { .. } => Fault::Refused(error.to_string()),
                _ => Fault::Away(error.to_string()),
            })?;
            prepared.set_is_idempotent(true);
            prepared.set_page_size(PAGE_ROWS);
            Ok::<_, Fault>(prepared)
        };
        Ok(Line {
            add_bucket: prepare(ADD_BUCKET).await?,
            buckets: prepare(BUCKETS).await?,
            add_chunk: prepare(ADD_CHUNK).await?,
            chunks: prepare(CHUNKS).await?,
            chunks_of: prepare(CHUNKS_OF).await?,
            chunks_since: prepare(CHUNKS_SINCE).await?,
            add_event: prepare(ADD_EVENT).await?,
            events: prepare(EVENTS).await?,
            add_class_change: prepare(ADD_CLASS_CHANGE).await?,
            class_changes: prepare(CLASS_CHANGES).await?,
            add_activity: prepare(ADD_ACTIVITY).await?,
            activity: prepare(ACTIVITY).await?,
            add_day: prepare(ADD_DAY).await?,
            drop_day: prepare(DROP_DAY).await?,
            days: prepare(DAYS).await?,
            add_series: prepare(ADD_SERIES).await?,
            drop_series: prepare(DROP_SERIES).await?,
            series: prepare(SERIES).await?,
            session,
        })
    }

    /// One row, or a batch of rows of one partition.
    pub async fn write<R: SerializeRow>(&self, statement: &PreparedStatement, rows: &[R]) -> Result<(), Fault> {
        if let [row] = rows {
            self.session.execute_unpaged(statement, row).await?;
            return Ok(());
        }
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_is_idempotent(true);
        rows.iter().for_each(|_| batch.append_statement(statement.clone()));
        self.session.batch(&batch, rows).await?;
        Ok(())
    }

    /// Rows page by page as they come.
    pub async fn read<T>(
        &self,
        statement: &PreparedStatement,
        key: impl SerializeRow,
    ) -> Result<BoxStream<'static, Result<T, Fault>>, Fault>
    where
        T: for<'f, 'm> DeserializeRow<'f, 'm> + Send + 'static,
    {
        let pages = self.session.execute_iter(statement.clone(), key).await.map_err(Line::paged)?;
        let rows = pages.rows_stream::<T>().map_err(|error| Fault::Refused(error.to_string()))?;
        Ok(rows.map_err(|error| Fault::Away(error.to_string())).boxed())
    }

    pub fn paged(error: PagerExecutionError) -> Fault {
        Fault::Away(error.to_string())
    }
}
