use super::*;
use fitconnect_protocol::notice::Place;
use fitconnect_protocol::user::{Hidden, Role, ShowAs};
use fitconnect_protocol::{SessionId, Uuid};

const ANA: UserId = UserId(Uuid::from_u128(2));
const GYM: GymId = GymId(Uuid::from_u128(3));
const CLASS: ClassId = ClassId(Uuid::from_u128(9));

fn ana() -> User {
    User::restore(ANA, Some(Stored::new(GYM, "Ana", Profile::default(), Consent::default())))
}

fn by(user: UserId, role: Role) -> Arc<Caller> {
    Arc::new(Caller { user, gym: GYM, role, session: SessionId(Uuid::from_u128(4)), hall: None, name: String::new() })
}

/// Saves and letters as words.
fn step(user: &mut User, input: Input) -> Vec<String> {
    let mut out = Out::default();
    user.handle(input, AskId(1), Millis(0), &mut out);
    user.check_invariants();
    let word = |effect: Effect<User>| match effect {
        Effect::Save { change, .. } => Some(format!("saved {}", change.kind())),
        Effect::Letter(letter) => Some(format!("letter to {}", letter.to.kind())),
        Effect::Load(load) => Some(format!("load {}", load.user)),
        Effect::Answer { reply: Response::Refused(refusal), .. } => Some(format!("refused {}", refusal.code.as_str())),
        Effect::Answer { .. }
        | Effect::Tell { .. }
        | Effect::Publish(_)
        | Effect::Live(_)
        | Effect::Subscribe { .. }
        | Effect::Follow { .. }
        | Effect::File { .. }
        | Effect::Record { .. }
        | Effect::WakeAt(_)
        | Effect::TickAt(_)
        | Effect::Sleep => None,
    };
    out.0.into_iter().filter_map(word).collect()
}

const BEN: UserId = UserId(Uuid::from_u128(77));

fn block(user: UserId, blocked: bool) -> Input {
    command(by(ANA, Role::Member), UserCommand::Block { user, blocked })
}

fn found(gym: GymId) -> Input {
    Input::Loaded(Loaded::Person { user: BEN, person: Some((gym, "Ben".into())) })
}

#[test]
fn who_blocks_another_is_hidden_from_them_and_their_room_is_closed() {
    let mut user = ana();
    let room = RoomId::direct(ANA, BEN);
    let kind = fitconnect_protocol::room::RoomKind::Direct;
    let letter = LetterBody::InRoom { room, kind, name: "Ben".into(), read: 1, with: Some(BEN) };
    assert_eq!(step(&mut user, Input::Letter(letter.clone())), ["saved in_room"]);
    assert_eq!(step(&mut user, block(ANA, true)), ["refused malformed"]);
    assert_eq!(step(&mut user, block(BEN, false)), [""; 0], "it is so already");
    assert_eq!(step(&mut user, block(BEN, true)), [format!("load {BEN}")]);
    assert_eq!(step(&mut user, found(GymId(Uuid::from_u128(8)))), ["refused not_found"]);
    step(&mut user, block(BEN, true));
    assert_eq!(step(&mut user, Input::Loaded(Loaded::Failed(Load { user: BEN }))), ["refused retry"]);
    // From two devices at once.
    step(&mut user, block(BEN, true));
    step(&mut user, block(BEN, true));
    let once = ["letter to user", "letter to room", "saved blocked"];
    assert_eq!(step(&mut user, found(GYM)), once);
    let told = |user: &User| user.stored().expect("ana").blocks.told();
    assert_eq!(told(&user), [Hidden { user: BEN, name: Some("Ben".into()) }]);
    // He had made the room meanwhile.
    assert_eq!(step(&mut user, Input::Letter(letter)), ["saved in_room", "letter to room"]);
    let back = |blocked| Input::Letter(LetterBody::Blocked { by: BEN, user: ANA, blocked });
    assert_eq!(step(&mut user, back(true)), ["saved blocked_by"]);
    assert_eq!(step(&mut user, back(true)), [""; 0]);
    assert_eq!(step(&mut user, block(BEN, false)), ["letter to user", "letter to room", "saved blocked"]);
    assert_eq!(told(&user), [Hidden { user: BEN, name: None }], "he has blocked her still");
    assert_eq!(step(&mut user, back(false)), ["saved blocked_by"]);
    assert_eq!(told(&user), []);
}

#[test]
fn classes_that_one_is_in_hear_of_a_block_when_the_row_of_each_of_the_two_is_stored() {
    let mut user = ana();
    step(&mut user, Input::Letter(LetterBody::InClass { class: CLASS, rev: 1 }));
    let blocked = LetterBody::Blocked { by: BEN, user: ANA, blocked: true };
    assert_eq!(step(&mut user, Input::Letter(blocked)), ["letter to class", "saved blocked_by"]);
    assert_eq!(step(&mut user, block(BEN, true)), [format!("load {BEN}")]);
    let told = ["letter to user", "letter to room", "letter to class", "saved blocked"];
    assert_eq!(step(&mut user, found(GYM)), told);
}

