//! Reports over real sockets and HTTP: the words as they were wait for staff, through a restart, and are decided once.

use crate::gym::{Gym, run};
use crate::rooms::{dial, refused, say, team};
use fitconnect_protocol::report::{ReportReason, Verdict};
use fitconnect_protocol::room::{HistoryFrom, RoomCommand};
use fitconnect_protocol::{CmdId, ErrorCode, RoomId};
use serde_json::Value;

async fn queue(gym: &Gym, token: &Option<String>, query: &str) -> Result<Value, String> {
    let text = gym.address.text_as(&format!("/v1/reports{query}"), token.as_deref()).await;
    text.map(|text| serde_json::from_str(&text).expect("JSON")).map_err(|error| error.to_string())
}

/// The words of the queue's messages, in order of the messages: reports of one millisecond have no order.
fn texts(queue: &Value) -> Vec<&str> {
    let mut reports: Vec<&Value> = queue["reports"].as_array().expect("a list").iter().collect();
    reports.sort_by_key(|report| report["seq"].as_u64());
    reports.iter().map(|report| report["text"].as_str().expect("words")).collect()
}

/// The report of the message with these words.
fn of<'q>(queue: &'q Value, text: &str) -> &'q Value {
    let mut reports = queue["reports"].as_array().expect("a list").iter();
    reports.find(|report| report["text"] == text).expect("it is reported")
}

fn id(report: &Value) -> CmdId {
    report["report"].as_str().expect("an id").parse().expect("a UUID")
}

#[test]
fn what_is_reported_waits_for_staff_and_is_decided_once() {
    let gym = Gym::open(3, 1);
    let room: RoomId = run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (ben, _bens) = dial(&gym, &gym.members[1]).await;
        let room = team(&ana).await;
        assert_eq!(ben.room(room, RoomCommand::Join).await.expect("in"), 2);
        let (fool, pills) = (say(&ana, room, "you fool").await, say(&ana, room, "buy pills").await);
        let report = |seq, reason| RoomCommand::Report { seq, reason, words: "every day".into() };
        assert_eq!(ben.room(room, report(fool, ReportReason::Insult)).await.expect("filed"), pills);
        ben.room(room, report(pills, ReportReason::Spam)).await.expect("filed");
        ana.room(room, RoomCommand::Edit { seq: fool, text: "my friend".into() }).await.expect("edited");
        assert_eq!(refused(ana.room(room, report(fool, ReportReason::Other)).await), ErrorCode::Forbidden);
        room
    });
    let gym = Gym::open_in(gym.close(), 3, 1);
    run(async {
        let staff = &gym.trainer.token;
        let all = queue(&gym, staff, "").await.expect("the queue");
        assert_eq!(texts(&all), ["you fool", "buy pills"], "with the words as they were");
        let first = queue(&gym, staff, "?limit=1").await.expect("a page");
        let next = first["next"].as_str().expect("there is more").to_owned();
        let second = queue(&gym, staff, &format!("?limit=1&after={next}")).await.expect("a page");
        assert_eq!((&first["reports"][0], &second["reports"][0]), (&all["reports"][0], &all["reports"][1]));
        assert_eq!(second["next"], Value::Null);
        // A member sees none; one who keeps order in the room sees the room's.
        let own = format!("?room={room}");
        assert!(queue(&gym, &gym.members[0].token, "").await.is_err());
        assert!(queue(&gym, &gym.members[1].token, &own).await.is_err());
        let hers = queue(&gym, &gym.members[0].token, &own).await.expect("hers");
        assert_eq!(texts(&hers).len(), 2);
        // She wrote what was reported, and is told neither by whom nor what they say besides.
        let who = |queue: &Value| (queue["reports"][0]["reporter_name"].clone(), queue["reports"][0]["words"].clone());
        assert_eq!(who(&hers), (Value::Null, "".into()));
        assert_eq!(who(&all), ("Rider 1".into(), "every day".into()));

        let (tom, _toms) = dial(&gym, &gym.trainer).await;
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let report = id(of(&all, "you fool"));
        let decide = |verdict| RoomCommand::Decide { report, verdict };
        assert_eq!(refused(ana.room(room, decide(Verdict::Dismiss)).await), ErrorCode::Forbidden, "it is about her");
        let deleted = tom.room(room, decide(Verdict::Delete)).await.expect("decided");
        assert_eq!(tom.room(room, decide(Verdict::Ban)).await.expect("it is decided"), deleted, "nothing more happens");
        assert_eq!(texts(&queue(&gym, staff, "").await.expect("the queue")), ["buy pills"]);
        let audit = gym.address.text_as(&format!("/v1/reports/{report}"), staff.as_deref()).await.expect("kept");
        let audit: Value = serde_json::from_str(&audit).expect("JSON");
        assert_eq!(audit["text"], "you fool");
        assert_eq!(
            (&audit["decision"]["verdict"]["t"], &audit["decision"]["name"]),
            (&"delete".into(), &"Rider 3".into())
        );
        let ban = RoomCommand::Decide { report: id(of(&all, "buy pills")), verdict: Verdict::Ban };
        tom.room(room, ban).await.expect("out");
        assert_eq!(refused(ana.room(room, RoomCommand::Join).await), ErrorCode::Forbidden);
        assert_eq!(texts(&queue(&gym, staff, "").await.expect("the queue")), [""; 0]);
    });
}

#[test]
fn a_word_that_the_gym_does_not_want_waits_until_it_is_let_through() {
    let gym = Gym::open(2, 1);
    run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (tom, _toms) = dial(&gym, &gym.trainer).await;
        let staff = gym.trainer.token.as_deref();
        let room = team(&ana).await;
        let list = serde_json::json!({ "on_words": "report", "words": ["дурак"] });
        let put =
            async |token: &Option<String>| gym.address.json("PUT", "/v1/words", token.as_deref(), Some(&list)).await;
        assert!(put(&gym.members[0].token).await.is_err(), "staff set it");
        assert_eq!(put(&gym.trainer.token).await.expect("set")["words"], list["words"]);
        let kept: Value =
            serde_json::from_str(&gym.address.text_as("/v1/words", staff).await.expect("a list")).expect("JSON");
        assert_eq!(kept["on_words"], "report");
        let post = |text: &str| RoomCommand::say(text);
        assert_eq!(say(&ana, room, "привет").await, 2);
        assert_eq!(refused(ana.room(room, post("сам дурaк")).await), ErrorCode::Held);
        let held = queue(&gym, &gym.trainer.token, "").await.expect("the queue");
        let (reason, seq) = (&held["reports"][0]["reason"], &held["reports"][0]["seq"]);
        assert_eq!((texts(&held), reason, seq), (vec!["сам дурaк"], &"listed".into(), &0.into()));
        let report = id(&held["reports"][0]);
        let through = RoomCommand::Decide { report, verdict: Verdict::Post };
        assert_eq!(tom.room(room, through).await.expect("posted"), 3);
        let (page, _) = ana.history(room, HistoryFrom::After { seq: 2 }, 10).await.expect("a page");
        assert_eq!((page[0].text.as_str(), page[0].by), ("сам дурaк", ana.welcome().user));
    });
}
