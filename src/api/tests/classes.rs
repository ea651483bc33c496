//! Making classes and finding them.

use super::*;
use fitconnect_actors::ports::{Commit, Committed, StoredChange};
use fitconnect_domain::class::{Change, What};
use fitconnect_protocol::class::ClassSummary;
use serde_json::json;
use uuid::Uuid;

fn hiit(cmd: Uuid) -> Value {
    json!({
        "cmd": cmd, "name": "HIIT 45", "hall": "Hall 1", "starts_at_ms": NOW_MS + 3_600_000, "lobby_min": 10, "capacity": 40,
        "plan": [{ "kind": "warmup", "duration_s": 300 }, { "kind": "work", "duration_s": 600, "target": { "t": "percent", "lo": 80, "hi": 89 } }],
    })
}

/// A cmd stamped with the bench's time.
fn cmd(bench: &Bench) -> Uuid {
    let ms = bench.clock.now().0;
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, ms / 1_000, (ms % 1_000) as u32 * 1_000_000))
}

async fn make(bench: &Bench) -> String {
    let made = bench.post("/v1/classes", Some(&bench.token(Role::Trainer)), hiit(cmd(bench))).await.ok();
    made["class"].as_str().expect("an id").to_owned()
}

#[actix_web::test]
async fn a_trainer_makes_a_class_and_members_find_it() {
    let bench = Bench::new().await;
    let class = make(&bench).await;
    let member = bench.token(Role::Member);
    let listed = bench.get("/v1/classes", Some(&member)).await.ok();
    let trainer = &bench.person(Role::Trainer).name;
    let expected = json!({
        "class": class, "name": "HIIT 45", "hall": "Hall 1", "trainer": trainer, "starts_at_ms": NOW_MS + 3_600_000,
        "phase": listed["classes"][0]["phase"], "people": 0,
    });
    assert_eq!(listed["classes"], json!([expected]));
    assert!(["scheduled", "open", "live"].contains(&listed["classes"][0]["phase"].as_str().expect("a word")));
    let one = bench.get(&format!("/v1/classes/{class}"), Some(&member)).await.ok();
    assert_eq!((&one["class"], &one["capacity"], &one["lobby_min"]), (&json!(class), &json!(40), &json!(10)));
    assert_eq!(one["plan"], hiit(Uuid::nil())["plan"]);
}

#[actix_web::test]
async fn the_same_command_makes_one_class() {
    let bench = Bench::new().await;
    let (token, body) = (bench.token(Role::Trainer), hiit(cmd(&bench)));
    let first = bench.post("/v1/classes", Some(&token), body.clone()).await.ok();
    let again = bench.post("/v1/classes", Some(&token), body).await.ok();
    assert_eq!(first, again);
    assert_eq!(bench.get("/v1/classes", Some(&token)).await.ok()["classes"].as_array().map(Vec::len), Some(1));
}

#[actix_web::test]
async fn only_staff_make_classes() {
    let bench = Bench::new().await;
    for role in [Role::Member, Role::Screen] {
        let got = bench.post("/v1/classes", Some(&bench.token(role)), hiit(cmd(&bench))).await;
        assert_eq!(got.refused(), refusal(403, "forbidden"));
    }
    assert_eq!(bench.post("/v1/classes", None, hiit(cmd(&bench))).await.refused(), refusal(401, "unauthorised"));
}

#[actix_web::test]
async fn a_class_that_cannot_be_is_refused_with_the_reason() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Trainer);
    for (key, value, expected, words) in [
        ("cmd", Value::Null, refusal(400, "malformed"), "uuid"),
        ("cmd", json!(Uuid::nil()), refusal(400, "cmd_expired"), "24 hours"),
        ("cmd", json!(Uuid::from_u128(7 << 76 | 2 << 62)), refusal(400, "cmd_expired"), "24 hours"),
        ("capacity", json!(0), refusal(400, "malformed"), "places"),
        ("capacity", json!("many"), refusal(400, "malformed"), "u16"),
        ("name", json!("x".repeat(500)), refusal(413, "too_large"), "the name"),
        ("plan", json!([]), refusal(422, "bad_plan"), ""),
        ("colour", json!("red"), refusal(400, "malformed"), "unknown field `colour`"),
    ] {
        let mut body = hiit(cmd(&bench));
        body[key] = value;
        let got = bench.post("/v1/classes", Some(&token), body).await;
        assert_eq!(got.refused(), expected, "{key}: {}", got.text());
        assert!(got.text().to_lowercase().contains(words), "{key}: {}", got.text());
    }
    let mut body = hiit(cmd(&bench));
    body.as_object_mut().expect("a map").remove("cmd");
    assert_eq!(bench.post("/v1/classes", Some(&token), body).await.refused(), refusal(400, "malformed"));
}

#[actix_web::test]
async fn another_gym_and_another_hall_see_nothing_of_it() {
    let bench = Bench::new().await;
    let class = make(&bench).await;
    let member = bench.person(Role::Member).clone();
    let stranger = Seeded { gym: fitconnect_protocol::GymId(Uuid::now_v7()), role: Role::Admin, ..member.clone() };
    let next_door = Seeded { hall: Some("Hall 2".into()), ..bench.person(Role::Screen).clone() };
    let screen = bench.token(Role::Screen);
    for who in [stranger, next_door] {
        let token = bench.app.keys.mint(&bench.claims(&who));
        assert_eq!(bench.get("/v1/classes", Some(&token)).await.ok()["classes"], json!([]));
        assert_eq!(bench.get(&format!("/v1/classes/{class}"), Some(&token)).await.refused(), refusal(404, "not_found"));
    }
    assert_eq!(bench.get("/v1/classes", Some(&screen)).await.ok()["classes"].as_array().map(Vec::len), Some(1));
    let nowhere = Uuid::now_v7();
    assert_eq!(bench.get(&format!("/v1/classes/{nowhere}"), Some(&screen)).await.refused(), refusal(404, "not_found"));
    assert_eq!(bench.get("/v1/classes/12", Some(&screen)).await.refused(), refusal(400, "malformed"));
}

