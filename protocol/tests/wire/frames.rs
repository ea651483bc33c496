//! A frame of every variant of every type that travels, with values that show each field.

use crate::rooms;
use fitconnect_protocol::class::*;
use fitconnect_protocol::notice::{Notice, NoticeTopic};
use fitconnect_protocol::presence::{Presence, Present};
use fitconnect_protocol::room::RoomKind;
use fitconnect_protocol::sample::*;
use fitconnect_protocol::session::*;
use fitconnect_protocol::tick::{BoardRow, Header, Signal};
use fitconnect_protocol::user::*;
use fitconnect_protocol::*;

/// Class time and Unix time of the examples: 2026-11-24T18:00:00Z.
pub const START: i64 = 1_795_543_200_000;

/// Every request under its name and id.
pub fn requests() -> Vec<(String, u32, Request)> {
    let topics = topics();
    let mut all = vec![
        Request::Hello { token: "eyJhbGciOiJFZERTQSJ9.e30.c2ln".into() },
        Request::Refresh { token: "eyJhbGciOiJFZERTQSJ9.e30.c2ln".into() },
        Request::Resume { session: None, topics: vec![] },
        Request::Resume {
            session: Some(session()),
            topics: topics.iter().map(|topic| TopicPosition(*topic, 7, 4_294_967_296)).collect(),
        },
        Request::Subscribe { topic: Topic::Me, position: Some(Position { epoch: 7, offset: 41 }) },
        Request::Unsubscribe { topic: Topic::Board(class()) },
        Request::Clock { t0: 1234.5 },
        Request::Samples(samples()),
        Request::Seen { h: 3, tick: 70_000 },
        Request::Look { topic: Topic::Desk(class()), slots: vec![0, 199, 19_999] },
        Request::Five { class: class(), to: Some(39) },
        Request::Five { class: class(), to: None },
        Request::Hidden { class: class() },
        Request::Here { is: Presence::InClass },
    ];
    all.extend(topics.into_iter().map(|topic| Request::Subscribe { topic, position: None }));
    all.extend(class_commands().into_iter().map(|act| Request::Class { class: class(), cmd: cmd(), act }));
    all.extend(user_commands().into_iter().map(|act| Request::User { cmd: cmd(), act }));
    all.extend(rooms::requests());
    // Ids of every width that MessagePack has.
    let ids = [1, 0, 127, 128, 255, 256, 65_535, 65_536, u32::MAX];
    number(all, ids)
}

/// Every response under its name and id: 0 for a push.
pub fn responses() -> Vec<(String, u32, Response)> {
    let modes = [AckMode::Local, AckMode::Quorum].into_iter().cycle();
    let mut replies: Vec<_> = roles().into_iter().zip(modes).map(|(role, ack)| welcome(role, ack)).collect();
    replies.extend([
        Response::Done,
        Response::Resuming { session: session(), reclaimed: true, topics: 4 },
        Response::Clock { t0: 1234.5, t1: START as f64, t2: START as f64 + 0.25 },
        Response::Joined { slot: 39 },
        Response::Booted { offset: START - 5_000 },
        Response::Planned { id: 12, at: START + 61_000 },
        Response::Foreseen(Forecast {
            at: START + 61_000,
            ends: Some(START + 2_700_000),
            later_ms: Some(-15_000),
            more_work_ms: 30_000,
            near: vec![Near { slot: 7, percent: 96 }],
        }),
        Response::Foreseen(Forecast { at: START, ends: None, later_ms: None, more_work_ms: 0, near: vec![] }),
        Response::Hidden { class: class(), slots: vec![] },
        Response::Hidden { class: class(), slots: vec![3, 39] },
        Response::Refused(Refusal::from(ErrorCode::RateLimited).after(1_500)),
    ]);
    replies.extend(ErrorCode::ALL.iter().map(|code| Response::Refused(Refusal::from(*code))));
    replies.extend(subscribed());
    replies.extend(rooms::replies());
    let mut pushes = vec![
        Response::Tick { h: 3, b: tick(1) },
        Response::Mine(mine(false)),
        Response::Mine(mine(true)),
        Response::Acked { class: class(), acks: acks() },
        Response::Attention { h: 4, list: AttentionList { items: attention(), more: 3 } },
        Response::Unwanted { class: class(), refusal: ErrorCode::NoBoot.into() },
        Response::Whisper { class: class(), id: 3, text: "Ease off a little".into() },
        Response::Lagging { h: 3 },
        Response::GoAway { code: CloseCode::GoingAway.code(), reconnect_after_ms: 2_750 },
        Response::Fives { class: class(), count: 7, names: vec!["Ana".into(), "№ 3".into()], total: 12 },
        Response::Presence {
            h: 5,
            online: 3,
            in_class: 1,
            away: 2,
            people: vec![Present(user(), Presence::Online), Present(rooms::other(), Presence::Away)],
        },
    ];
    pushes.extend(class_events().into_iter().map(|e| Response::Event { h: 1, o: 42, e: Event::Class(e) }));
    pushes.extend(user_events().into_iter().map(|e| Response::Event { h: 2, o: 300, e: Event::User(e) }));
    pushes.extend(rooms::pushes());
    let mut all = number(replies, [1, 2, 300]);
    all.extend(number(pushes, [0]));
    all
}

