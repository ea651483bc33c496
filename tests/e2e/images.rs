//! Pictures over real HTTP and sockets: sent, shown once, seen by the room, gone with the message.

use crate::gym::{Gym, run};
use crate::rooms::{dial, refused, say, team};
use fitconnect_loadtest::accounts::Account;
use fitconnect_protocol::report::ReportReason;
use fitconnect_protocol::room::{HistoryFrom, JoinRule, RoomCommand, RoomKind};
use fitconnect_protocol::{ErrorCode, ImageId, RoomId};
use image::{ImageFormat, RgbImage};
use serde_json::Value;
use std::io::Cursor;

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let image = RgbImage::from_pixel(width, height, image::Rgb([200, 30, 30]));
    image.write_to(&mut file, ImageFormat::Png).expect("encoded");
    file.into_inner()
}

async fn send(gym: &Gym, who: &Account, room: RoomId, file: &[u8]) -> Result<Value, String> {
    let path = format!("/v1/rooms/{room}/images");
    let answer = gym.address.bytes("POST", &path, who.token.as_deref(), file).await;
    answer.map(|body| serde_json::from_slice(&body).expect("JSON")).map_err(|error| error.to_string())
}

async fn get(gym: &Gym, who: &Account, image: ImageId) -> Result<Vec<u8>, String> {
    let answer = gym.address.bytes("GET", &format!("/v1/images/{image}"), who.token.as_deref(), &[]).await;
    answer.map_err(|error| error.to_string())
}

fn id(sent: &Value) -> ImageId {
    sent["image"].as_str().expect("an id").parse().expect("a UUID")
}

fn show(image: ImageId) -> RoomCommand {
    RoomCommand::Post { text: String::new(), reply_to: None, mentions: vec![], image: Some(image) }
}

#[test]
fn a_picture_is_seen_by_the_room_and_goes_with_its_message() {
    let gym = Gym::open(3, 1);
    let [a, b, c] = &gym.members[..3] else { panic!("three") };
    let (room, picture, reported) = run(async {
        let (ana, _anas) = dial(&gym, a).await;
        let (ben, _bens) = dial(&gym, b).await;
        let room = team(&ana).await;
        assert!(send(&gym, b, room, &png(4, 3)).await.expect_err("not in").contains("not_member"));
        ben.room(room, RoomCommand::Join).await.expect("in");
        assert!(send(&gym, a, room, b"GIF89a").await.expect_err("no picture").contains("bad_file"));
        let sent = send(&gym, a, room, &png(2_000, 1_000)).await.expect("sent");
        assert_eq!((&sent["width"], &sent["height"]), (&1_600.into(), &800.into()));
        let picture = id(&sent);
        get(&gym, a, picture).await.expect("one's own, before it is shown");
        assert!(get(&gym, b, picture).await.is_err(), "nobody else's yet");
        assert_eq!(refused(ben.room(room, show(picture)).await), ErrorCode::NotFound, "nor to show");
        let seq = ana.room(room, show(picture)).await.expect("posted");
        assert_eq!(refused(ana.room(room, show(picture)).await), ErrorCode::NotFound, "once");
        let (page, _) = ben.history(room, HistoryFrom::After { seq: 0 }, 10).await.expect("a page");
        assert_eq!(page[0].picture.map(|shown| (shown.image, shown.width)), Some((picture, 1_600)));
        let jpeg = get(&gym, b, picture).await.expect("he is in the room");
        let seen = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).expect("a JPEG").into_rgb8();
        assert_eq!(seen.dimensions(), (1_600, 800));
        assert!(get(&gym, c, picture).await.expect_err("not in").contains("not_member"));

        let reported = id(&send(&gym, a, room, &png(8, 8)).await.expect("sent"));
        let second = ana.room(room, show(reported)).await.expect("posted");
        let words = String::new();
        ben.room(room, RoomCommand::Report { seq: second, reason: ReportReason::Other, words }).await.expect("filed");
        ana.room(room, RoomCommand::Delete { seq }).await.expect("deleted");
        ana.room(room, RoomCommand::Delete { seq: second }).await.expect("deleted");
        say(&ana, room, "gone").await;
        (room, picture, reported)
    });
    let gym = Gym::open_in(gym.close(), 3, 1);
    run(async {
        for gone in [picture, reported] {
            assert!(get(&gym, &gym.members[1], gone).await.is_err(), "deleted is deleted");
        }
        get(&gym, &gym.trainer, reported).await.expect("who decides sees what was reported");
        let staff = gym.trainer.token.as_deref();
        let queue = gym.address.text_as(&format!("/v1/reports?room={room}"), staff).await.expect("the queue");
        let queue: Value = serde_json::from_str(&queue).expect("JSON");
        assert_eq!(id(&queue["reports"][0]["picture"]), reported);
    });
}

#[test]
fn of_two_staff_see_a_picture_once_it_is_reported_and_nobody_shows_again_what_is_held_back() {
    let gym = Gym::open(2, 1);
    let [a, b] = &gym.members[..2] else { panic!("two") };
    run(async {
        let (ana, _anas) = dial(&gym, a).await;
        let (ben, _bens) = dial(&gym, b).await;
        let room = RoomId::direct(ana.welcome().user, ben.welcome().user);
        let members = vec![ben.welcome().user];
        let (kind, join) = (RoomKind::Direct, JoinRule::Fixed);
        ana.room(room, RoomCommand::Create { kind, name: String::new(), join, members }).await.expect("made");
        let picture = id(&send(&gym, a, room, &png(4, 3)).await.expect("sent"));
        let seq = ana.room(room, show(picture)).await.expect("posted");
        assert!(get(&gym, &gym.trainer, picture).await.expect_err("between them").contains("not_member"));
        let words = String::new();
        ben.room(room, RoomCommand::Report { seq, reason: ReportReason::Sexual, words }).await.expect("filed");
        get(&gym, &gym.trainer, picture).await.expect("who decides sees it");

        let list = serde_json::json!({ "on_words": "report", "words": ["dope"] });
        let staff = gym.trainer.token.as_deref();
        gym.address.json("PUT", "/v1/words", staff, Some(&list)).await.expect("set");
        let team = team(&ana).await;
        let held = id(&send(&gym, a, team, &png(4, 3)).await.expect("sent"));
        let post =
            |text: &str| RoomCommand::Post { text: text.into(), reply_to: None, mentions: vec![], image: Some(held) };
        assert_eq!(refused(ana.room(team, post("dope")).await), ErrorCode::Held);
        assert_eq!(refused(ana.room(team, post("fine")).await), ErrorCode::NotFound, "it waits with its message");
    });
}
