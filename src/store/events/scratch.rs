//! A keyspace of its own for each test, in a Cassandra that the environment names. It goes when the test ends.

use super::Cluster;
use fitconnect_protocol::Uuid;
use scylla::client::session_builder::SessionBuilder;

/// Where tests find a Cassandra: `host:port`. `cargo xtask test` sets it.
pub const CASSANDRA: &str = "FITCONNECT_TEST_CASSANDRA";

pub struct Keyspace(pub Cluster);

impl Keyspace {
    /// `None`, said aloud, where the environment names none.
    pub fn new() -> Option<Keyspace> {
        let Some(node) = std::env::var(CASSANDRA).ok().filter(|node| !node.is_empty()) else {
            eprintln!("SKIPPED: {CASSANDRA} is not set; `cargo xtask test` sets it, or give host:port of one");
            return None;
        };
        let keyspace = format!("fc_test_{}", Uuid::now_v7().simple());
        Some(Keyspace(Cluster { nodes: vec![node], keyspace, login: None }))
    }
}

impl Drop for Keyspace {
    fn drop(&mut self) {
        let Cluster { nodes, keyspace, .. } = self.0.clone();
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let session = SessionBuilder::new().known_nodes(nodes).build().await.expect("Cassandra answers");
                let drop = format!("drop keyspace if exists {keyspace}");
                session.query_unpaged(drop, ()).await.expect("dropped");
            });
        });
        // The test has its own word to say where this one failed.
        let _ = gone.join();
    }
}
