// Generated from protocol/src by `cargo xtask types`: change the Rust types, not this file.

/**
 * When a sample is acknowledged.
 */
export type AckMode = "local" | "quorum";

/**
 * What is on disk of one receiver's boot. What is not in it is sent again.
 */
export type Acked = [ReceiverId, number, Array<SourceAcked>];

/**
 * What kind of class it is; decides the energy of easy minutes.
 */
export type Activity = "ride" | "run" | "row" | "strength" | "yoga" | "other";

/**
 * What private words ask for, so that it can be seen whether it happened.
 */
export type Aim = "ease" | "push";

/**
 * One line of the trainer's list.
 */
export type AttentionItem = { item: number, kind: AttentionKind,
/**
 * Nobody where it is about many.
 */
slot?: number,
/**
 * How many people it is about.
 */
people: number, since: number, acknowledged_by?: Uint8Array,
/**
 * Went to the second trainer and the front desk.
 */
escalated: boolean, };

/**
 * What the trainer should look at.
 */
export type AttentionKind = "sos" | "fell" | "lost_high" | "over_max" | "high" | "sensor_lost" | "receiver_lost" | "out_of_target" | "many_out_of_target";

/**
 * The first rows of the list, and how many more there are.
 */
export type AttentionList = { items: Array<AttentionItem>, more: number, };

/**
 * `class:<id>:board` or `class:<id>:desk` as it is now; a full tick follows at once.
 */
export type BoardSnapshot = {
/**
 * Empty for a rider of a class too large to show whole: names come with the slices.
 */
roster: Array<RosterEntry>, attention?: AttentionList,
/**
 * Only on the desk.
 */
staff?: StaffView,
/**
 * Only on the desk: the newest of each person.
 */
whispers?: Array<WhisperView>,
/**
 * Only on the desk: sensors that are heard and that nobody in the class wears, at most `limits::LOOSE_SHOWN`, the newest first.
 */
loose?: Array<Sensor>, };

/**
 * How class time runs: `class_ms + rate × (wall - wall_ms)`.
 */
export type ClassClock = { class_ms: number,
/**
 * Unix milliseconds of the server.
 */
wall_ms: number, rate: number, };

/**
 * What one may do to a class. Each travels with a `cmd` and happens once.
 */
export type ClassCommand = { "t": "open" } | { "t": "lobby" } | { "t": "plan", action: PlanAction, at?: number, } | { "t": "forecast", action: PlanAction, at?: number, } | { "t": "undo", id: number, } | { "t": "cancel", reason: string, } | { "t": "abort", reason: string, } | { "t": "join", seat?: string, sensors: Array<Sensor>, } | { "t": "admit", user?: Uint8Array, guest?: string, seat?: string, sensors: Array<Sensor>, } | { "t": "leave", slot?: number, at?: number, } | { "t": "pair", sensor: Sensor, slot?: number, } | { "t": "swap", a: number, b: number, from: SwapFrom, } | { "t": "boot", receiver: ReceiverId, boot: number, offset: number, } | { "t": "acknowledge", item: number, } | { "t": "sos", on: boolean, } | { "t": "hand", up: boolean, } | { "t": "cue", text: string, to?: number,
/**
 * Of words to one person: what they ask for.
 */
aim?: Aim, } | { "t": "drive", on: boolean, } | { "t": "shown", whisper: number, };

/**
 * What a class's topics tell, in order, numbered.
 */
export type ClassEvent = { "t": "phase", phase: Phase, at: number, reason?: string, } | { "t": "plan", id: number, action: PlanAction, at: number, undone: boolean, plan: PlanView, } | { "t": "roster", entries: Array<RosterEntry>, } | { "t": "gone", slots: Array<number>, } | { "t": "cue", text: string, } | { "t": "staff" } & StaffView | { "t": "whisper" } & WhisperView | { "t": "loose", sensors: Array<Sensor>, };

/**
 * `class:<id>` as it is now.
 */
