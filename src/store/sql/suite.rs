//! What every state store must do, as tests over the trait. An engine joins with one line at `engine!`.

use super::Engine;
use super::migrate::Migrating;
use super::scratch::{self, Schema};
use crate::store;
use fitconnect_actors::body::pack;
use fitconnect_actors::ports::*;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_domain::report::{Decision, Entry, Report};
use fitconnect_domain::room::Reporting;
use fitconnect_domain::user::Stored;
use fitconnect_domain::{ActorKey, Letter, LetterBody, LetterId, Millis};
use fitconnect_protocol::limits::REPORT_KEPT_MS;
use fitconnect_protocol::report::{OnWords, ReportReason, Verdict};
use fitconnect_protocol::room::RoomKind;
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{ClassId, CmdId, GymId, RoomId, UserId, Uuid};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::future::Future;

const GYM: GymId = GymId(Uuid::from_u128(1));
const ANA: UserId = UserId(Uuid::from_u128(2));
const CLASS: ClassId = ClassId(Uuid::from_u128(3));
const KEY: ActorKey = ActorKey::Class(CLASS);

/// A fresh store and whatever keeps it alive. `None` where the engine is not to be had.
async fn sqlite() -> Option<(super::sqlite::SqlState, store::Temporary)> {
    let folder = store::Temporary::new().expect("a folder");
    let store = super::sqlite::open(&folder.path().join("state.db")).await.expect("a new store");
    store.claim_shards().await.expect("all shards");
    Some((store, folder))
}

async fn on_the_wire(variable: &str) -> Option<(super::postgres::SqlState, Schema)> {
    let schema = Schema::new(variable).await?;
    let store = super::postgres::open(&schema.url, Migrating::Allowed).await.expect("a new store");
    store.claim_shards().await.expect("all shards");
    Some((store, schema))
}

async fn postgres() -> Option<(super::postgres::SqlState, Schema)> {
    on_the_wire(scratch::POSTGRES).await
}

async fn cockroach() -> Option<(super::postgres::SqlState, Schema)> {
    on_the_wire(scratch::COCKROACH).await
}

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// What a store must do, by name.
pub(super) type Case = (&'static str, for<'s> fn(&'s dyn Engine) -> BoxFuture<'s, ()>);

macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        pub(super) const CASES: &[Case] = &[$((stringify!($case), |store| $case(store).boxed())),+];
        engine! { sqlite: $($case),+ }
        engine! { postgres: $($case),+ }
        engine! { cockroach: $($case),+ }
    };
}

macro_rules! engine {
    ($engine:ident: $($case:ident),+) => {
        mod $engine {
            $(#[test] fn $case() {
                super::run(async {
                    let Some((store, _keep)) = super::$engine().await else { return };
                    super::$case(&store).await;
                    super::Engine::close(&store).await;
                })
            })+
        }
    };
}

cases! {
    a_class_is_written_and_read_back,
    two_lives_cannot_both_write,
    a_stolen_shard_fences,
    a_fenced_actor_is_left_out_alone,
    a_crowd_commits_at_once,
    a_letter_is_handled_once,
    answers_are_kept_and_swept,
    alarms_are_found_when_due,
    people_log_in_by_email,
    screens_are_listed_and_put_out,
    people_are_found_by_the_words_of_their_names,
    summaries_are_paged_backwards,
    what_changed_waits_in_the_outbox,
    a_room_keeps_its_numbers,
    a_deleted_message_is_nowhere_read_again,
    a_room_is_read_in_pages,
    reports_wait_until_they_are_decided,
    a_gym_has_one_list_of_words,
}

fn change(seq: u64, body: &[u8]) -> StoredChange {
    StoredChange { seq, at: Millis(seq), kind: "moved", body: body.to_vec(), rewrites: vec![] }
}

pub(in crate::store) fn class_row(people: u32) -> Option<Row> {
    let (name, hall, trainer, stage) = ("HIIT".into(), "A".into(), "Tom".into(), "running".into());
    Some(Row::Class(ClassRow { gym: GYM, name, hall, trainer, starts_at_ms: 5_000, stage, people }))
}

/// A commit that says nothing.
pub(in crate::store) fn bare(key: ActorKey) -> Commit {
    let (row, wake_at) = (None, None);
    Commit {
        key,
        epoch: 0,
        rev: 0,
        row,
        changes: vec![],
        wake_at,
        letters: vec![],
        received: vec![],
        answers: vec![],
        reports: vec![],
    }
}