#[actix_web::test]
async fn a_list_has_a_stretch() {
    let bench = Bench::new().await;
    make(&bench).await;
    let token = bench.token(Role::Member);
    let starts = NOW_MS + 3_600_000;
    for (query, expected) in
        [(format!("from={starts}"), 1), (format!("from={}", starts + 1), 0), (format!("from=0&to={starts}"), 9)]
    {
        let got = bench.get(&format!("/v1/classes?{query}"), Some(&token)).await;
        match expected {
            9 => assert_eq!(got.refused(), refusal(400, "malformed"), "decades are too long"),
            count => assert_eq!(got.ok()["classes"].as_array().map(Vec::len), Some(count), "{query}"),
        }
    }
    for wrong in ["from=5&to=4", "from=x", "form=1", "from=-9223372036854775808&to=9223372036854775807"] {
        let got = bench.get(&format!("/v1/classes?{wrong}"), Some(&token)).await;
        assert_eq!(got.refused(), refusal(400, "malformed"), "{wrong}");
    }
}

#[actix_web::test]
async fn what_a_class_leaves_is_for_staff_and_after_settlement() {
    let bench = Bench::new().await;
    let class = make(&bench).await;
    let path = format!("/v1/classes/{class}/summary");
    let trainer = bench.token(Role::Trainer);
    assert_eq!(bench.get(&path, Some(&bench.token(Role::Member))).await.refused(), refusal(403, "forbidden"));
    assert_eq!(bench.get(&path, Some(&trainer)).await.refused(), refusal(409, "wrong_phase"));
    settle(&bench, ClassId(class.parse().expect("an id"))).await;
    let got = bench.get(&path, Some(&trainer)).await.ok();
    assert_eq!((&got["summary"]["name"], &got["summary"]["people"]), (&json!("HIIT 45"), &json!(7)));
}

/// The change that settles a class, as its actor would write it.
async fn settle(bench: &Bench, class: ClassId) {
    let key = ActorKey::Class(class);
    let stored = bench.app.state.load(key).await.expect("the store answers");
    let summary = ClassSummary {
        class,
        name: "HIIT 45".into(),
        from: 0,
        to: 1,
        people: 7,
        points: 0,
        hr_seconds: 0.0,
        zone_s: [0.0; 6],
        samples: 0,
        dropped: 0,
        late: 0,
    };
    let change = Change { at: 1, by: None, what: What::Settled(Box::new(summary)) };
    let body = rmp_serde::to_vec_named(&change).expect("plain data");
    let commit = Commit {
        key,
        epoch: stored.epoch,
        rev: stored.rev,
        row: None,
        changes: vec![StoredChange {
            seq: stored.last_seq + 1,
            at: bench.clock.now(),
            kind: "settled",
            body,
            rewrites: vec![],
        }],
        wake_at: None,
        letters: Vec::new(),
        received: Vec::new(),
        answers: Vec::new(),
        reports: Vec::new(),
    };
    let done = bench.app.state.commit(vec![commit]).await;
    assert!(matches!(done[..], [Committed::Done(_)]), "{done:?}");
}

#[actix_web::test]
async fn a_ride_alone_is_begun_once_and_found_by_nobody() {
    let bench = Bench::new().await;
    let (token, body) = (bench.token(Role::Member), json!({ "cmd": cmd(&bench), "name": "Alone", "activity": "run" }));
    let first = bench.post("/v1/rides", Some(&token), body.clone()).await.ok();
    let again = bench.post("/v1/rides", Some(&token), body.clone()).await.ok();
    assert_eq!(first, again);
    for role in [Role::Member, Role::Trainer] {
        let listed = bench.get("/v1/classes", Some(&bench.token(role))).await.ok();
        assert_eq!(listed["classes"], json!([]));
    }
    let screen = bench.post("/v1/rides", Some(&bench.token(Role::Screen)), body).await;
    assert_eq!(screen.refused(), refusal(403, "forbidden"));
}

#[actix_web::test]
async fn only_staff_and_the_halls_screens_look_back() {
    let bench = Bench::new().await;
    let class = make(&bench).await;
    let to = NOW_MS + 60_000;
    bench.clock.0.store(to, Ordering::Relaxed);
    let film = |view: &str, to: u64| format!("/v1/classes/{class}/film?view={view}&from={NOW_MS}&to={to}");
    for (role, view, status) in [
        (Role::Member, "board", StatusCode::FORBIDDEN),
        (Role::Screen, "desk", StatusCode::FORBIDDEN),
        (Role::Screen, "board", StatusCode::OK),
        (Role::Trainer, "board", StatusCode::OK),
        (Role::Trainer, "desk", StatusCode::OK),
    ] {
        let got = bench.get(&film(view, to), Some(&bench.token(role))).await;
        assert_eq!(got.status, status, "{role:?} {view}");
    }
    let trainer = bench.token(Role::Trainer);
    for wrong in [film("desk", NOW_MS), film("desk", NOW_MS + 600_001), film("phone", to)] {
        assert_eq!(bench.get(&wrong, Some(&trainer)).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let early = format!("/v1/classes/{class}/film?view=desk&from={}&to={to}", NOW_MS - 1_000);
    assert_eq!(bench.get(&early, Some(&trainer)).await.status, StatusCode::NOT_FOUND);
}