fn command(by: Arc<Caller>, act: UserCommand) -> Input {
    Input::Command { by, cmd: CmdId(Uuid::from_u128(5)), act }
}

#[test]
fn a_consent_reaches_the_class_that_one_is_in() {
    let mut user = ana();
    assert_eq!(step(&mut user, Input::Letter(LetterBody::InClass { class: CLASS, rev: 1 })), ["saved in_class"]);
    let consent = Consent { show_on_board: ShowAs::Name, ..Consent::default() };
    let granted = step(&mut user, command(by(ANA, Role::Member), UserCommand::Consent { consent }));
    assert_eq!(granted, ["letter to class", "saved consented"]);
    let again = step(&mut user, Input::Letter(LetterBody::InClass { class: CLASS, rev: 1 }));
    assert_eq!(again, ["letter to class", "saved in_class"], "the class saw an older row");
}

#[test]
fn nobody_changes_another() {
    let stranger = by(UserId(Uuid::from_u128(77)), Role::Trainer);
    let refused = step(&mut ana(), command(stranger, UserCommand::Consent { consent: Consent::default() }));
    assert_eq!(refused, ["refused forbidden"]);
    let elsewhere = Arc::new(Caller { gym: GymId(Uuid::from_u128(8)), ..(*by(ANA, Role::Member)).clone() });
    assert_eq!(
        step(&mut ana(), command(elsewhere, UserCommand::Consent { consent: Consent::default() })),
        ["refused not_found"]
    );
}

#[test]
fn a_typed_maximum_waits_for_a_trainer() {
    let mut user = ana();
    let typed = Profile {
        hr_max: Some(199.0),
        hr_max_source: Some(HrMaxSource::Measured),
        hr_max_approved: true,
        ..Profile::default()
    };
    step(&mut user, command(by(ANA, Role::Member), UserCommand::Profile { profile: typed }));
    let profile = &user.stored().expect("ana").profile;
    assert_eq!((profile.hr_max_source, profile.hr_max_approved), (Some(HrMaxSource::Entered), false));
    let trainer = by(UserId(Uuid::from_u128(6)), Role::Trainer);
    assert_eq!(step(&mut user, command(trainer, UserCommand::ApproveHrMax { user: ANA })), ["saved measured"]);
    assert!(user.stored().expect("ana").profile.hr_max_approved);
    let odd = Profile { weight_kg: Some(3_000.0), ..Profile::default() };
    assert_eq!(
        step(&mut user, command(by(ANA, Role::Member), UserCommand::Profile { profile: odd })),
        ["refused malformed"]
    );
}

#[test]
fn how_far_one_has_read_only_grows() {
    let mut user = ana();
    let room = fitconnect_protocol::RoomId(Uuid::from_u128(8));
    let read = |through| command(by(ANA, Role::Member), UserCommand::Read { room, through });
    assert_eq!(step(&mut user, read(5)), ["refused not_member"]);
    let kind = fitconnect_protocol::room::RoomKind::Team;
    let letter = LetterBody::InRoom { room, kind, name: "Early birds".into(), read: 2, with: None };
    assert_eq!(step(&mut user, Input::Letter(letter)), ["saved in_room"]);
    assert_eq!(step(&mut user, read(u64::MAX)), ["refused malformed"]);
    assert_eq!((step(&mut user, read(5)), step(&mut user, read(4))), (vec!["saved in_room".to_owned()], vec![]));
    assert_eq!(user.stored().expect("ana").rooms[&room].read, 5);
    let stranger = by(UserId(Uuid::from_u128(77)), Role::Trainer);
    assert_eq!(step(&mut user, command(stranger, UserCommand::Read { room, through: 9 })), ["refused forbidden"]);
    assert_eq!(step(&mut user, Input::Letter(LetterBody::LeftRoom { room })), ["saved left_room"]);
    assert_eq!(step(&mut user, read(9)), ["refused not_member"]);
}

#[test]
fn who_will_not_be_seen_says_so_once_for_all_devices() {
    let mut user = ana();
    let unseen = |unseen| command(by(ANA, Role::Member), UserCommand::Unseen { unseen });
    assert_eq!(step(&mut user, unseen(false)), [""; 0], "it is so");
    assert_eq!(step(&mut user, unseen(true)), ["saved unseen"]);
    assert!(user.stored().expect("ana").unseen);
    assert_eq!(
        step(&mut user, command(by(BEN, Role::Trainer), UserCommand::Unseen { unseen: false })),
        ["refused forbidden"]
    );
}

fn mention(seq: u64, by: UserId) -> Input {
    let room = RoomId(Uuid::from_u128(8));
    let place = Place { room, room_name: "Early birds".into(), seq, by, name: "Ben".into() };
    Input::Letter(LetterBody::Notice { of: NoticeOf::Mentioned { place }, at_ms: 7 })
}

/// Numbers, how often, and whether it is read.
fn inbox(user: &User) -> Vec<(u64, u32, bool)> {
    let told = user.stored().expect("ana").inbox.told(|_| false);
    told.iter().map(|notice| (notice.number, notice.times, notice.read)).collect()
}