async fn commit_of(store: &dyn StateStore, key: ActorKey, rev: u64) -> Commit {
    let epoch = store.load(key).await.expect("a read").epoch;
    let row = if matches!(key, ActorKey::Class(_)) { class_row(rev as u32) } else { None };
    Commit { epoch, rev, row, ..bare(key) }
}

async fn one(store: &dyn StateStore, commit: Commit) -> Committed {
    store.commit(vec![commit]).await.pop().expect("one result")
}

async fn a_class_is_written_and_read_back(store: &dyn StateStore) {
    let empty = store.load(KEY).await.expect("a read");
    assert!(empty.epoch > 0, "the shards were claimed");
    assert_eq!((empty.rev, empty.changes.len()), (0, 0));
    let mut first = commit_of(store, KEY, 0).await;
    first.changes = (1..=100).map(|seq| change(seq, &[seq as u8])).collect();
    first.wake_at = Some(Some(Millis(77)));
    assert_eq!(one(store, first).await, Committed::Done(1));
    let mut second = commit_of(store, KEY, 1).await;
    second.changes = vec![change(101, b"last")];
    assert_eq!(one(store, second).await, Committed::Done(2));
    let stored = store.load(KEY).await.expect("a read");
    assert_eq!(
        (stored.rev, stored.last_seq, stored.wake_at),
        (2, 101, Some(Millis(77))),
        "an alarm stays until it is set anew"
    );
    assert_eq!(stored.changes.len(), 101);
    assert_eq!((stored.changes[0].as_slice(), stored.changes[100].as_slice()), (&[1][..], &b"last"[..]));
    assert_eq!(store.class_changes(CLASS, 100, 10).await.expect("a read").len(), 2);
    let listed = store.classes(GYM, 5_000, 5_001, 10).await.expect("a list");
    assert_eq!((listed.len(), listed[0].row.people), (1, 1));
    assert!(store.classes(GYM, 5_001, 9_000, 10).await.expect("a list").is_empty());
}

async fn two_lives_cannot_both_write(store: &dyn StateStore) {
    let birth = commit_of(store, KEY, 0).await;
    assert_eq!(one(store, birth.clone()).await, Committed::Done(1));
    assert_eq!(one(store, birth).await, Committed::Fenced, "it is there already");
    let mut old = commit_of(store, KEY, 1).await;
    assert_eq!(one(store, commit_of(store, KEY, 1).await).await, Committed::Done(2));
    old.changes = vec![change(1, b"x")];
    assert_eq!(one(store, old).await, Committed::Fenced);
    assert!(store.load(KEY).await.expect("a read").changes.is_empty(), "nothing was changed");
}

async fn a_stolen_shard_fences(store: &dyn StateStore) {
    assert_eq!(one(store, commit_of(store, KEY, 0).await).await, Committed::Done(1));
    let mine = commit_of(store, KEY, 1).await;
    let epochs = store.claim_shards().await.expect("another owner");
    assert!(epochs.iter().all(|epoch| *epoch == mine.epoch + 1));
    assert_eq!(one(store, mine).await, Committed::Fenced);
    assert_eq!(one(store, commit_of(store, KEY, 1).await).await, Committed::Done(2));
}

async fn a_fenced_actor_is_left_out_alone(store: &dyn StateStore) {
    let other = ActorKey::Class(ClassId(Uuid::from_u128(4)));
    assert_eq!(one(store, commit_of(store, KEY, 0).await).await, Committed::Done(1));
    let stale = commit_of(store, KEY, 9).await;
    let results = store.commit(vec![stale, commit_of(store, other, 0).await]).await;
    assert_eq!(results, [Committed::Fenced, Committed::Done(1)]);
}