export type ClassSnapshot = { class: Uint8Array, gym: Uint8Array, name: string, hall: string, trainer: string, activity: Activity,
/**
 * Unix milliseconds.
 */
starts_at_ms: number, phase: Phase, clock: ClassClock, plan: PlanView,
/**
 * One's own place, where one has joined.
 */
slot?: number, };

/**
 * What a class leaves of itself.
 */
export type ClassSummary = { class: Uint8Array, name: string, from: number, to: number, people: number, points: number, hr_seconds: number,
/**
 * Mean seconds a person, below 50 % then zones 1–5.
 */
zone_s: [number, number, number, number, number, number], samples: number, dropped: number, late: number, };

/**
 * What one shares. Nothing is granted until it is granted.
 */
export type Consent = { show_on_board: ShowAs,
/**
 * Heart rate, percent and zone on the board.
 */
show_hr: boolean, show_calories: boolean,
/**
 * Heart rate, percent and zone on the trainer's desk.
 */
share_with_trainer: boolean,
/**
 * A guardian's consent; without it one under 18 is hidden.
 */
guardian: boolean, research: boolean, marketing: boolean, };

/**
 * What only staff see of a person.
 */
export type DeskEntry = { user?: Uint8Array, guest: boolean, zones_off: boolean, ranked: boolean,
/**
 * bpm × 10, where the person shares with the trainer.
 */
hr_max_tenths?: number,
/**
 * The maximum is probably too low: the person has been above it.
 */
hr_max_low: boolean, sensors: Array<Sensor>, };

/**
 * Why a request was refused: a stable word with a meaning that the docs list.
 */
export type ErrorCode = "unsupported" | "malformed" | "too_large" | "unauthorised" | "forbidden" | "not_found" | "gone" | "rate_limited" | "busy" | "retry" | "cmd_expired" | "cmd_mismatch" | "wrong_phase" | "class_full" | "not_joined" | "room_full" | "room_exists" | "not_member" | "blocked" | "unfit" | "held" | "no_message" | "email_taken" | "seat_taken" | "no_boot" | "clock_skew" | "unknown_source" | "source_taken" | "no_trainer" | "not_driving" | "bad_plan" | "bad_file" | "too_late" | "shutting_down" | "internal";

/**
 * An event of any topic.
 */
export type Event = ClassEvent | UserEvent | RoomEvent;

/**
 * From `from` to `to`, class time: the snapshots at `from`, then all that was told, in order of time.
 */
export type Film = { from: number,
/**
 * Nothing is known beyond it: where the class still runs, it may be earlier than what was asked for.
 */
to: number, class: ClassSnapshot, people: BoardSnapshot, heard: Array<Heard>,
/**
 * Only for the desk: what has come onto the trainer's list in the whole class, the newest `limits::FILM_RAISED_MAX`.
 */
raised?: Array<Raised>, };

/**
 * What a move of the plan would come to.
 */
export type Forecast = {
/**
 * When the move would take effect.
 */
at: number,
/**
 * Where the plan would end; none where a segment is held.
 */
ends?: number,
/**
 * How much later than it does now, ms; negative: earlier. None where one of both ends is open.
 */
later_ms?: number,
/**
 * Work in the five minutes after the move, ms more than without it; negative: less.
 */
more_work_ms: number,
/**
 * Where there would be more work: those who are near their limit already, nearest first.
 */
near?: Array<Near>, };

/**
 * A stretch without a heart rate, class time.
 */
export type Gap = { from: number, to: number, };

/**
 * What was told at this class time.
 */
export type Heard = { at: number, what: Told, };

/**
 * Somebody of whom nothing is shown.
 */
export type Hidden = { user: Uint8Array,
/**
 * Where one has blocked them oneself: how they are called in the list from which that is taken back.
 */
name?: string, };

/**
 * Which page of a room's messages.
 */
export type HistoryFrom = { "t": "before", seq: number, } | { "t": "after", seq: number, } | { "t": "since", at_ms: number, };

