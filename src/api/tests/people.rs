//! Members find each other by name.

use super::*;
use fitconnect_actors::body::pack;
use fitconnect_actors::ports::UserRow;
use fitconnect_domain::user::{Blocks, Stored};
use fitconnect_protocol::user::{Consent, Profile};
use fitconnect_protocol::{UserId, Uuid};
use serde_json::json;

/// A member of the bench's gym, who is blocked by `others`.
async fn add(bench: &Bench, id: u128, name: &str, others: &[UserId]) -> UserId {
    let (user, gym) = (UserId(Uuid::from_u128(id)), bench.person(Role::Trainer).gym);
    let blocks = Blocks { others: others.iter().copied().collect(), ..Blocks::default() };
    let stored = Stored { blocks, ..Stored::new(gym, name, Profile::default(), Consent::default()) };
    let (email, password) = (format!("{id}@example.org"), String::new());
    let account = Account { user, gym, email, name: name.into(), role: Role::Member, hall: None, password };
    bench.app.state.add_accounts(vec![(account, UserRow { snapshot: pack(&stored) })]).await.expect("an account");
    user
}

#[actix_web::test]
async fn a_member_finds_others_by_the_beginnings_of_their_names() {
    let bench = Bench::new().await;
    let zoe = add(&bench, 0x100, "Zoë Quast", &[]).await;
    add(&bench, 0x101, "Zora Quist", &[zoe]).await;
    let zina = add(&bench, 0x102, "Зина Кваст", &[]).await;
    let token = |user: UserId| {
        let account = Account {
            user,
            gym: bench.person(Role::Trainer).gym,
            email: String::new(),
            name: String::new(),
            role: Role::Member,
            hall: None,
            password: String::new(),
        };
        bench.app.keys.mint(&Claims::of(&account, bench.clock.now(), 3_600))
    };
    let find = async |q: &str, user| bench.get(&format!("/v1/people?q={q}"), Some(&token(user))).await.ok();
    let found = find("qu%20z", zina).await;
    let all = found["people"].as_array().expect("a list");
    assert!(all.contains(&json!({ "user": zoe, "name": "Zoë Quast" })), "and nothing else of her: {found}");
    assert_eq!((found["people"].as_array().map(Vec::len), &found["more"]), (Some(2), &json!(false)));
    let blocked = find("zora", UserId(Uuid::from_u128(0x101))).await;
    assert_eq!(blocked["people"], json!([]), "not oneself");
    let hidden = find("z", UserId(Uuid::from_u128(0x101))).await;
    assert_eq!(hidden["people"], json!([]), "nor one who has blocked her");
    for n in 0..21 {
        add(&bench, 0x200 + n, &format!("Zz {n}"), &[]).await;
    }
    let many = find("zz", zina).await;
    assert_eq!((many["people"].as_array().map(Vec::len), &many["more"]), (Some(20), &json!(true)));
    let empty = bench.get("/v1/people?q=%20", Some(&bench.token(Role::Member))).await;
    assert_eq!(empty.refused(), refusal(400, "malformed"));
    assert_eq!(bench.get("/v1/people?q=z", None).await.refused(), refusal(401, "unauthorised"));
    let screen = bench.token(Role::Screen);
    assert_eq!(bench.get("/v1/people?q=z", Some(&screen)).await.refused(), refusal(403, "forbidden"));
}
