//! Logging in, tokens, one's own data.

use super::*;
use crate::auth::TokenError;
use fitconnect_actors::ports::{Commit, Committed, StoredChange, UserRow};
use fitconnect_domain::user::{Change, Stored};
use fitconnect_protocol::limits::LOGINS_PER_MINUTE;
use fitconnect_protocol::user::{Consent, Profile};
use serde_json::json;

fn login(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

#[actix_web::test]
async fn the_right_password_gets_a_token_that_is_good() {
    let bench = Bench::new().await;
    let trainer = bench.person(Role::Trainer);
    let password = trainer.password.as_deref().expect("seeded with one");
    let got = bench.post("/v1/login", None, login(&format!(" {} ", trainer.email.to_uppercase()), password)).await.ok();
    let claims = bench.app.keys.verify(got["token"].as_str().expect("a token"), bench.clock.now()).expect("good");
    assert_eq!((claims.user, claims.role), (trainer.user, Role::Trainer));
    assert_eq!(got["expires_at_ms"], json!(NOW_MS + 3_600_000));
    assert_eq!(got["user"], json!(trainer.user));
    assert_eq!(got["gym"], json!(trainer.gym));
    assert_eq!((got["role"].as_str(), got["name"].as_str()), (Some("trainer"), Some(trainer.name.as_str())));
    let me = bench.get("/v1/me", got["token"].as_str()).await.ok();
    assert_eq!(me["email"], json!(trainer.email));
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_email_look_the_same() {
    let bench = Bench::new().await;
    let wrong = bench.post("/v1/login", None, login(&bench.person(Role::Member).email, "wrong")).await;
    let unknown = bench.post("/v1/login", None, login("nobody@test-gym.test", "wrong")).await;
    assert_eq!(wrong.refused(), refusal(401, "unauthorised"));
    assert_eq!(wrong.bytes, unknown.bytes);
    assert_eq!(wrong.header("www-authenticate"), "Bearer");
}

#[actix_web::test]
async fn too_many_attempts_are_told_how_long_to_wait() {
    let bench = Bench::new().await;
    let member = bench.person(Role::Member);
    let password = member.password.as_deref().expect("seeded with one");
    for _ in 0..LOGINS_PER_MINUTE {
        assert_eq!(
            bench.post("/v1/login", None, login(&member.email, "wrong")).await.refused(),
            refusal(401, "unauthorised")
        );
    }
    let limited = bench.post("/v1/login", None, login(&member.email, password)).await;
    assert_eq!(limited.refused(), refusal(429, "rate_limited"));
    assert_eq!(limited.json()["retry_after_ms"], json!(60_000));
    assert_eq!(limited.header("retry-after"), "60");
    let from_elsewhere = TestRequest::post().uri("/v1/login").peer_addr("192.0.2.9:1".parse().expect("an address"));
    let from_elsewhere = bench.send(from_elsewhere.set_json(login(&member.email, password))).await;
    assert_eq!(from_elsewhere.refused(), refusal(429, "rate_limited"), "the account is guarded too");
    bench.pass(120_000);
    bench.post("/v1/login", None, login(&member.email, password)).await.ok();
}

#[actix_web::test]
async fn whoever_knows_the_password_is_not_limited() {
    let bench = Bench::new().await;
    let member = bench.person(Role::Member);
    for _ in 0..2 * LOGINS_PER_MINUTE {
        bench.post("/v1/login", None, login(&member.email, member.password.as_deref().expect("one"))).await.ok();
    }
}

#[actix_web::test]
async fn a_malformed_login_is_told_what_is_wrong() {
    let bench = Bench::new().await;
    for (body, status, code) in [
        (json!({ "email": "a@b" }), 400, "malformed"),
        (json!({ "email": "a@b", "password": "x", "admin": true }), 400, "malformed"),
        (json!({ "email": "", "password": "x" }), 400, "malformed"),
        (json!([]), 400, "malformed"),
        (json!({ "email": "a@b", "password": "x".repeat(5_000) }), 413, "too_large"),
        (json!({ "email": "a@b", "password": "x".repeat(70_000) }), 413, "too_large"),
    ] {
        assert_eq!(bench.post("/v1/login", None, body).await.refused(), refusal(status, code));
    }
    let no_json =
        TestRequest::post().uri("/v1/login").set_payload("email=a").insert_header(("content-type", "text/plain"));
    assert_eq!(bench.send(no_json).await.refused(), refusal(400, "malformed"));
}

#[actix_web::test]
async fn a_good_token_gets_a_new_one() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Member);
    bench.pass(1_800_000);
    let got = bench.post("/v1/token/refresh", Some(&token), Value::Null).await.ok();
    assert_eq!(got["expires_at_ms"], json!(NOW_MS + 1_800_000 + 3_600_000));
    assert_ne!(got["token"], json!(token));
}