/**
 * Where a maximum heart rate comes from.
 */
export type HrMaxSource = "measured" | "auto" | "entered" | "formula";

/**
 * How one comes in.
 */
export type JoinRule = "open" | "invited" | "fixed";

/**
 * What a class leaves of one member. A later version replaces an earlier one.
 */
export type MemberSummary = { class: Uint8Array, class_name: string, activity: Activity, slot: number, version: number,
/**
 * Class time.
 */
from: number, to: number,
/**
 * Samples that were believed.
 */
records: number, hr_seconds: number,
/**
 * bpm, weighted by time.
 */
hr_avg: number, hr_max: number,
/**
 * Seconds below 50 % of the maximum, then in zones 1–5; none without a maximum or with zones off.
 */
zone_s?: [number, number, number, number, number, number],
/**
 * Effort points as shown: whole.
 */
points?: number,
/**
 * The exact quotient.
 */
meps?: number, splats?: number, splat_minutes?: number, edwards?: number, banister?: number,
/**
 * Keytel at 50 % of maximum and above, rest by MET.
 */
kcal?: number,
/**
 * Keytel alone at every heart rate, never below 0.
 */
keytel_kcal?: number, rank?: number, compliance: Array<RunCompliance>, power?: PowerSummary,
/**
 * bpm × 10 from the next class on, where this one showed that the maximum was too low.
 */
hr_max_raise_tenths?: number,
/**
 * High fives that were got.
 */
fives?: number, provenance: Provenance, };

/**
 * Somebody by name, as messages name them.
 */
export type Mention = { user: Uint8Array, name: string, };

/**
 * A message as it is now: edits show, and what was deleted has no words.
 */
export type Message = {
/**
 * Its number in the room.
 */
seq: number, at_ms: number, by: Uint8Array, name: string,
/**
 * The command that posted it: whoever sent it knows it by that.
 */
cmd: Uint8Array, text: string, reply_to?: number, mentions?: Array<Mention>, picture?: Picture,
/**
 * Number of the last edit.
 */
edited?: number,
/**
 * Who deleted it.
 */
deleted_by?: Uint8Array, reactions?: Array<Reacted>, };

/**
 * A rider's own frame.
 */
export type Mine = { class: Uint8Array,
/**
 * One board row, unredacted.
 */
row: Uint8Array, splats: number, acks?: Array<Acked>,
/**
 * A packed frame with the top and one's neighbours, beyond 200 riders.
 */
slice?: Uint8Array,
/**
 * Names in the slice that are new to this socket.
 */
names?: Array<[number, string]>, };

/**
 * Somebody near the limit, as the desk sees them.
 */
export type Near = { slot: number,
/**
 * Of the maximum.
 */
percent: number, };

/**
 * A class to be made.
 */
export type NewClass = { name: string, hall: string, activity: Activity,
/**
 * Unix milliseconds.
 */
starts_at_ms: number,
/**
 * Minutes before the start that the lobby opens by itself; without it a trainer opens it.
 */
lobby_min?: number, capacity: number, plan: Array<Segment>, };

/**
 * Why a topic could not be resumed.
 */
export type NotRecovered = "new" | "epoch_changed" | "too_old" | "ahead";

/**
 * One notice in the inbox.
 */
export type Notice = {
/**
 * Rises with each; the newest has the highest.
 */
number: number, at_ms: number, read: boolean,
/**
 * So many of the same kind, by the same person in the same room, since one has read the last; this is the newest of them.
 */
times: number, of: NoticeOf, };

/**
 * What one is told.
 */
export type NoticeOf = { "t": "mentioned", place: Place, } | { "t": "answered", place: Place, } | { "t": "brought_in", room: Uint8Array, room_name: string, by: Uint8Array, name: string, } | { "t": "summary", class: Uint8Array, class_name: string, } | { "t": "deleted", room: Uint8Array, room_name: string, seq: number, } | { "t": "decided", room: Uint8Array, room_name: string, verdict: Verdict,
/**
 * It was one's own message.
 */
held: boolean, };

