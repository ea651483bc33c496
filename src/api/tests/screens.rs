//! A hall's screen: let in by its six digits, watching, put out.

use super::socket::read;
use super::*;
use crate::auth::Revoked;
use fitconnect_domain::Millis;
use fitconnect_protocol::limits::{LOGINS_PER_MINUTE, PAIRING_MS, SCREEN_TOKEN_LIFE_S};
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message};

fn pair(code: &str) -> Value {
    json!({ "code": code, "hall": " Hall 2 ", "name": "Over the door" })
}

/// The screen and its token.
async fn paired(bench: &Bench) -> (Value, Value) {
    let offered = bench.post("/v1/pairings", None, json!({})).await.made();
    let secret = json!({ "secret": offered["secret"] });
    let waits = bench.post("/v1/pairings/claim", None, secret.clone()).await;
    assert_eq!((waits.status.as_u16(), waits.json()), (202, json!({})));
    let staff = bench.token(Role::Trainer);
    let screen = bench.post("/v1/screens", Some(&staff), pair(offered["code"].as_str().expect("digits"))).await.made();
    (screen, bench.post("/v1/pairings/claim", None, secret).await.ok())
}

#[actix_web::test]
async fn a_screen_is_let_in_by_its_digits_and_put_out_within_the_second() {
    let bench = Bench::new().await;
    let (screen, login) = paired(&bench).await;
    assert_eq!((screen["hall"].as_str(), screen["name"].as_str()), (Some("Hall 2"), Some("Over the door")));
    assert_eq!((login["user"].clone(), login["role"].as_str()), (screen["user"].clone(), Some("screen")));
    assert_eq!(
        (login["hall"].as_str(), login["gym"].clone()),
        (Some("Hall 2"), json!(bench.person(Role::Trainer).gym))
    );
    assert_eq!(login["expires_at_ms"], json!(NOW_MS + SCREEN_TOKEN_LIFE_S * 1_000));
    let token = login["token"].as_str().expect("a token");
    bench.get("/v1/me", Some(token)).await.ok();
    let mut socket = bench.dial_with(token).await.expect("an upgrade");

    let staff = bench.token(Role::Trainer);
    let listed = bench.get("/v1/screens", Some(&staff)).await.ok();
    let names: Vec<_> = listed["screens"].as_array().expect("a list").iter().map(|each| each["user"].clone()).collect();
    assert!(names.contains(&screen["user"]) && names.len() == 2, "and the one that was seeded: {listed}");
    let path = format!("/v1/screens/{}", screen["user"].as_str().expect("an id"));
    let gone = bench.delete(&path, Some(&staff)).await;
    assert_eq!(gone.status.as_u16(), 204);
    let Message::Close(Some(close)) = read(&mut socket).await else { panic!("a close with a reason") };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (4501, "unauthorised"));
    assert_eq!(bench.get("/v1/me", Some(token)).await.refused(), refusal(401, "unauthorised"));
    assert_eq!(bench.post("/v1/token/refresh", Some(token), json!({})).await.refused(), refusal(401, "unauthorised"));
    let Err(Error::Http(answer)) = bench.dial_with(token).await else { panic!("an answer without an upgrade") };
    assert_eq!(answer.status().as_u16(), 401);
    assert_eq!(bench.delete(&path, Some(&staff)).await.refused(), refusal(404, "not_found"), "it is out already");
    // After a start.
    let kept = bench.app.state.revoked(Millis(0)).await.expect("a read");
    let claims = bench.app.keys.verify(token, bench.clock.now()).expect("signed by us");
    assert!(!Revoked::new(kept).is_good(&claims));
}

#[actix_web::test]
async fn digits_are_for_staff_and_end() {
    let bench = Bench::new().await;
    let offered = bench.post("/v1/pairings", None, json!({})).await.made();
    let code = offered["code"].as_str().expect("digits");
    assert_eq!(offered["expires_at_ms"], json!(NOW_MS + PAIRING_MS));
    for role in [Role::Member, Role::Screen] {
        let token = bench.token(role);
        assert_eq!(bench.post("/v1/screens", Some(&token), pair(code)).await.refused(), refusal(403, "forbidden"));
        assert_eq!(bench.get("/v1/screens", Some(&token)).await.refused(), refusal(403, "forbidden"));
    }
    let staff = bench.token(Role::Trainer);
    let nowhere = json!({ "code": code, "hall": " ", "name": "TV" });
    assert_eq!(bench.post("/v1/screens", Some(&staff), nowhere).await.refused(), refusal(400, "malformed"));
    bench.pass(PAIRING_MS);
    let staff = bench.token(Role::Trainer);
    assert_eq!(bench.post("/v1/screens", Some(&staff), pair(code)).await.refused(), refusal(404, "not_found"));
    let claim = bench.post("/v1/pairings/claim", None, json!({ "secret": offered["secret"] })).await;
    assert_eq!(claim.refused(), refusal(404, "not_found"));
    for _ in 1..LOGINS_PER_MINUTE {
        assert_eq!(bench.post("/v1/screens", Some(&staff), pair(code)).await.refused(), refusal(404, "not_found"));
    }
    let guessed = bench.post("/v1/screens", Some(&staff), pair(code)).await;
    assert_eq!(guessed.refused(), refusal(429, "rate_limited"));
    assert_eq!(guessed.json()["retry_after_ms"], json!(60_000));
}

#[actix_web::test]
async fn nobody_puts_out_who_is_no_screen_or_another_gyms() {
    let bench = Bench::new().await;
    let staff = bench.token(Role::Trainer);
    let member = format!("/v1/screens/{}", bench.person(Role::Member).user);
    assert_eq!(bench.delete(&member, Some(&staff)).await.refused(), refusal(404, "not_found"));
    let (screen, login) = paired(&bench).await;
    let elsewhere =
        Seeded { gym: fitconnect_protocol::GymId(uuid::Uuid::from_u128(7)), ..bench.person(Role::Trainer).clone() };
    let elsewhere = bench.app.keys.mint(&bench.claims(&elsewhere));
    let path = format!("/v1/screens/{}", screen["user"].as_str().expect("an id"));
    assert_eq!(bench.delete(&path, Some(&elsewhere)).await.refused(), refusal(404, "not_found"));
    bench.get("/v1/me", login["token"].as_str()).await.ok();
}