#[test]
fn a_notice_waits_in_the_inbox_until_it_is_read() {
    let mut user = ana();
    let me = || by(ANA, Role::Member);
    assert_eq!(step(&mut user, mention(5, BEN)), ["saved noticed"]);
    assert_eq!(step(&mut user, mention(6, BEN)), ["saved noticed"]);
    assert_eq!(inbox(&user), [(2, 2, false)], "the newer counts the older in");
    assert_eq!(step(&mut user, mention(7, UserId(Uuid::from_u128(78)))), ["saved noticed"]);
    let read = |numbers| command(me(), UserCommand::ReadNotices { numbers });
    assert_eq!(step(&mut user, read(vec![1, 2, 9])), ["saved notices_read"]);
    assert_eq!(step(&mut user, read(vec![2])), [""; 0], "it is read already");
    assert_eq!(step(&mut user, read(vec![0; 51])), ["refused too_large"]);
    assert_eq!(step(&mut user, mention(8, BEN)), ["saved noticed"]);
    assert_eq!(inbox(&user), [(2, 2, true), (3, 1, false), (4, 1, false)], "what was read stays");
    let (room, kind) = (RoomId(Uuid::from_u128(8)), fitconnect_protocol::room::RoomKind::Team);
    let letter = LetterBody::InRoom { room, kind, name: "Early birds".into(), read: 2, with: None };
    step(&mut user, Input::Letter(letter));
    step(&mut user, command(me(), UserCommand::Read { room, through: 7 }));
    assert_eq!(inbox(&user), [(2, 2, true), (3, 1, true), (4, 1, false)], "who reads the room has read it too");
    assert_eq!(step(&mut user, mention(7, BEN)), [""; 0], "she was there before the letter");
    let stranger = by(BEN, Role::Trainer);
    assert_eq!(
        step(&mut user, command(stranger, UserCommand::ReadNotices { numbers: vec![4] })),
        ["refused forbidden"]
    );
}

#[test]
fn what_is_not_wanted_does_not_come_and_the_blocked_are_not_heard() {
    let mut user = ana();
    let want = |topic, wanted| command(by(ANA, Role::Member), UserCommand::Want { topic, wanted });
    assert_eq!(step(&mut user, want(NoticeTopic::Mention, true)), [""; 0], "it is so");
    assert_eq!(step(&mut user, want(NoticeTopic::Mention, false)), ["saved wanted"]);
    assert_eq!(step(&mut user, mention(5, BEN)), [""; 0]);
    let of = NoticeOf::Deleted { room: RoomId(Uuid::from_u128(8)), room_name: String::new(), seq: 3 };
    assert_eq!(step(&mut user, Input::Letter(LetterBody::Notice { of, at_ms: 7 })), ["saved noticed"], "always told");
    assert_eq!(step(&mut user, want(NoticeTopic::Mention, true)), ["saved wanted"]);
    step(&mut user, mention(5, BEN));
    step(&mut user, Input::Letter(LetterBody::Blocked { by: BEN, user: ANA, blocked: true }));
    assert_eq!(step(&mut user, mention(6, BEN)), [""; 0]);
    let stored = user.stored().expect("ana");
    assert_eq!(stored.inbox.told(|user| stored.blocks.hide(user)).len(), 1, "nor seen where they were before");
    for seq in 10..80 {
        step(&mut user, mention(seq, UserId(Uuid::from_u128(1_000 + u128::from(seq)))));
    }
    assert_eq!(inbox(&user).len(), 50);
}

/// In which rooms one is after such letters.
fn rooms_after(letters: impl IntoIterator<Item = (u128, RoomKind, Option<UserId>)>) -> Vec<u128> {
    let mut user = ana();
    for (room, kind, with) in letters {
        let room = RoomId(Uuid::from_u128(room));
        let body = LetterBody::InRoom { room, kind, name: String::new(), read: 1, with };
        step(&mut user, Input::Letter(body));
    }
    let stored = user.stored.expect("a person");
    stored.rooms.keys().map(|room| room.0.as_u128()).collect()
}

#[test]
fn who_is_in_as_many_rooms_as_one_can_be_is_still_written_to() {
    let full = PERSON_ROOMS_MAX as u128;
    let teams = || (1..=full).map(|room| (room, RoomKind::Team, None));
    assert_eq!(rooms_after(teams().chain([(900, RoomKind::Team, None)])).last(), Some(&full), "no further team");
    let talks = (901..=950).map(|room| (room, RoomKind::Direct, Some(BEN)));
    assert_eq!(rooms_after(teams().chain(talks)).last(), Some(&(900 + PERSON_TALKS_RESERVED as u128)));
    // Chats of classes that are long over give their places, the oldest first.
    let classes = (1..=full).map(|room| (room, RoomKind::Class, None));
    let after = rooms_after(classes.chain([(900, RoomKind::Team, None), (901, RoomKind::Class, None)]));
    assert_eq!((after.len(), after[0], after[after.len() - 1]), (PERSON_ROOMS_MAX, 3, 901));
}