/**
 * What a notice is about: each can be switched off.
 */
export type NoticeTopic = "mention" | "room" | "class";

/**
 * What becomes of a message that holds a word of the gym's list.
 */
export type OnWords = "refuse" | "report";

/**
 * A room that one is in. What is unread are the numbers of its topic above `read`.
 */
export type OwnRoom = { room: Uint8Array, kind: RoomKind, name: string, read: number,
/**
 * The other, in a room of two.
 */
with?: Uint8Array, };

/**
 * Where a class stands.
 */
export type Phase = "scheduled" | "open" | "lobby" | "live" | "paused" | "cooling" | "finished" | "settled" | "cancelled" | "aborted";

/**
 * A picture of a message: `GET /v1/images/{image}` has it, as JPEG.
 */
export type Picture = { image: Uint8Array,
/**
 * Pixels.
 */
width: number, height: number, };

/**
 * Where a message stands, and whose it is. It has no words: what is deleted is then read nowhere.
 */
export type Place = { room: Uint8Array,
/**
 * As the room was called then; a talk of two has no name.
 */
room_name: string, seq: number, by: Uint8Array, name: string, };

/**
 * What a trainer does to the plan.
 */
export type PlanAction = { "t": "start" } | { "t": "pause" } | { "t": "resume" } | { "t": "next" } | { "t": "back" } | { "t": "adjust", by_s: number, } | { "t": "repeat" } | { "t": "skip" } | { "t": "hold" } | { "t": "end" };

/**
 * The plan as it has run and as it will.
 */
export type PlanView = {
/**
 * Rises with each move.
 */
version: number, runs: Array<Run>, current?: number,
/**
 * Where the plan ends if nobody touches it.
 */
ends?: number, };

/**
 * A place in a topic's events: the last one that the client has.
 */
export type Position = { epoch: number, offset: number, };

/**
 * Power of a whole class or file.
 */
export type PowerSummary = {
/**
 * W.
 */
avg: number,
/**
 * W; normalised power with rolling means from second 30 (Coggan 2003).
 */
np_strict30: number,
/**
 * NP / FTP; none without FTP.
 */
if?: number, tss?: number, work_kj: number,
/**
 * Best mean power by length in seconds: 5, 60, 300, 1200 where the ride is long enough.
 */
mean_max_w: { [key in number]: number }, };

/**
 * How one is there. Of a person's devices the last in this order counts.
 */
export type Presence = "away" | "online" | "in_class" | "hidden";

/**
 * Somebody who is there.
 */
export type Present = [Uint8Array, Presence];

/**
 * Body data that figures are made with. Unknown is unknown, never a guess.
 */
export type Profile = { sex?: Sex,
/**
 * Date of birth, `YYYY-MM-DD`.
 */
born?: string, weight_kg?: number, hr_rest?: number,
/**
 * bpm; from age where it is not given.
 */
hr_max?: number, hr_max_source?: HrMaxSource,
/**
 * A trainer has approved a maximum that the member typed.
 */
hr_max_approved: boolean, ftp_w?: number,
/**
 * No zones, no percent, no rank, no percent alarms. The reason is never kept.
 */
zones_off: boolean, };

/**
 * Where a figure comes from.
 */
export type Provenance = {
/**
 * Sensors whose heart rate counted, with the seconds of each.
 */
sources: Array<[Sensor, number]>,
/**
 * The longest gaps, at most 20.
 */
gaps: Array<Gap>,
/**
 * Samples that were not believed.
 */
dropped: number,
/**
 * bpm × 10.
 */
hr_max_tenths?: number, hr_max_source?: HrMaxSource,
/**
 * Version of the formulas.
 */
formulas: number,
/**
 * Energy is outside the ages of its formula's sample (18–45).
 */
kcal_extrapolated: boolean, };

/**
 * Something came onto the trainer's list.
 */