async fn a_crowd_commits_at_once(store: &dyn StateStore) {
    let users: Vec<UserId> = (1_000..1_100).map(|n| UserId(Uuid::from_u128(n))).collect();
    for user in &users {
        add(store, *user, &format!("{}@example.org", user.0)).await;
    }
    let letter = |user: &UserId| Letter { to: ActorKey::User(*user), body: LetterBody::LeftClass { class: CLASS } };
    let mut sent = commit_of(store, KEY, 0).await;
    sent.letters = (0..).zip(&users).map(|(number, user)| (number, letter(user))).collect();
    assert_eq!(one(store, sent).await, Committed::Done(1));
    let mut commits = Vec::new();
    for (number, user) in (0..).zip(&users) {
        let mut commit = commit_of(store, ActorKey::User(*user), 1).await;
        commit.received = vec![LetterId { from: KEY, rev: 1, number }];
        commit.changes = vec![change(1, &[number as u8])];
        commit.row = Some(Row::User(UserRow { snapshot: vec![number as u8] }));
        commits.push(commit);
    }
    let mut twice = commits.clone();
    // One is of an earlier life, one reads a letter that is not there, and one is in two lives at once.
    commits[3].rev = 9;
    commits[5].received[0].number = 5_000;
    commits.push(commits[7].clone());
    let results = store.commit(commits).await;
    let fenced: Vec<usize> = (0..results.len()).filter(|place| results[*place] == Committed::Fenced).collect();
    assert_eq!(fenced, [3, 5, 100]);
    assert!(results.iter().filter(|result| **result != Committed::Fenced).all(|result| *result == Committed::Done(2)));
    assert_eq!(store.letters(None, 200).await.expect("letters").len(), 2);
    let stored = store.load(ActorKey::User(users[8])).await.expect("a read");
    assert_eq!((stored.rev, stored.last_seq, stored.snapshot), (2, 1, Some(vec![8])));
    twice.truncate(3);
    assert_eq!(store.commit(twice).await, vec![Committed::Fenced; 3], "once is all");
}

async fn a_letter_is_handled_once(store: &dyn StateStore) {
    add(store, ANA, "ana@example.org").await;
    let letter = Letter { to: ActorKey::User(ANA), body: LetterBody::LeftClass { class: CLASS } };
    let mut sent = commit_of(store, KEY, 0).await;
    sent.letters = vec![(0, letter.clone()), (1, letter.clone())];
    assert_eq!(one(store, sent).await, Committed::Done(1));
    let waiting = store.letters(None, 10).await.expect("letters");
    let ids: Vec<LetterId> = (0..2).map(|number| LetterId { from: KEY, rev: 1, number }).collect();
    assert_eq!(waiting.iter().map(|each| each.id).collect::<Vec<_>>(), ids);
    assert_eq!(waiting[0].letter, letter);
    assert_eq!(store.letters(Some(ids[0]), 10).await.expect("letters").len(), 1);
    let mut read = commit_of(store, ActorKey::User(ANA), 1).await;
    read.received = vec![ids[0]];
    assert_eq!(one(store, read.clone()).await, Committed::Done(2));
    read.rev = 2;
    assert_eq!(one(store, read).await, Committed::Fenced, "it was handled");
    assert_eq!(store.letters(None, 10).await.expect("letters").len(), 1);
    // Somebody of whom nothing is stored throws a letter away.
    let mut nobody = commit_of(store, ActorKey::User(UserId(Uuid::from_u128(99))), 0).await;
    nobody.received = vec![ids[1]];
    assert_eq!(one(store, nobody).await, Committed::Done(0));
    assert!(store.letters(None, 10).await.expect("letters").is_empty());
}

async fn answers_are_kept_and_swept(store: &dyn StateStore) {
    let answer = |n: u128, at| StoredAnswer {
        author: ANA,
        cmd: CmdId(Uuid::from_u128(n)),
        digest: u64::MAX - 5,
        at: Millis(at),
        reply: vec![1, 2],
    };
    let mut commit = commit_of(store, KEY, 0).await;
    commit.answers = vec![answer(1, 1_000), answer(2, 1_000_000)];
    assert_eq!(one(store, commit).await, Committed::Done(1));
    assert_eq!(store.load(KEY).await.expect("a read").answers, [answer(2, 1_000_000)], "of the last ten minutes");
    assert_eq!(store.answer(KEY, ANA, CmdId(Uuid::from_u128(1))).await, Ok(Some(answer(1, 1_000))));
    assert_eq!(store.answer(KEY, ANA, CmdId(Uuid::from_u128(3))).await, Ok(None));
    assert_eq!(store.sweep(Millis(24 * 3_600 * 1_000 + 1_001)).await, Ok(1));
    assert_eq!(store.answer(KEY, ANA, CmdId(Uuid::from_u128(1))).await, Ok(None));
}