#[actix_web::test]
async fn no_wrong_token_opens_a_door() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Admin.min(Role::Trainer));
    let mut parts: Vec<&str> = token.split('.').collect();
    let other = bench.token(Role::Member);
    parts[1] = other.split('.').nth(1).expect("claims");
    let forged = parts.join(".");
    for (token, why) in [
        (None, "Authorization: Bearer"),
        (Some("nonsense"), "no access token"),
        (Some(forged.as_str()), "signature does not fit"),
    ] {
        for path in ["/v1/me", "/v1/me/summaries", "/v1/classes"] {
            let got = bench.get(path, token).await;
            assert_eq!(got.refused(), refusal(401, "unauthorised"), "{path}");
            assert!(got.text().contains(why), "{} lacks {why:?}", got.text());
        }
    }
    bench.pass(3_600_000);
    let expired = bench.post("/v1/token/refresh", Some(&token), Value::Null).await;
    assert_eq!(expired.refused(), refusal(401, "unauthorised"));
    assert!(expired.text().contains(&TokenError::Expired.to_string()), "{}", expired.text());
}

#[actix_web::test]
async fn a_token_of_an_account_that_is_gone_is_worth_nothing() {
    let bench = Bench::new().await;
    let ghost =
        Seeded { user: fitconnect_protocol::UserId(uuid::Uuid::now_v7()), ..bench.person(Role::Member).clone() };
    let token = bench.app.keys.mint(&bench.claims(&ghost));
    assert_eq!(bench.get("/v1/me", Some(&token)).await.refused(), refusal(401, "unauthorised"));
    assert_eq!(
        bench.post("/v1/token/refresh", Some(&token), Value::Null).await.refused(),
        refusal(401, "unauthorised")
    );
}

#[actix_web::test]
async fn summaries_come_newest_first_in_pages() {
    let bench = Bench::new().await;
    let member = bench.person(Role::Member);
    commit_summaries(&bench, member, 5).await;
    let token = bench.token(Role::Member);
    let first = bench.get("/v1/me/summaries?limit=3", Some(&token)).await.ok();
    let versions = |page: &Value| -> Vec<u64> {
        page["summaries"].as_array().expect("a list").iter().filter_map(|each| each["version"].as_u64()).collect()
    };
    assert_eq!(versions(&first), [5, 4, 3]);
    let next = first["next"].as_u64().expect("there is more");
    let second = bench.get(&format!("/v1/me/summaries?limit=3&before={next}"), Some(&token)).await.ok();
    assert_eq!(versions(&second), [2, 1]);
    assert_eq!(second.get("next"), None);
    for wrong in ["limit=0", "limit=201", "limit=x", "befor=1"] {
        let got = bench.get(&format!("/v1/me/summaries?{wrong}"), Some(&token)).await;
        assert_eq!(got.refused(), refusal(400, "malformed"), "{wrong}");
    }
    let other = bench.get("/v1/me/summaries", Some(&bench.token(Role::Trainer))).await.ok();
    assert_eq!(other["summaries"], json!([]), "somebody else's are theirs");
}

#[actix_web::test]
async fn a_file_that_is_none_is_told_so() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Member);
    let post =
        |token: Option<&str>, bytes: Vec<u8>| signed(TestRequest::post().uri("/v1/import"), token).set_payload(bytes);
    assert_eq!(bench.send(post(None, b"x".to_vec())).await.refused(), refusal(401, "unauthorised"));
    assert_eq!(bench.send(post(Some(&token), b"x".to_vec())).await.refused(), refusal(422, "bad_file"));
    assert_eq!(bench.send(post(Some(&token), Vec::new())).await.refused(), refusal(422, "bad_file"));
    let large = vec![0; fitconnect_protocol::limits::IMPORT_BYTES_MAX + 1];
    assert_eq!(bench.send(post(Some(&token), large)).await.status, 413);
}