export type Raised = { at: number, kind: AttentionKind,
/**
 * Nobody where it is about many.
 */
slot?: number, };

/**
 * Who has reacted in one way, in order.
 */
export type Reacted = { reaction: Reaction, by: Array<Uint8Array>, };

/**
 * What one answers without words.
 */
export type Reaction = "thumb" | "heart" | "laugh" | "fire" | "strong" | "clap";

/**
 * What hears sensors: a phone, a hub. Its clock stamps the samples.
 */
export type ReceiverId = number;

/**
 * A refusal: it changes nothing and is not stored; sent again, it may be decided anew.
 */
export type Refusal = { code: ErrorCode,
/**
 * For a developer's eyes, in English.
 */
message: string, retry_after_ms?: number, };

/**
 * Why somebody points at a message.
 */
export type ReportReason = "spam" | "insult" | "threat" | "sexual" | "private" | "other" | "listed";

/**
 * What a client sends.
 */
export type Request = { "t": "hello", token: string, } | { "t": "refresh", token: string, } | { "t": "resume", session?: Uint8Array, topics: Array<TopicPosition>, } | { "t": "subscribe", topic: string, position?: Position, } | { "t": "unsubscribe", topic: string, } | { "t": "clock", t0: number, } | { "t": "class", class: Uint8Array, cmd: Uint8Array, act: ClassCommand, } | { "t": "user", cmd: Uint8Array, act: UserCommand, } | { "t": "samples" } & Samples | { "t": "seen", h: number, tick: number, } | { "t": "look", topic: string, slots: Array<number>, } | { "t": "room", room: Uint8Array, cmd: Uint8Array, act: RoomCommand, } | { "t": "history", room: Uint8Array, from: HistoryFrom, limit: number, } | { "t": "members", room: Uint8Array,
/**
 * Beginnings of words of the name, in any order and case; empty: everybody.
 */
q?: string,
/**
 * The last of the page before.
 */
after?: Mention, } | { "t": "look_at", room: Uint8Array, people: Array<Uint8Array>, } | { "t": "typing", room: Uint8Array, } | { "t": "got", room: Uint8Array, through: number, } | { "t": "five", class: Uint8Array, to?: number, } | { "t": "hidden", class: Uint8Array, } | { "t": "here", is: Presence, };

/**
 * What the server sends.
 */
export type Response = { "t": "welcome", session: Uint8Array,
/**
 * Major and minor version.
 */
protocol: [number, number], build: string, heartbeat_ms: number, frame_bytes_max: number, server_time_ms: number,
/**
 * How fast class time runs; receivers stamp in class milliseconds.
 */
clock_rate: number, ack: AckMode, user: Uint8Array, gym: Uint8Array, role: Role, features: Array<string>, } | { "t": "done" } | { "t": "refused" } & Refusal | { "t": "subscribed" } & Subscribed | { "t": "resuming", session: Uint8Array, reclaimed: boolean, topics: number, } | { "t": "clock", t0: number, t1: number, t2: number, } | { "t": "joined", slot: number, } | { "t": "booted", offset: number, } | { "t": "planned", id: number, at: number, } | { "t": "foreseen" } & Forecast | { "t": "hidden", class: Uint8Array, slots: Array<number>, } | { "t": "event", h: number, o: number, e: Event, } | { "t": "tick", h: number, b: Uint8Array, } | { "t": "mine" } & Mine | { "t": "acked", class: Uint8Array, acks: Array<Acked>, } | { "t": "attention", h: number, list: AttentionList, } | { "t": "unwanted", class: Uint8Array, refusal: Refusal, } | { "t": "whisper", class: Uint8Array,
/**
 * To be told back when it has been shown; the same words may come twice.
 */
id: number, text: string, } | { "t": "lagging", h: number, } | { "t": "go_away", code: number, reconnect_after_ms: number, } | { "t": "numbered", seq: number, } | { "t": "page", room: Uint8Array, messages: Array<Message>, more: boolean, } | { "t": "members", room: Uint8Array, members: Array<RoomMember>, more: boolean, } | { "t": "typing", h: number, user: Uint8Array, name: string, } | { "t": "marks", h: number, got: number, read: number, } | { "t": "ended", h: number, } | { "t": "fives", class: Uint8Array, count: number,
/**
 * Of the first who gave them, as the board calls them; three at most.
 */
names: Array<string>,
/**
 * All of this class.
 */
total: number, } | { "t": "presence", h: number, online: number, in_class: number, away: number,
/**
 * In order of their ids: those of them whom one looks at; where one looks at nobody, all, unless they are many.
 */
people: Array<Present>, };