async fn alarms_are_found_when_due(store: &dyn StateStore) {
    let mut commit = commit_of(store, KEY, 0).await;
    commit.wake_at = Some(Some(Millis(500)));
    one(store, commit).await;
    assert_eq!(store.due(Millis(499), 10).await, Ok(vec![]));
    assert_eq!(store.due(Millis(500), 10).await, Ok(vec![KEY]));
    let mut off = commit_of(store, KEY, 1).await;
    off.wake_at = Some(None);
    one(store, off).await;
    add(store, ANA, "ana@example.org").await;
    let person = ActorKey::User(ANA);
    let mut later = commit_of(store, person, 1).await;
    later.wake_at = Some(Some(Millis(600)));
    one(store, later).await;
    assert_eq!(store.due(Millis(600), 10).await, Ok(vec![person]), "a person has alarms too");
    let mut off = commit_of(store, person, 2).await;
    off.wake_at = Some(None);
    one(store, off).await;
    assert_eq!(store.due(Millis(u64::MAX / 2_000), 10).await, Ok(vec![]));
}

async fn add(store: &dyn StateStore, user: UserId, email: &str) {
    let (email, name, role) = (email.to_owned(), "Ana".to_owned(), Role::Member);
    let account = Account { user, gym: GYM, email, name, role, hall: None, password: "$argon2id$".into() };
    let stored = Stored::new(GYM, "Ana", Profile::default(), Consent::default());
    store.add_accounts(vec![(account, UserRow { snapshot: pack(&stored) })]).await.expect("an account");
}

async fn people_log_in_by_email(store: &dyn StateStore) {
    store.add_gym(GYM, "Gym".into()).await.expect("a gym");
    store.add_gym(GYM, "Gym again".into()).await.expect("the same");
    assert_eq!(store.gyms().await, Ok(vec![(GYM, "Gym".into())]));
    add(store, ANA, "ana@example.org").await;
    let found = store.account_by_email("ANA@example.org".into()).await.expect("a read").expect("ana");
    assert_eq!((found.user, found.role), (ANA, Role::Member));
    assert_eq!(store.account(ANA).await, Ok(Some(found.clone())));
    assert_eq!(store.accounts(GYM, None, 10).await, Ok(vec![found.clone()]));
    assert_eq!(store.accounts(GYM, Some("ana@example.org".into()), 10).await, Ok(vec![]));
    assert_eq!(store.set_password(ANA, "$argon2id$new".into()).await, Ok(true));
    let found = store.account(ANA).await.expect("a read").expect("ana");
    assert_eq!(found.password, "$argon2id$new");
    assert_eq!(store.set_password(UserId(Uuid::from_u128(50)), "x".into()).await, Ok(false), "nobody");
    let same_id = Account { email: "other@example.org".into(), ..found.clone() };
    let row = UserRow { snapshot: vec![] };
    assert_eq!(store.add_accounts(vec![(same_id, row)]).await, Err(StoreError::Taken("id")));
    let twice = Account { user: UserId(Uuid::from_u128(50)), ..found };
    let row = UserRow { snapshot: vec![] };
    assert_eq!(store.add_accounts(vec![(twice, row)]).await, Err(StoreError::Taken("email")));
    let person = store.person(ANA).await.expect("a read").expect("ana");
    assert_eq!((person.gym, person.version), (GYM, 1));
    assert_eq!(store.person(UserId(Uuid::from_u128(50))).await, Ok(None), "all or none");
}

