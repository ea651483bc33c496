//! Who owns a shared database: one that is alive keeps it, one that is dead or gone loses it, two that come at once share nothing.

use super::heart::Heart;
use super::migrate::Migrating;
use super::scratch::{self, Schema};
use super::suite::run;
use super::{Engine, OwnError, postgres};
use crate::store::lease::{HELD, Lease, SUSPECT};
use crate::store::node::Node;
use fitconnect_actors::ports::{Commit, Committed, StateStore};
use fitconnect_domain::ActorKey;
use fitconnect_protocol::{ClassId, Uuid};
use std::time::Instant;

fn node(name: &str) -> Node {
    Node { id: Uuid::now_v7(), incarnation: Uuid::now_v7(), addr: name.into() }
}

async fn open(schema: &Schema) -> postgres::SqlState {
    postgres::open(&schema.url, Migrating::Allowed).await.expect("opened")
}

/// Takes it and keeps it alive.
async fn alive(store: &postgres::SqlState, schema: &Schema, node: &Node) -> (Heart, std::sync::Arc<Lease>) {
    let lease = Lease::new(Instant::now());
    store.own(node).await.expect("taken");
    store.guard(lease.clone());
    (Heart::start(&schema.url, node.clone(), lease.clone()).expect("a thread"), lease)
}

async fn stopped(heart: Heart) {
    tokio::task::spawn_blocking(|| heart.stop()).await.expect("no panic");
}

fn birth(epoch: u64) -> Commit {
    let key = ActorKey::Class(ClassId(Uuid::from_u128(9)));
    Commit { epoch, row: super::suite::class_row(1), ..super::suite::bare(key) }
}

#[test]
fn a_living_owner_is_named_and_keeps_what_is_its() {
    run(async {
        let Some(schema) = Schema::new(scratch::POSTGRES).await else { return };
        let (first, second) = (open(&schema).await, open(&schema).await);
        let (heart, lease) = alive(&first, &schema, &node("the first")).await;
        let Err(OwnError::Alive { addr }) = second.own(&node("the second")).await else { panic!("two owners") };
        assert_eq!(addr, "the first");
        assert!(lease.is_held());
        stopped(heart).await;
        let began = Instant::now();
        second.own(&node("the second")).await.expect("the first has left");
        assert!(began.elapsed() < HELD, "one that left need not be waited for");
        first.close().await;
        second.close().await;
    });
}

#[test]
fn a_dead_owner_is_followed_and_what_it_still_writes_is_fenced() {
    run(async {
        let Some(schema) = Schema::new(scratch::POSTGRES).await else { return };
        let (first, second) = (open(&schema).await, open(&schema).await);
        // It never beats: as one that was killed.
        first.own(&node("the first")).await.expect("taken");
        let epoch = first.load(birth(0).key).await.expect("a read").epoch;
        let began = Instant::now();
        second.own(&node("the second")).await.expect("taken over");
        assert!(began.elapsed() >= SUSPECT, "{:?}", began.elapsed());
        assert_eq!(first.commit(vec![birth(epoch)]).await, [Committed::Fenced]);
        assert_eq!(second.commit(vec![birth(epoch + 1)]).await, [Committed::Done(1)]);
        first.close().await;
        second.close().await;
    });
}

#[test]
fn one_whose_node_was_taken_over_is_told_and_acknowledges_nothing() {
    run(async {
        let Some(schema) = Schema::new(scratch::POSTGRES).await else { return };
        let (first, second) = (open(&schema).await, open(&schema).await);
        let (old, new) = (node("the old life"), node("the new life"));
        let (heart, lease) = alive(&first, &schema, &old).await;
        // The same folder again, whose lock was free: no need to watch.
        second.own(&Node { id: old.id, ..new }).await.expect("taken over at once");
        assert_eq!(lease.lost().await, "the new life");
        let commits = first.commit(vec![birth(1)]).await;
        assert!(matches!(&commits[0], Committed::Unknown(why) if why.contains("ownership")), "{commits:?}");
        stopped(heart).await;
        first.close().await;
        second.close().await;
    });
}

#[test]
fn of_two_that_come_at_once_one_becomes_the_owner() {
    run(async {
        let Some(schema) = Schema::new(scratch::POSTGRES).await else { return };
        let stores = (open(&schema).await, open(&schema).await);
        let one = async |store: &postgres::SqlState, name: &str| {
            let node = node(name);
            store.own(&node).await?;
            Ok::<_, OwnError>(Heart::start(&schema.url, node, Lease::new(Instant::now())).expect("a thread"))
        };
        let (first, second) = tokio::join!(one(&stores.0, "one"), one(&stores.1, "two"));
        let mut owners = 0;
        for heart in [first, second].into_iter().flatten() {
            owners += 1;
            stopped(heart).await;
        }
        assert_eq!(owners, 1);
        stores.0.close().await;
        stores.1.close().await;
    });
}