/**
 * What an account may do. A higher role may do all that a lower one may.
 */
export type Role = "screen" | "hub" | "member" | "trainer" | "admin";

/**
 * What one does in a room.
 */
export type RoomCommand = { "t": "create", kind: RoomKind, name: string, join: JoinRule, members?: Array<Uint8Array>, } | { "t": "join" } | { "t": "leave" } | { "t": "add", user: Uint8Array, } | { "t": "remove", user: Uint8Array, } | { "t": "appoint", user: Uint8Array, role: RoomRole, } | { "t": "post", text: string,
/**
 * The message that this answers.
 */
reply_to?: number,
/**
 * Whom the words mean by `@name`. Those who are in the room find it in their inbox; others are only words.
 */
mentions?: Array<Uint8Array>,
/**
 * A picture that one has sent to this room (`POST /v1/rooms/{room}/images`); then there need be no words.
 */
image?: Uint8Array, } | { "t": "edit", seq: number, text: string, } | { "t": "react", seq: number, reaction: Reaction, on: boolean, } | { "t": "delete", seq: number, } | { "t": "pin", seq: number, pinned: boolean, } | { "t": "slow", seconds: number, } | { "t": "mute", user: Uint8Array, for_s: number, } | { "t": "ban", user: Uint8Array, banned: boolean, } | { "t": "report", seq: number, reason: ReportReason,
/**
 * In one's own words, if that helps.
 */
words?: string, } | { "t": "decide",
/**
 * The command that reported.
 */
report: Uint8Array, verdict: Verdict, };

/**
 * What the topic `room:<id>` tells. Its offset is the room's number.
 */
export type RoomEvent = { "t": "created", gym: Uint8Array, kind: RoomKind, name: string, join: JoinRule, members: Array<RoomMember>, at_ms: number, } | { "t": "posted", message: Message, } | { "t": "edited", message: Message, } | { "t": "reacted", toggles: Array<Toggle>, at_ms: number, } | { "t": "deleted", message: Message, } | { "t": "joined", member: RoomMember, by: Uint8Array, at_ms: number, } | { "t": "left", user: Uint8Array, by: Uint8Array, at_ms: number, } | { "t": "appointed", user: Uint8Array, role: RoomRole, by: Uint8Array, at_ms: number, } | { "t": "pinned", seq: number, pinned: boolean, by: Uint8Array, at_ms: number, } | { "t": "slowed", seconds: number, by: Uint8Array, at_ms: number, } | { "t": "muted", user: Uint8Array,
/**
 * 0: not any more.
 */
until_ms: number, by: Uint8Array, at_ms: number, } | { "t": "banned", user: Uint8Array, banned: boolean, by: Uint8Array, at_ms: number, } | { "t": "closed", closed: boolean, by: Uint8Array, at_ms: number, };

/**
 * What a room is for. It says who may make it.
 */
export type RoomKind = "class" | "gym" | "team" | "trainer" | "direct" | "challenge" | "support";

/**
 * Somebody in a room.
 */
export type RoomMember = { user: Uint8Array, name: string, role: RoomRole, };

/**
 * What a member may do. A higher role may do all that a lower one may.
 */
export type RoomRole = "member" | "moderator" | "owner";

/**
 * The topic `room:<id>` as it is at its offset.
 */