async fn screens_are_listed_and_put_out(store: &dyn StateStore) {
    store.add_gym(GYM, "Gym".into()).await.expect("a gym");
    add(store, ANA, "ana@example.org").await;
    let screen = |id: u128, name: &str| Account {
        user: UserId(Uuid::from_u128(id)),
        gym: GYM,
        email: format!("{id}@screens.invalid"),
        name: name.into(),
        role: Role::Screen,
        hall: Some("Hall 1".into()),
        password: String::new(),
    };
    let (door, wall) = (screen(60, "The door"), screen(61, "Over the bikes"));
    let row = || UserRow { snapshot: pack(&Stored::new(GYM, "TV", Profile::default(), Consent::default())) };
    store.add_accounts(vec![(door.clone(), row()), (wall.clone(), row())]).await.expect("two screens");
    assert_eq!(store.screens(GYM).await, Ok(vec![wall.clone(), door.clone()]), "in order of name, and nobody else");
    assert_eq!(store.remove_account(door.user).await, Ok(true));
    assert_eq!(store.account(door.user).await, Ok(None));
    assert_eq!(store.screens(GYM).await, Ok(vec![wall]));

    assert_eq!(store.revoked(Millis(0)).await, Ok(vec![]));
    store.revoke(door.user, Millis(5_000)).await.expect("noted");
    store.revoke(door.user, Millis(4_000)).await.expect("an older one changes nothing");
    store.revoke(ANA, Millis(7_000)).await.expect("noted");
    let mut noted = store.revoked(Millis(5_000)).await.expect("a read");
    noted.sort();
    let mut both = vec![(door.user, Millis(5_000)), (ANA, Millis(7_000))];
    both.sort();
    assert_eq!(noted, both);
    assert_eq!(store.revoked(Millis(6_000)).await, Ok(vec![(ANA, Millis(7_000))]), "older ones are forgotten");
}

async fn people_are_found_by_the_words_of_their_names(store: &dyn StateStore) {
    let person = |id: u128, gym: GymId, name: &str, role| Account {
        user: UserId(Uuid::from_u128(id)),
        gym,
        email: format!("{id}@example.org"),
        name: name.into(),
        role,
        hall: (role == Role::Screen).then(|| "A".into()),
        password: String::new(),
    };
    let other = GymId(Uuid::from_u128(77));
    let people = [
        person(70, GYM, "Анна Корн", Role::Member),
        person(71, GYM, "Пётр Анненков", Role::Trainer),
        person(72, GYM, "Ann O'Neil", Role::Admin),
        person(73, GYM, "Анна на стене", Role::Screen),
        person(74, other, "Анна Чужая", Role::Member),
        person(75, GYM, "100% 🚴", Role::Member),
    ];
    let row = || UserRow { snapshot: pack(&Stored::new(GYM, "A", Profile::default(), Consent::default())) };
    store.add_accounts(people.iter().map(|each| (each.clone(), row())).collect()).await.expect("accounts");
    let find = async |q: &str, limit| {
        let words = fitconnect_domain::words::words_of(q).into_iter().collect();
        let found = store.people(GYM, words, limit).await.expect("a read");
        let mut ids: Vec<u128> = found.iter().map(|(user, _)| user.0.as_u128()).collect();
        // Engines order names each by its own rules.
        ids.sort();
        ids
    };
    assert_eq!(find("анн", 9).await, [70, 71], "of this gym, and no screens");
    assert_eq!(find("КО анна", 9).await, [70], "in any order and case");
    assert_eq!(find("петр", 9).await, [71]);
    assert_eq!(find("o'n ann", 9).await, [72]);
    assert_eq!(find("анна ко кор чужая", 9).await, [70], "three words count");
    assert_eq!(find("1", 9).await, [75]);
    assert_eq!(find("анна пётр", 9).await, [0; 0]);
    assert_eq!(find("", 9).await, [70, 71, 72, 75], "without a word, all");
    assert_eq!(find("", 2).await.len(), 2);
    assert_eq!(store.remove_account(people[0].user).await, Ok(true));
    assert_eq!(find("анн", 9).await, [71]);
}

async fn summaries_are_paged_backwards(store: &dyn StateStore) {
    add(store, ANA, "ana@example.org").await;
    let mut commit = commit_of(store, ActorKey::User(ANA), 1).await;
    let summary = |seq: u64| StoredChange { kind: "summarised", ..change(seq, &[seq as u8]) };
    commit.changes = vec![summary(1), change(2, b"consent"), summary(3), summary(4)];
    assert_eq!(one(store, commit).await, Committed::Done(2));
    let page = store.user_changes(ANA, "summarised", None, 2).await.expect("a page");
    assert_eq!(page, [(4, vec![4]), (3, vec![3])]);
    let rest = store.user_changes(ANA, "summarised", Some(3), 2).await.expect("a page");
    assert_eq!(rest, [(1, vec![1])]);
}