#[actix_web::test]
async fn an_administrator_makes_an_account_that_can_log_in() {
    let bench = Bench::new().await;
    let admin = bench.token(Role::Admin);
    let ana = json!({ "email": " Ana@Example.com ", "name": "Ana Petrova", "role": "trainer" });
    for role in [Role::Member, Role::Trainer, Role::Screen] {
        let got = bench.post("/v1/accounts", Some(&bench.token(role)), ana.clone()).await;
        assert_eq!(got.refused(), refusal(403, "forbidden"), "{role:?}");
    }
    let made = bench.post("/v1/accounts", Some(&admin), ana.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((made["email"].as_str(), made["role"].as_str()), (Some("ana@example.com"), Some("trainer")));
    let password = made["password"].as_str().expect("one was made");
    let got = bench.post("/v1/login", None, login("ana@example.com", password)).await.ok();
    assert_eq!(got["user"], made["user"]);
    assert_eq!(bench.post("/v1/accounts", Some(&admin), ana).await.refused(), refusal(409, "email_taken"));
    let listed = bench.get("/v1/accounts?limit=1", Some(&admin)).await.ok();
    assert_eq!(listed["accounts"].as_array().map(Vec::len), Some(1));
    let behind = bench.get("/v1/accounts?after=admin-1@test-gym.test", Some(&admin)).await.ok();
    assert_eq!(behind["accounts"][0]["email"], json!("ana@example.com"));
    assert!(behind["accounts"][0].get("password").is_none(), "a list tells no password");
}

#[actix_web::test]
async fn what_cannot_be_an_account_is_told_why() {
    let bench = Bench::new().await;
    let admin = bench.token(Role::Admin);
    for (field, wrong) in [
        ("email", json!({ "email": "ana", "name": "Ana", "role": "member" })),
        ("email", json!({ "email": "a na@example.com", "name": "Ana", "role": "member" })),
        ("name", json!({ "email": "ana@example.com", "name": " ", "role": "member" })),
        ("hall", json!({ "email": "tv@example.com", "name": "TV", "role": "screen" })),
        ("hall", json!({ "email": "ana@example.com", "name": "Ana", "role": "member", "hall": "Hall 1" })),
        ("password", json!({ "email": "ana@example.com", "name": "Ana", "role": "member", "password": "short" })),
    ] {
        let got = bench.post("/v1/accounts", Some(&admin), wrong.clone()).await;
        assert_eq!(got.refused(), refusal(400, "malformed"), "{wrong}");
        assert!(got.text().contains(field), "{wrong}: {}", got.text());
    }
}

#[actix_web::test]
async fn a_password_is_changed_by_its_owner_and_by_an_administrator() {
    let bench = Bench::new().await;
    let member = bench.person(Role::Member);
    let (old, token) = (member.password.as_deref().expect("seeded with one"), bench.token(Role::Member));
    let change = |now: &str, new: &str| json!({ "password": now, "new": new });
    let path = "/v1/me/password";
    assert_eq!(
        bench.post(path, Some(&token), change("wrong", "correct horse")).await.refused(),
        refusal(403, "forbidden")
    );
    assert_eq!(bench.post(path, Some(&token), change(old, "short")).await.refused(), refusal(400, "malformed"));
    assert_eq!(bench.post(path, Some(&token), change(old, "correct horse")).await.status, 204);
    assert_eq!(bench.post("/v1/login", None, login(&member.email, old)).await.refused(), refusal(401, "unauthorised"));
    bench.post("/v1/login", None, login(&member.email, "correct horse")).await.ok();

    let (admin, reset) = (bench.token(Role::Admin), format!("/v1/accounts/{}/password", member.user));
    assert_eq!(bench.post(&reset, Some(&token), json!({})).await.refused(), refusal(403, "forbidden"));
    let nobody = format!("/v1/accounts/{}/password", uuid::Uuid::now_v7());
    assert_eq!(bench.post(&nobody, Some(&admin), json!({})).await.refused(), refusal(404, "not_found"));
    let told = bench.post(&reset, Some(&admin), json!({})).await.ok();
    let made = told["password"].as_str().expect("one was made");
    bench.post("/v1/login", None, login(&member.email, made)).await.ok();
}

/// Summaries of version 1 to `count` in this member's row.
async fn commit_summaries(bench: &Bench, member: &Seeded, count: u64) {
    let key = ActorKey::User(member.user);
    let stored = bench.app.state.load(key).await.expect("the store answers");
    let person = Stored::new(member.gym, member.name.clone(), Profile::default(), Consent::default());
    let changes = (1..=count).map(|version| {
        let summary = json!({
            "class": uuid::Uuid::now_v7(), "class_name": "HIIT 45", "activity": "ride", "slot": 0, "version": version,
            "from": 0, "to": 1, "records": 0, "hr_seconds": 0.0, "hr_avg": 0.0, "hr_max": 0, "compliance": [],
            "provenance": { "sources": [], "gaps": [], "dropped": 0, "formulas": 1, "kcal_extrapolated": false },
        });
        let summary = Box::new(serde_json::from_value(summary).expect("a summary"));
        let body = rmp_serde::to_vec_named(&Change::Summarised { summary }).expect("plain data");
        StoredChange {
            seq: stored.last_seq + version,
            at: bench.clock.now(),
            kind: "summarised",
            body,
            rewrites: vec![],
        }
    });
    let commit = Commit {
        key,
        epoch: stored.epoch,
        rev: stored.rev,
        row: Some(fitconnect_actors::ports::Row::User(UserRow {
            snapshot: rmp_serde::to_vec_named(&person).expect("plain data"),
        })),
        changes: changes.collect(),
        wake_at: None,
        letters: Vec::new(),
        received: Vec::new(),
        answers: Vec::new(),
        reports: Vec::new(),
    };
    let done = bench.app.state.commit(vec![commit]).await;
    assert!(matches!(done[..], [Committed::Done(_)]), "{done:?}");
}