pub fn topics() -> Vec<Topic> {
    vec![Topic::Class(class()), Topic::Board(class()), Topic::Desk(class()), Topic::Me, Topic::Room(rooms::room())]
}

pub fn class_commands() -> Vec<ClassCommand> {
    let mut all = vec![
        ClassCommand::Open,
        ClassCommand::Lobby,
        ClassCommand::Plan { action: PlanAction::Next, at: Some(START + 60_000) },
        ClassCommand::Forecast { action: PlanAction::Adjust { by_s: 15 }, at: Some(START + 61_000) },
        ClassCommand::Undo { id: 11 },
        ClassCommand::Cancel { reason: "the trainer is ill".into() },
        ClassCommand::Abort { reason: "fire alarm".into() },
        ClassCommand::Join { seat: None, sensors: vec![] },
        ClassCommand::Join { seat: Some("B7".into()), sensors: sensors() },
        ClassCommand::Admit { user: Some(user()), guest: None, seat: None, sensors: vec![] },
        ClassCommand::Admit { user: None, guest: Some("Анна".into()), seat: Some("A1".into()), sensors: sensors() },
        ClassCommand::Leave { slot: None, at: Some(START + 90_500) },
        ClassCommand::Leave { slot: Some(5), at: None },
        ClassCommand::Pair { sensor: sensors()[0], slot: None },
        ClassCommand::Pair { sensor: sensors()[1], slot: Some(u16::MAX) },
        ClassCommand::Boot { receiver: receiver(), boot: 3, offset: START - 5_000 },
        ClassCommand::Acknowledge { item: 9 },
        ClassCommand::Sos { on: true },
        ClassCommand::Hand { up: false },
        ClassCommand::Cue { text: "Ещё 30 секунд!".into(), to: None, aim: None },
        ClassCommand::Cue { text: "Shoulders down".into(), to: Some(12), aim: None },
        ClassCommand::Cue { text: "Ease off a little".into(), to: Some(12), aim: Some(Aim::Ease) },
        ClassCommand::Drive { on: true },
        ClassCommand::Shown { whisper: 3 },
    ];
    all.extend(plan_actions().into_iter().map(|action| ClassCommand::Plan { action, at: None }));
    all.extend([SwapFrom::Now, SwapFrom::Start].map(|from| ClassCommand::Swap { a: 3, b: 4, from }));
    all
}

pub fn plan_actions() -> Vec<PlanAction> {
    vec![
        PlanAction::Start,
        PlanAction::Pause,
        PlanAction::Resume,
        PlanAction::Next,
        PlanAction::Back,
        PlanAction::Adjust { by_s: -15 },
        PlanAction::Repeat,
        PlanAction::Skip,
        PlanAction::Hold,
        PlanAction::End,
    ]
}

pub fn user_commands() -> Vec<UserCommand> {
    let mut all = vec![
        UserCommand::Profile { profile: Profile::default() },
        UserCommand::ApproveHrMax { user: user() },
        UserCommand::Read { room: rooms::room(), through: 4_294_967_297 },
        UserCommand::Consent { consent: consent(ShowAs::Name) },
        UserCommand::Block { user: rooms::other(), blocked: true },
        UserCommand::Unseen { unseen: true },
        UserCommand::ReadNotices { numbers: vec![7, 4_294_967_297] },
    ];
    all.extend(rooms::notice_topics().into_iter().map(|topic| UserCommand::Want { topic, wanted: false }));
    all.extend(profiles().into_iter().map(|profile| UserCommand::Profile { profile }));
    all
}

