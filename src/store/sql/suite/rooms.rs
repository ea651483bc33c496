//! What every state store must do for rooms: their numbers and pages, the file of reports, pictures, the list of words.

use super::*;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_domain::report::{Decision, Entry, Report};
use fitconnect_domain::room::Reporting;
use fitconnect_protocol::limits::REPORT_KEPT_MS;
use fitconnect_protocol::report::{OnWords, ReportReason, Verdict};
use fitconnect_protocol::room::{Picture, RoomKind};
use fitconnect_protocol::{ImageId, RoomId};

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

pub(super) async fn a_room_keeps_its_numbers(store: &dyn StateStore) {
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

pub(super) async fn a_deleted_message_is_nowhere_read_again(store: &dyn StateStore) {
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

pub(super) async fn a_room_is_read_in_pages(store: &dyn StateStore) {
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

pub(super) async fn rooms_of_a_gym_are_listed(store: &dyn StateStore) {
    let other = GymId(Uuid::from_u128(77));
    // Of each: its id, gym, kind, name, and what happened in it at which moment.
    type Made<'a> = (u128, GymId, &'static str, &'a str, &'a [(&'static str, u64)]);
    let rooms: [Made<'_>; 7] = [
        (30, GYM, "support", "Ana", &[("created", 10), ("posted", 90), ("joined", 95)]),
        (31, GYM, "support", "Ben", &[("created", 20)]),
        (32, GYM, "support", "Ana", &[("created", 30), ("posted", 40), ("posted", 90)]),
        (33, other, "support", "Zoe", &[("created", 40), ("posted", 99)]),
        (34, GYM, "team", "Swifts", &[("created", 50), ("posted", 51)]),
        (35, GYM, "team", "Early birds", &[("created", 60)]),
        (36, GYM, "team", "Early birds", &[("created", 70)]),
    ];
    for (id, gym, kind, name, events) in rooms {
        let key = ActorKey::Room(RoomId(Uuid::from_u128(id)));
        let body = |seq: usize| format!("{id}.{}", seq + 1).into_bytes();
        let changes = events.iter().enumerate().map(|(seq, (kind, at))| {
            let at = Millis(*at);
            StoredChange { seq: seq as u64 + 1, at, kind, body: body(seq), rewrites: vec![] }
        });
        let (name, snapshot) = (name.into(), Some((events.len() as u64, b"row".to_vec())));
        let row = RoomRow { gym, kind, name, people: id as u32, topic_epoch: 1, snapshot };
        let birth = Commit { changes: changes.collect(), row: Some(Row::Room(row)), ..commit_of(store, key, 0).await };
        assert_eq!(one(store, birth).await, Committed::Done(1));
    }
    let list = async |kind, listing, limit| store.rooms(GYM, kind, listing, limit).await.expect("a list");
    let ids = |found: &[RoomListed]| found.iter().map(|each| each.room.0.as_u128()).collect::<Vec<_>>();
    let all = list("support", Listing::Lively { after: None }, 9).await;
    assert_eq!(ids(&all), [32, 30, 31], "by the newest message, or when it was made; then by id");
    let whole = RoomListed {
        room: RoomId(Uuid::from_u128(30)),
        name: "Ana".into(),
        people: 30,
        made: b"30.1".to_vec(),
        last: Some(b"30.2".to_vec()),
        at: Millis(90),
    };
    assert_eq!((&all[1], &all[2].last, all[2].at), (&whole, &None, Millis(20)));
    let after = |each: &RoomListed| Listing::Lively { after: Some((each.at, each.room)) };
    assert_eq!(ids(&list("support", after(&all[0]), 1).await), [30], "where two stand at one moment");
    assert_eq!(ids(&list("support", after(&all[1]), 9).await), [31]);
    assert_eq!(ids(&list("support", after(&all[2]), 9).await), [0; 0]);
    let teams = list("team", Listing::Named { after: None }, 9).await;
    assert_eq!(ids(&teams), [35, 36, 34]);
    assert_eq!((&teams[2].made[..], &teams[2].last, teams[2].at), (&b"34.1"[..], &None, Millis(50)));
    let named = |each: &RoomListed| Listing::Named { after: Some((each.name.clone(), each.room)) };
    assert_eq!(ids(&list("team", named(&teams[0]), 1).await), [36]);
    assert_eq!(ids(&list("team", named(&teams[1]), 9).await), [34]);
    assert_eq!(ids(&list("team", Listing::Lively { after: None }, 1).await), [36], "by what happened in them");
    assert!(store.rooms(other, "team", Listing::Named { after: None }, 9).await.expect("a list").is_empty());
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
        mentions: Vec::new(),
        picture: None,
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

pub(super) async fn reports_wait_until_they_are_decided(store: &dyn StateStore) {
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
    let reporters = async |seq| store.reporters(ROOM, seq).await.expect("people");
    assert_eq!((reporters(2).await, reporters(9).await), (vec![ben, carl], vec![]), "each once");
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
    assert_eq!(reporters(2).await, [ben]);
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

pub(super) async fn a_picture_lasts_as_long_as_its_message(store: &dyn StateStore) {
    let picture = |n: u128| Picture { image: ImageId(Uuid::from_u128(n)), width: 1_600, height: 1_200 };
    let stored = |n, at| StoredImage {
        picture: picture(n),
        room: ROOM,
        by: ANA,
        at: Millis(at),
        seq: None,
        until: Some(Millis(at + 1_000)),
    };
    for n in 1..=4 {
        store.add_image(stored(n, 10 * n as u64), vec![n as u8; 3]).await.expect("kept");
        store.add_image(stored(n, 10 * n as u64), vec![9; 3]).await.expect("tried again: it is there");
    }
    let id = |n| picture(n).image;
    let is = async |n| store.image(id(n)).await.expect("a read").map(|found| (found.seq, found.until.map(|at| at.0)));
    assert_eq!(store.image(id(1)).await, Ok(Some(stored(1, 10))));
    assert_eq!(store.image_bytes(id(1)).await, Ok(Some(vec![1; 3])));
    assert_eq!((store.image(id(5)).await, store.image_bytes(id(5)).await), (Ok(None), Ok(None)));
    assert_eq!(store.images_since(ANA, Millis(20)).await, Ok(2));
    let mut commit = said(store, 0, 1, &[b"created", b"one", b"two"], Some(room_row(1, Some((3, b"row"))))).await;
    commit.reports = vec![
        Entry::Hung { image: id(1), seq: Some(2), at_ms: 50 },
        Entry::Hung { image: id(2), seq: Some(3), at_ms: 50 },
        Entry::Hung { image: id(3), seq: None, at_ms: 50 },
        report(5, ROOM, 3, UserId(Uuid::from_u128(21)), 60),
    ];
    assert_eq!(one(store, commit).await, Committed::Done(1));
    assert_eq!([is(1).await, is(2).await], [Some((Some(2), None)), Some((Some(3), None))]);
    assert_eq!(is(3).await, Some((None, Some(50 + REPORT_KEPT_MS))), "held back: as long as its report");
    store.sweep(Millis(1_041)).await.expect("swept");
    assert_eq!((is(4).await, is(1).await.is_some()), (None, true), "what no message shows is forgotten");
    let mut gone = said(store, 1, 4, &[b"deleted", b"deleted"], None).await;
    let down = |seq| Entry::TakenDown { room: ROOM, seq, at_ms: 2_000 };
    gone.reports = vec![down(2), down(3), down(2)];
    assert_eq!(one(store, gone).await, Committed::Done(2));
    assert_eq!(is(1).await, Some((Some(2), Some(2_000))));
    assert_eq!(is(2).await, Some((Some(3), Some(2_000 + REPORT_KEPT_MS))), "it was reported");
    store.sweep(Millis(2_001)).await.expect("swept");
    assert_eq!((is(1).await, store.image_bytes(id(2)).await), (None, Ok(Some(vec![2; 3]))));
}

pub(super) async fn a_gym_has_one_list_of_words(store: &dyn StateStore) {
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
