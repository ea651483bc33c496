//! What every state store must do, as tests over the trait. An engine joins with one line at `engine!`.

mod rooms;

use super::Engine;
use super::migrate::Migrating;
use super::scratch::{self, Schema};
use crate::store;
use fitconnect_actors::body::pack;
use fitconnect_actors::ports::*;
use fitconnect_domain::user::Stored;
use fitconnect_domain::{ActorKey, Letter, LetterBody, LetterId, Millis};
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{ClassId, CmdId, GymId, UserId, Uuid};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rooms::*;
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
    rooms_of_a_gym_are_listed,
    reports_wait_until_they_are_decided,
    a_picture_lasts_as_long_as_its_message,
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