pub fn profiles() -> Vec<Profile> {
    let sources = [HrMaxSource::Measured, HrMaxSource::Auto, HrMaxSource::Entered, HrMaxSource::Formula];
    let sexes = [Sex::Male, Sex::Female];
    let profile = |(source, sex)| Profile {
        sex: Some(sex),
        born: Some("1986-02-28".into()),
        weight_kg: Some(80.5),
        hr_rest: Some(60),
        hr_max: Some(190.0),
        hr_max_source: Some(source),
        hr_max_approved: true,
        ftp_w: Some(250),
        zones_off: false,
    };
    sources.into_iter().zip(sexes.into_iter().cycle()).map(profile).collect()
}

pub fn class_events() -> Vec<ClassEvent> {
    let phase = |phase| ClassEvent::Phase { phase, at: START, reason: None };
    let mut all: Vec<_> = Phase::ALL.into_iter().map(phase).collect();
    all.extend([
        ClassEvent::Phase { phase: Phase::Aborted, at: START + 5, reason: Some("fire alarm".into()) },
        ClassEvent::Plan { id: 12, action: PlanAction::Next, at: START + 61_000, undone: false, plan: plan() },
        ClassEvent::Roster { entries: roster() },
        ClassEvent::Gone { slots: vec![3, 300] },
        ClassEvent::Cue { text: "Ещё 30 секунд!".into() },
        ClassEvent::Staff(staff()),
        ClassEvent::Whisper(whisper()),
        ClassEvent::Loose { sensors: vec![loose()] },
    ]);
    all
}

pub fn user_events() -> Vec<UserEvent> {
    let mut all: Vec<_> = shows().into_iter().map(|show| UserEvent::Consent { consent: consent(show) }).collect();
    all.extend([
        UserEvent::Profile { profile: profiles().remove(0) },
        UserEvent::Summary { summary: Box::new(summary()) },
        UserEvent::Summary { summary: Box::new(bare_summary()) },
        UserEvent::InClass { class: Some(class()) },
        UserEvent::InClass { class: None },
        UserEvent::InRoom { room: rooms::own() },
        UserEvent::InRoom { room: OwnRoom { kind: RoomKind::Team, with: None, ..rooms::own() } },
        UserEvent::LeftRoom { room: rooms::room() },
        UserEvent::Hidden { person: hidden(true) },
        UserEvent::Hidden { person: hidden(false) },
        UserEvent::Shown { user: rooms::other() },
        UserEvent::Unseen { unseen: false },
        UserEvent::NoticesRead { numbers: vec![7] },
        UserEvent::Wanted { topic: NoticeTopic::Class, wanted: true },
    ]);
    all.extend(
        notices()
            .into_iter()
            .zip([None, Some(6)].into_iter().cycle())
            .map(|(notice, instead)| UserEvent::Noticed { notice: Box::new(notice), instead }),
    );
    all
}

fn notices() -> Vec<Notice> {
    let notice = |of| Notice { number: 7, at_ms: START, read: false, times: 2, of };
    rooms::notices().into_iter().map(notice).collect()
}

fn hidden(own: bool) -> Hidden {
    Hidden { user: rooms::other(), name: own.then(|| "Ben".into()) }
}

pub fn shows() -> Vec<ShowAs> {
    vec![ShowAs::Hidden, ShowAs::Alias, ShowAs::Name]
}

pub fn reasons() -> Vec<NotRecovered> {
    vec![NotRecovered::New, NotRecovered::EpochChanged, NotRecovered::TooOld, NotRecovered::Ahead]
}

fn loose() -> Sensor {
    Sensor { source: SourceId::new(24_117).expect("small"), kind: SourceKind::Strap }
}

pub fn snapshots() -> Vec<Snapshot> {
    let activities = activities().into_iter();
    let mut all: Vec<_> = activities.map(|activity| Snapshot::Class(Box::new(class_snapshot(activity)))).collect();
    all.push(Snapshot::Board(Box::new(BoardSnapshot { roster: roster(), ..BoardSnapshot::default() })));
    let list = AttentionList { items: attention(), more: 0 };
    let desk = BoardSnapshot {
        roster: vec![],
        attention: Some(list),
        staff: Some(staff()),
        whispers: vec![WhisperView { shown: None, acted: None, ..whisper() }],
        loose: vec![loose()],
    };
    all.push(Snapshot::Board(Box::new(desk)));
    all.push(Snapshot::User(Box::new(user_snapshot())));
    all.extend(rooms::snapshots());
    all
}