async fn what_changed_waits_in_the_outbox(store: &dyn Engine) {
    let told =
        |key: ActorKey, seq: u64| Told { key, seq, at: Millis(seq), kind: "moved".into(), body: vec![seq as u8] };
    let mut first = commit_of(store, KEY, 0).await;
    first.changes = (1..=100).map(|seq| change(seq, &[seq as u8])).collect();
    let stale = Commit { changes: vec![change(101, &[101])], ..commit_of(store, KEY, 9).await };
    assert_eq!(one(store, first).await, Committed::Done(1));
    assert_eq!(one(store, stale).await, Committed::Fenced);
    add(store, ANA, "ana@example.org").await;
    let person = ActorKey::User(ANA);
    let mut second = commit_of(store, person, 1).await;
    second.changes = vec![change(1, &[1])];
    assert_eq!(one(store, second).await, Committed::Done(2));
    let all = store.outbox(1_000).await.expect("a read");
    assert_eq!(all.len(), 101, "what was fenced has told nobody");
    let of = |key: ActorKey| all.iter().filter(|told| told.key == key).cloned().collect::<Vec<_>>();
    assert_eq!(of(KEY), (1..=100).map(|seq| told(KEY, seq)).collect::<Vec<_>>(), "of one actor in order");
    assert_eq!(of(person), [told(person, 1)]);
    let page = store.outbox(60).await.expect("a read");
    assert_eq!(page, all[..60]);
    store.clear_outbox(page).await.expect("gone");
    assert_eq!(store.outbox(1_000).await.expect("a read"), all[60..]);
    store.clear_outbox(all).await.expect("those that were gone too");
    assert_eq!(store.outbox(1_000).await, Ok(vec![]));
}

const ROOM: RoomId = RoomId(Uuid::from_u128(8));
const ROOM_KEY: ActorKey = ActorKey::Room(ROOM);

/// A commit of the room: events of one kind from `first` on, with its row where there is something new in it.
async fn said(store: &dyn StateStore, rev: u64, first: u64, bodies: &[&[u8]], row: Option<RoomRow>) -> Commit {
    let changes = (first..).zip(bodies).map(|(seq, body)| StoredChange { kind: "posted", ..change(seq, body) });
    Commit { changes: changes.collect(), row: row.map(Row::Room), ..commit_of(store, ROOM_KEY, rev).await }
}

fn room_row(people: u32, snapshot: Option<(u64, &[u8])>) -> RoomRow {
    let snapshot = snapshot.map(|(seq, body)| (seq, body.to_vec()));
    RoomRow { gym: GYM, kind: "team", name: "Early birds".into(), people, topic_epoch: 4_000_000_000, snapshot }
}

async fn a_room_keeps_its_numbers(store: &dyn StateStore) {
    assert_eq!(
        one(store, said(store, 0, 1, &[b"a"], Some(room_row(1, None))).await).await,
        Committed::Fenced,
        "no row"
    );
    let birth = said(store, 0, 1, &[b"a", b"b"], Some(room_row(1, Some((2, b"row"))))).await;
    assert_eq!(one(store, birth.clone()).await, Committed::Done(1));
    assert_eq!(one(store, birth).await, Committed::Fenced, "it is there already");
    let stale = said(store, 1, 3, &[b"lost"], None).await;
    assert_eq!(one(store, said(store, 1, 3, &[b"c"], None).await).await, Committed::Done(2));
    assert_eq!(one(store, stale).await, Committed::Fenced, "an earlier life");
    let stored = store.load(ROOM_KEY).await.expect("a read");
    assert_eq!((stored.rev, stored.last_seq, stored.topic_epoch), (2, 3, 4_000_000_000));
    assert_eq!(stored.snapshot.as_deref(), Some(&b"row"[..]), "a row stays until it is written anew");
    assert_eq!(stored.changes, [b"a", b"b", b"c"]);
    // The ring's worth is read, and whatever the row lacks.
    let many: Vec<&[u8]> = vec![b"x"; 1_200];
    assert_eq!(
        one(store, said(store, 2, 4, &many, Some(room_row(2, Some((1_203, b"new"))))).await).await,
        Committed::Done(3)
    );
    let stored = store.load(ROOM_KEY).await.expect("a read");
    assert_eq!((stored.changes.len(), stored.last_seq, stored.snapshot), (1_000, 1_203, Some(b"new".to_vec())));
    assert_eq!(one(store, said(store, 3, 1_204, &many, None).await).await, Committed::Done(4));
    assert_eq!(store.load(ROOM_KEY).await.expect("a read").changes.len(), 1_200, "all that the row lacks");
}