export type RoomSnapshot = { room: Uint8Array, gym: Uint8Array, kind: RoomKind, name: string, join: JoinRule,
/**
 * One's own; staff may look into a room of their gym without being in it.
 */
role?: RoomRole,
/**
 * How many are in it.
 */
people: number,
/**
 * The first of them, in order of their ids.
 */
members: Array<RoomMember>,
/**
 * The newest messages, oldest first.
 */
recent: Array<Message>,
/**
 * Numbers of pinned messages, in the order in which they were pinned.
 */
pins?: Array<number>,
/**
 * Seconds between two messages of one member.
 */
slow_s?: number,
/**
 * Until when one is silent oneself.
 */
muted_until_ms?: number,
/**
 * One of two has blocked the other.
 */
closed?: boolean, };

/**
 * One person as a board or a desk names them.
 */
export type RosterEntry = { slot: number,
/**
 * Name or alias, as this projection may show it.
 */
name: string, seat?: string,
/**
 * Only on the desk.
 */
desk?: DeskEntry, };

/**
 * One sample as `[ms, bpm, power?, cadence?, rr?]`.
 *
 * `ms` is the receiver's clock since its boot, in class milliseconds (it runs at `Welcome.clock_rate`);
 * `bpm` 0 means that no heart rate was measured; power in watts, cadence in revolutions per minute, RR in milliseconds, oldest first.
 */
export type Row = [ms: number, bpm: number, power?: number | null, cadence?: number | null, rr?: number[]];

/**
 * One run of a segment, past, present or foreseen.
 */
export type Run = { segment: Segment,
/**
 * Planned length as last set, 0 where it is held.
 */
planned_ms: number, starts?: number, ends?: number, };

/**
 * How well a segment's target was held.
 */
export type RunCompliance = { run: number, in_target_s: number, with_data_s: number,
/**
 * Seconds of the run that are judged at all.
 */
judged_s: number,
/**
 * 0–1; none where fewer than half of the judged seconds have data.
 */
score?: number, };

/**
 * A batch of one receiver's samples for one class.
 */
export type Samples = { class: Uint8Array, receiver: ReceiverId, boot: number,
/**
 * At most `limits::SAMPLE_SOURCES_MAX`, with `limits::SAMPLE_ROWS_MAX` rows in all.
 */
sources: Array<SourceRows>, };

/**
 * A part of the plan.
 */
export type Segment = { kind: SegmentKind,
/**
 * 0: until the trainer says next.
 */
duration_s: number, target?: Target, cue?: string, };

/**
 * What a segment is for.
 */
export type SegmentKind = "warmup" | "work" | "recover" | "test" | "cooldown" | "transition";

/**
 * A sensor that one brings along.
 */
export type Sensor = { source: SourceId, kind: SourceKind, };

/**
 * Sex as the formulas know it.
 */
export type Sex = "male" | "female";

/**
 * How one appears on the board and the TV.
 */
export type ShowAs = "hidden" | "alias" | "name";

/**
 * What a snapshot holds, by topic.
 */
export type Snapshot = { "t": "class" } & ClassSnapshot | { "t": "board" } & BoardSnapshot | { "t": "user" } & UserSnapshot | { "t": "room" } & RoomSnapshot;

/**
 * `[source, through, ranges]`: every number below `through` is acknowledged, and those in the half-open `ranges`.
 */
export type SourceAcked = [SourceId, number, Array<[number, number]>];

/**
 * A sensor: the same strap is the same source, whoever hears it. Made from its hardware address.
 */
export type SourceId = number;

/**
 * What carries a heart rate, best first.
 */
export type SourceKind = "strap" | "armband" | "machine" | "watch" | "manual" | "simulated";

/**
 * `[source, first_seq, rows]`: consecutive samples of one sensor.
 */
export type SourceRows = [SourceId, number, Array<Row>];

/**
 * A trainer or an administrator.
 */
export type Staff = { user: Uint8Array, name: string, };

/**
 * Who leads the class, and who looks at a desk of it now.
 */