pub fn activities() -> Vec<Activity> {
    vec![Activity::Ride, Activity::Run, Activity::Row, Activity::Strength, Activity::Yoga, Activity::Other]
}

pub fn roles() -> Vec<Role> {
    vec![Role::Screen, Role::Hub, Role::Member, Role::Trainer, Role::Admin]
}

pub fn segment_kinds() -> Vec<SegmentKind> {
    vec![
        SegmentKind::Warmup,
        SegmentKind::Work,
        SegmentKind::Recover,
        SegmentKind::Test,
        SegmentKind::Cooldown,
        SegmentKind::Transition,
    ]
}

pub fn targets() -> Vec<Target> {
    vec![
        Target::Percent { lo: 84, hi: 90 },
        Target::Reserve { lo: 60, hi: 70 },
        Target::Ftp { lo: 95, hi: 105 },
        Target::Cadence { lo: 85, hi: 95 },
        Target::Rpe { lo: 3, hi: 4 },
    ]
}

pub fn sensors() -> Vec<Sensor> {
    let kinds = [
        SourceKind::Strap,
        SourceKind::Armband,
        SourceKind::Machine,
        SourceKind::Watch,
        SourceKind::Manual,
        SourceKind::Simulated,
    ];
    kinds.into_iter().zip(0..).map(|(kind, n)| Sensor { source: source(n), kind }).collect()
}

pub fn attention() -> Vec<AttentionItem> {
    let kinds = [
        AttentionKind::Sos,
        AttentionKind::Fell,
        AttentionKind::LostHigh,
        AttentionKind::OverMax,
        AttentionKind::High,
        AttentionKind::SensorLost,
        AttentionKind::ReceiverLost,
        AttentionKind::OutOfTarget,
        AttentionKind::ManyOutOfTarget,
    ];
    let item = |(kind, item): (AttentionKind, u32)| AttentionItem {
        item,
        kind,
        slot: (kind != AttentionKind::ManyOutOfTarget).then_some(5),
        people: 1,
        since: START + 90_000,
        acknowledged_by: item.is_multiple_of(2).then(user),
        escalated: item == 1,
    };
    kinds.into_iter().zip(1..).map(item).collect()
}

/// A batch of a phone that hears a strap and a machine: every shape of a row.
pub fn samples() -> Samples {
    let row = |ms, bpm, power_w, cadence, rr_ms: &[u16]| Row { ms, bpm, power_w, cadence, rr_ms: rr_ms.to_vec() };
    Samples {
        class: class(),
        receiver: receiver(),
        boot: 3,
        sources: vec![
            SourceRows(
                source(0),
                120,
                vec![row(61_000, 142, None, None, &[]), row(62_000, 143, None, None, &[423, 419])],
            ),
            SourceRows(source(1), 0, vec![row(61_250, 0, Some(215), None, &[]), row(62_250, 0, None, Some(92), &[])]),
        ],
    }
}

/// The packed board of so many riders, all of them in it.
pub fn tick(riders: u16) -> Vec<u8> {
    let header = Header {
        epoch: 7,
        tick: 70_000,
        class_ms: START + 61_250,
        phase: Phase::Live as u8,
        flags: fitconnect_protocol::tick::FLAG_FULL,
        run: 2,
        left_ms: 58_750,
        rows: riders,
        riders,
    };
    let mut out = header.encode().to_vec();
    (0..riders).for_each(|slot| out.extend_from_slice(&board_row(slot).encode()));
    out
}

pub fn board_row(slot: u16) -> BoardRow {
    BoardRow {
        slot,
        bpm: Some(120 + (slot % 60) as u8),
        percent: Some(70 + (slot % 30) as u8),
        zone: Some((slot % 6) as u8),
        signal: Signal::Live,
        over_max: false,
        hand: slot == 3,
        points: Some(120 + slot),
        kcal: Some(310 + slot),
        rank: Some(slot + 1),
    }
}

fn staff() -> StaffView {
    let mira = Staff { user: user(), name: "Mira".into() };
    StaffView { driver: Some(mira.clone()), here: vec![mira] }
}

fn whisper() -> WhisperView {
    WhisperView {
        id: 3,
        slot: 12,
        text: "Ease off a little".into(),
        aim: Some(Aim::Ease),
        sent: START,
        shown: Some(START + 180),
        acted: Some(START + 41_000),
    }
}