async fn a_deleted_message_is_nowhere_read_again(store: &dyn StateStore) {
    let birth = said(store, 0, 1, &[b"created", b"secret"], Some(room_row(1, Some((2, b"row"))))).await;
    assert_eq!(one(store, birth).await, Committed::Done(1));
    // Posted and deleted in one commit, and deleted in a later one.
    let mut deleted = said(store, 1, 3, &[b"slip", b"deleted", b"deleted"], None).await;
    deleted.changes[1] =
        StoredChange { kind: "deleted", rewrites: vec![(3, b"gone".into())], ..deleted.changes[1].clone() };
    deleted.changes[2] =
        StoredChange { kind: "deleted", rewrites: vec![(2, b"gone".into())], ..deleted.changes[2].clone() };
    assert_eq!(one(store, deleted).await, Committed::Done(2));
    let bodies = |found: Vec<Numbered>| found.into_iter().map(|(_, body)| body).collect::<Vec<_>>();
    let all = bodies(store.room_events(ROOM, 1, 10).await.expect("events"));
    assert_eq!(all, [&b"created"[..], b"gone", b"gone", b"deleted", b"deleted"]);
    assert_eq!(store.load(ROOM_KEY).await.expect("a read").changes, all);
}

async fn a_room_is_read_in_pages(store: &dyn StateStore) {
    let mut birth =
        said(store, 0, 1, &[b"1", b"2", b"3", b"4", b"5", b"6"], Some(room_row(1, Some((6, b"row"))))).await;
    birth.changes[0].kind = "created";
    birth.changes[3].kind = "joined";
    assert_eq!(one(store, birth).await, Committed::Done(1));
    let read = async |page, limit| {
        let found = store.room_messages(ROOM, page, limit).await.expect("a page");
        found.iter().map(|(seq, _)| *seq).collect::<Vec<_>>()
    };
    assert_eq!(read(Page::Before(u64::MAX), 3).await, [6, 5, 3]);
    assert_eq!(read(Page::Before(3), 3).await, [2]);
    assert_eq!(read(Page::After(0), 2).await, [2, 3]);
    assert_eq!(read(Page::After(6), 2).await, [0; 0]);
    assert_eq!(read(Page::Since(Millis(4)), 9).await, [5, 6], "the moment of a number is its own here");
    assert_eq!(read(Page::Since(Millis(7)), 9).await, [0; 0]);
    let from = store.room_events(ROOM, 4, 2).await.expect("events");
    assert_eq!(from, [(4, b"4".to_vec()), (5, b"5".to_vec())]);
}

fn report(id: u128, room: RoomId, seq: u64, reporter: UserId, at_ms: i64) -> Entry {
    Entry::Opened(Box::new(Report {
        id: CmdId(Uuid::from_u128(id)),
        gym: GYM,
        room,
        room_kind: RoomKind::Team,
        room_name: "Early birds".into(),
        seq,
        reply_to: None,
        author: ANA,
        author_name: "Ana".into(),
        reporter,
        reporter_name: "Ben".into(),
        reason: ReportReason::Insult,
        words: String::new(),
        text: "fool".into(),
        posted_at_ms: 1,
        at_ms,
    }))
}