export type StaffView = {
/**
 * The one who moves the plan; whoever wants to, where there is none.
 */
driver?: Staff,
/**
 * At most `limits::STAFF_SHOWN`, by account.
 */
here: Array<Staff>, };

/**
 * A topic is followed from here on.
 */
export type Subscribed = { topic: string,
/**
 * Stands for the topic in later pushes.
 */
h: number, epoch: number, offset: number,
/**
 * True: exactly the missed events follow as pushes. False: a snapshot, and why.
 */
recovered: boolean, reason?: NotRecovered, snapshot?: Snapshot, };

/**
 * From when a swap of straps counts.
 */
export type SwapFrom = "now" | "start";

/**
 * What to hold in a segment. Both ends belong to it.
 */
export type Target = { "t": "percent", lo: number, hi: number, } | { "t": "reserve", lo: number, hi: number, } | { "t": "ftp", lo: number, hi: number, } | { "t": "cadence", lo: number, hi: number, } | { "t": "rpe", lo: number, hi: number, };

/**
 * A reaction came or went.
 */
export type Toggle = {
/**
 * Of the message.
 */
seq: number, by: Uint8Array, reaction: Reaction, on: boolean, };

export type Told = { "t": "event", e: ClassEvent, } | { "t": "tick", b: Uint8Array, } | { "t": "attention", list: AttentionList, };

/**
 * `[topic, epoch, offset]` of a resume.
 */
export type TopicPosition = [string, number, number];

/**
 * Changes to one's own account, on any device.
 */
export type UserCommand = { "t": "consent", consent: Consent, } | { "t": "profile", profile: Profile, } | { "t": "approve_hr_max", user: Uint8Array, } | { "t": "read", room: Uint8Array, through: number, } | { "t": "block", user: Uint8Array, blocked: boolean, } | { "t": "read_notices", numbers: Array<number>, } | { "t": "unseen", unseen: boolean, } | { "t": "want", topic: NoticeTopic, wanted: boolean, };

/**
 * What the topic `user:me` tells.
 */
export type UserEvent = { "t": "consent", consent: Consent, } | { "t": "profile", profile: Profile, } | { "t": "summary", summary: MemberSummary, } | { "t": "in_class", class?: Uint8Array, } | { "t": "in_room", room: OwnRoom, } | { "t": "left_room", room: Uint8Array, } | { "t": "hidden", person: Hidden, } | { "t": "shown", user: Uint8Array, } | { "t": "noticed", notice: Notice,
/**
 * The earlier one that this one counts in: it is gone.
 */
instead?: number, } | { "t": "notices_read", numbers: Array<number>, } | { "t": "wanted", topic: NoticeTopic, wanted: boolean, } | { "t": "unseen", unseen: boolean, };

/**
 * The topic `user:me` as it is now.
 */
export type UserSnapshot = { user: Uint8Array, gym: Uint8Array, name: string, profile: Profile, consent: Consent, in_class?: Uint8Array,
/**
 * In order of their ids.
 */
rooms?: Array<OwnRoom>,
/**
 * Of whom nothing is shown.
 */
hidden?: Array<Hidden>,
/**
 * The inbox, oldest first.
 */
inbox?: Array<Notice>,
/**
 * Notices about these do not come.
 */
unwanted?: Array<NoticeTopic>,
/**
 * One's devices say `hidden`.
 */
unseen?: boolean, at_ms: number, };

/**
 * What a report comes to.
 */
export type Verdict = { "t": "dismiss" } | { "t": "delete" } | { "t": "mute", for_s: number, } | { "t": "ban" } | { "t": "post" };

/**
 * The newest private words to a person: sent, shown on a phone of theirs, acted upon. Class time.
 */
export type WhisperView = { id: number, slot: number, text: string, aim?: Aim, sent: number, shown?: number,
/**
 * The heart rate has gone where the words wanted it, by 5 bpm within two minutes of their showing.
 */
acted?: number, };