pub fn class() -> ClassId {
    ClassId(id(0xC1))
}
pub fn gym() -> GymId {
    GymId(id(0x6F))
}
pub fn user() -> UserId {
    UserId(id(0x05))
}
pub fn session() -> SessionId {
    SessionId(id(0x5E))
}
pub fn cmd() -> CmdId {
    CmdId(id(0xCD))
}
pub fn receiver() -> ReceiverId {
    ReceiverId::new(0x0000_A4C1_3800_0001).expect("48 bits")
}
/// A sensor by its 48-bit hardware address.
pub fn source(n: u64) -> SourceId {
    SourceId::new(0x0000_E0D5_5E00_0000 + n).expect("48 bits")
}

/// A UUIDv7 stamped with the start.
fn id(n: u128) -> Uuid {
    Uuid::from_u128((START as u128) << 80 | 0x7000 << 64 | 0x8000_0000_0000_0000 | n)
}

/// Names frames by their tags and gives them ids in turn.
fn number<T: Tagged, const N: usize>(frames: Vec<T>, ids: [u32; N]) -> Vec<(String, u32, T)> {
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    let named = |(frame, id): (T, u32)| {
        let tag = frame.tag();
        let count = seen.entry(tag.clone()).and_modify(|count| *count += 1).or_insert(1);
        (if *count == 1 { tag } else { format!("{tag} {count}") }, id, frame)
    };
    frames.into_iter().zip(ids.into_iter().cycle()).map(named).collect()
}

trait Tagged: serde::Serialize {
    /// The tag, with the tag inside it.
    fn tag(&self) -> String {
        let body = serde_json::to_value(self).expect("frames are JSON too");
        let inner = ["act", "e", "code", "snapshot"].iter().find_map(|key| {
            let inner = body.get(key)?;
            inner["t"].as_str().or_else(|| inner.as_str())
        });
        let tag = body["t"].as_str().expect("a body has its tag");
        inner.map_or_else(|| tag.to_owned(), |inner| format!("{tag}.{inner}"))
    }
}
impl Tagged for Request {}
impl Tagged for Response {}

fn welcome(role: Role, ack: AckMode) -> Response {
    Response::Welcome {
        session: session(),
        protocol: VERSION,
        build: "0.1.0".into(),
        heartbeat_ms: limits::HEARTBEAT_MS,
        frame_bytes_max: limits::FRAME_BYTES_MAX as u32,
        server_time_ms: START,
        clock_rate: 1,
        ack,
        user: user(),
        gym: gym(),
        role,
        features: vec!["sample.rr".into()],
    }
}

fn subscribed() -> Vec<Response> {
    let reply = |topic, reason: Option<NotRecovered>, snapshot| {
        let recovered = reason.is_none();
        Response::Subscribed(Box::new(Subscribed { topic, h: 1, epoch: 7, offset: 41, recovered, reason, snapshot }))
    };
    let mut all = vec![reply(Topic::Class(class()), None, None)];
    all.extend(snapshots().into_iter().zip(reasons().into_iter().cycle()).map(|(snapshot, reason)| {
        let topic = match &snapshot {
            Snapshot::Class(_) => Topic::Class(class()),
            Snapshot::Board(board) if board.attention.is_some() => Topic::Desk(class()),
            Snapshot::Board(_) => Topic::Board(class()),
            Snapshot::User(_) => Topic::Me,
            Snapshot::Room(_) => Topic::Room(rooms::room()),
        };
        reply(topic, Some(reason), Some(snapshot))
    }));
    all
}

fn acks() -> Vec<Acked> {
    vec![Acked(receiver(), 3, vec![SourceAcked(source(0), 120, vec![(121, 125)]), SourceAcked(source(1), 0, vec![])])]
}

fn mine(large: bool) -> Mine {
    Mine {
        class: class(),
        row: board_row(5).encode().to_vec(),
        splats: 4,
        acks: if large { acks() } else { vec![] },
        slice: large.then(|| tick(2)),
        names: if large { vec![(0, "Анна К.".into()), (1, "Red Fox".into())] } else { vec![] },
    }
}

fn plan() -> PlanView {
    let kinds = segment_kinds();
    let targets = targets().into_iter().map(Some).chain([None]);
    let runs: Vec<_> = kinds
        .into_iter()
        .zip(targets)
        .zip(0i64..)
        .map(|((kind, target), n)| Run {
            segment: Segment { kind, duration_s: 60, target, cue: (n == 1).then(|| "Go!".into()) },
            planned_ms: 60_000,
            starts: (n < 5).then_some(START + n * 60_000),
            ends: (n < 5).then_some(START + (n + 1) * 60_000),
        })
        .collect();
    PlanView { version: 12, runs, current: Some(1), ends: Some(START + 360_000) }
}