async fn reports_wait_until_they_are_decided(store: &dyn StateStore) {
    let (ben, carl) = (UserId(Uuid::from_u128(21)), UserId(Uuid::from_u128(22)));
    let birth = said(store, 0, 1, &[b"created", b"fool"], Some(room_row(1, Some((2, b"row"))))).await;
    assert_eq!(one(store, birth).await, Committed::Done(1));
    // Two people about one message, one of them twice; the same id again is nothing, whoever sends it.
    let mut filed = said(store, 1, 3, &[], None).await;
    let other = RoomId(Uuid::from_u128(99));
    filed.reports = vec![
        report(5, ROOM, 2, ben, 1_000),
        report(4, ROOM, 2, carl, 1_000),
        report(6, ROOM, 2, ben, 2_000),
        report(7, other, 2, carl, 3_000),
        report(4, ROOM, 9, ben, 4_000),
    ];
    assert_eq!(one(store, filed.clone()).await, Committed::Done(2));
    assert_eq!(one(store, filed).await, Committed::Fenced);
    assert_eq!(store.load(ROOM_KEY).await.expect("a read").last_seq, 2, "a report has no number");
    let open = async |room, after: Option<(u64, u128)>, limit| {
        let after = after.map(|(at, id)| (Millis(at), CmdId(Uuid::from_u128(id))));
        let found = store.reports(GYM, room, after, limit).await.expect("a page");
        found.into_iter().map(|filed| filed.report.id.0.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(open(None, None, 9).await, [4, 5, 7], "oldest first, then by id");
    assert_eq!(open(None, None, 1).await, [4]);
    assert_eq!(open(None, Some((1_000, 4)), 9).await, [5, 7]);
    assert_eq!(open(Some(other), None, 9).await, [7]);
    let reporting = async |user, since, seq| store.reporting(user, Millis(since), ROOM, seq).await.expect("counts");
    assert_eq!(reporting(carl, 0, 2).await, Reporting { lately: 2, open: 2, is_open: true });
    assert_eq!(reporting(carl, 1_000, 3).await, Reporting { lately: 1, open: 2, is_open: false });
    let decision = |verdict, at_ms| Decision { by: ANA, name: "Ana".into(), verdict, at_ms };
    let decided = |verdict, at_ms| Entry::Decided {
        report: CmdId(Uuid::from_u128(5)),
        room: ROOM,
        seq: 2,
        decision: decision(verdict, at_ms),
    };
    let mut decides = said(store, 2, 3, &[b"deleted"], None).await;
    decides.reports =
        vec![decided(Verdict::Delete, 5_000), decided(Verdict::Ban, 6_000), report(8, ROOM, 2, ben, 7_000)];
    assert_eq!(one(store, decides).await, Committed::Done(3));
    assert_eq!(open(None, None, 9).await, [7, 8], "of the same message, but after it was decided");
    // What was held back has no number: each is decided by itself.
    let mut held = said(store, 3, 4, &[], None).await;
    held.reports = vec![report(11, ROOM, 0, ben, 8_000), report(12, ROOM, 0, ben, 8_000)];
    assert_eq!(one(store, held).await, Committed::Done(4));
    let mut post = said(store, 4, 4, &[b"posted"], None).await;
    let (id, at_ms) = (CmdId(Uuid::from_u128(11)), 9_000);
    post.reports = vec![Entry::Decided { report: id, room: ROOM, seq: 0, decision: decision(Verdict::Post, at_ms) }];
    assert_eq!(one(store, post).await, Committed::Done(5));
    assert_eq!(open(Some(ROOM), None, 9).await, [8, 12]);
    let audit = store.report(CmdId(Uuid::from_u128(5))).await.expect("a read").expect("kept");
    assert_eq!((audit.report.text.as_str(), audit.decision), ("fool", Some(decision(Verdict::Delete, 5_000))));
    assert_eq!(store.report(CmdId(Uuid::from_u128(1))).await, Ok(None));
    store.sweep(Millis(5_000 + REPORT_KEPT_MS)).await.expect("swept");
    assert!(store.report(CmdId(Uuid::from_u128(5))).await.expect("a read").is_some(), "kept to the end");
    store.sweep(Millis(5_001 + REPORT_KEPT_MS)).await.expect("swept");
    assert_eq!(store.report(CmdId(Uuid::from_u128(5))).await, Ok(None), "and forgotten");
    assert_eq!(open(None, None, 9).await, [7, 8, 12], "what nobody has decided waits");
}

async fn a_gym_has_one_list_of_words(store: &dyn StateStore) {
    assert_eq!(store.lexicon(GYM).await, Ok(None));
    let list = |on_words, words: &[&str]| {
        let lexicon = Lexicon::new(on_words, words.iter().map(|word| (*word).to_owned())).expect("a list");
        SetLexicon { lexicon, by: ANA, at: Millis(5) }
    };
    for set in [list(OnWords::Refuse, &["дурак", "pill"]), list(OnWords::Report, &["pill"]), list(OnWords::Report, &[])]
    {
        store.set_lexicon(GYM, set.clone()).await.expect("set");
        assert_eq!(store.lexicon(GYM).await, Ok(Some(set)));
    }
    assert_eq!(store.lexicon(GymId(Uuid::from_u128(77))).await, Ok(None), "of another gym");
}