fn roster() -> Vec<RosterEntry> {
    let desk = DeskEntry {
        user: Some(user()),
        guest: false,
        zones_off: false,
        ranked: true,
        hr_max_tenths: Some(1_895),
        hr_max_low: false,
        sensors: sensors(),
    };
    vec![
        RosterEntry { slot: 0, name: "Red Fox".into(), seat: None, desk: None },
        RosterEntry { slot: 300, name: "Анна К.".into(), seat: Some("B7".into()), desk: Some(desk) },
    ]
}

fn class_snapshot(activity: Activity) -> ClassSnapshot {
    ClassSnapshot {
        class: class(),
        gym: gym(),
        name: "HIIT 45".into(),
        hall: "Ride".into(),
        trainer: "Mira".into(),
        activity,
        starts_at_ms: START,
        phase: Phase::Live,
        clock: ClassClock { class_ms: START, wall_ms: START + 12, rate: 20 },
        plan: PlanView { runs: vec![], current: None, ends: None, ..plan() },
        slot: (activity == Activity::Ride).then_some(39),
    }
}

fn consent(show_on_board: ShowAs) -> Consent {
    Consent { show_on_board, show_hr: true, share_with_trainer: true, ..Consent::default() }
}

fn user_snapshot() -> UserSnapshot {
    UserSnapshot {
        user: user(),
        gym: gym(),
        name: "Анна".into(),
        profile: profiles().remove(2),
        consent: Consent::default(),
        in_class: Some(class()),
        rooms: vec![rooms::own()],
        hidden: vec![hidden(true), hidden(false)],
        inbox: notices(),
        unwanted: vec![NoticeTopic::Room],
        unseen: true,
        at_ms: START,
    }
}

fn summary() -> MemberSummary {
    MemberSummary {
        class: class(),
        class_name: "HIIT 45".into(),
        activity: Activity::Ride,
        slot: 39,
        version: 2,
        from: START,
        to: START + 2_700_000,
        records: 2_699,
        hr_seconds: 2_700.0,
        hr_avg: 148.25,
        hr_max: 181,
        zone_s: Some([60.0, 300.0, 540.5, 900.0, 720.0, 179.5]),
        points: Some(128),
        meps: Some(128.75),
        splats: Some(14),
        splat_minutes: Some(14.991),
        edwards: Some(151.5),
        banister: Some(98.125),
        kcal: Some(512.5),
        keytel_kcal: Some(509.0),
        rank: Some(3),
        compliance: vec![
            RunCompliance { run: 0, in_target_s: 200.0, with_data_s: 255.0, judged_s: 255.0, score: Some(0.784) },
            RunCompliance { run: 1, in_target_s: 0.0, with_data_s: 10.0, judged_s: 60.0, score: None },
        ],
        power: Some(PowerSummary {
            avg: 182.5,
            np_strict30: 201.25,
            intensity: Some(0.805),
            tss: Some(48.6),
            work_kj: 492.75,
            mean_max_w: [(5, 612.0), (60, 341.5), (300, 248.0), (1_200, 207.25)].into(),
        }),
        hr_max_raise_tenths: Some(1_920),
        fives: 7,
        provenance: Provenance {
            sources: vec![(sensors()[0], 2_690.0), (sensors()[3], 10.0)],
            gaps: vec![Gap { from: START + 5_000, to: START + 16_000 }],
            dropped: 3,
            hr_max_tenths: Some(1_895),
            hr_max_source: Some(HrMaxSource::Measured),
            formulas: 1,
            kcal_extrapolated: false,
        },
    }
}

/// Of a guest without a profile: what is not known is not there.
fn bare_summary() -> MemberSummary {
    MemberSummary {
        version: 1,
        zone_s: None,
        points: None,
        meps: None,
        splats: None,
        splat_minutes: None,
        edwards: None,
        banister: None,
        kcal: None,
        keytel_kcal: None,
        rank: None,
        compliance: vec![],
        power: None,
        hr_max_raise_tenths: None,
        fives: 0,
        provenance: Provenance {
            sources: vec![],
            gaps: vec![],
            dropped: 0,
            hr_max_tenths: None,
            hr_max_source: None,
            formulas: 1,
            kcal_extrapolated: true,
        },
        ..summary()
    }
}
