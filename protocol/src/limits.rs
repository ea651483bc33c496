//! Every bound of the house, each with its reason. What has no bound here has no place in a queue.

/// Largest frame that the server reads. A resume of 256 topics and a batch of 15 minutes of one strap fit twice.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Rows of one `Samples` frame: 15 minutes at 1 Hz; a phone with more sends several frames.
pub const SAMPLE_ROWS_MAX: usize = 900;
/// Sensors in one `Samples` frame: a hub hears about 14 straps; twice that and some.
pub const SAMPLE_SOURCES_MAX: usize = 32;
/// RR intervals in one row: a 2A37 notification carries at most 9.
pub const ROW_RR_MAX: usize = 9;
/// Participants of one class: the largest online class that we aim for, with room. Slots are u16, 0xFFFF is nobody.
pub const RIDERS_MAX: usize = 20_000;
/// Sensors known to one class: a strap, a machine and a watch each.
pub const CLASS_SOURCES_MAX: usize = 3 * RIDERS_MAX;
/// Sensors of one participant.
pub const PERSON_SOURCES_MAX: usize = 8;
/// Receivers that speak for one account in one class: its phones and tablets, or a hub's.
pub const PERSON_RECEIVERS_MAX: usize = 64;
/// Sessions that follow one class: every rider with two devices.
pub const VIEWERS_MAX: usize = 2 * RIDERS_MAX;
/// Boots remembered for one sensor and receiver: a phone that restarts more often in one class is broken.
pub const STREAM_BOOTS_MAX: usize = 32;
/// Separate runs of sample numbers remembered for one boot; above it the sender must fill its holes first.
pub const SEQ_RANGES_MAX: usize = 256;
/// Segments of a plan, with what the trainer repeats.
pub const SEGMENTS_MAX: usize = 120;
/// Trainer's moves of one class's plan (next, pause, +15 s …).
pub const PLAN_MOVES_MAX: usize = 1_000;
/// Longest segment and longest class, in seconds: a day.
pub const SEGMENT_S_MAX: u32 = 24 * 3600;
/// Bytes of a name, a cue, a reason.
pub const NAME_BYTES_MAX: usize = 80;
pub const CUE_BYTES_MAX: usize = 280;
pub const SEAT_BYTES_MAX: usize = 16;

/// People that a search by name finds at one time, and the words of a name that are looked at.
pub const PEOPLE_FOUND_MAX: usize = 20;
pub const PEOPLE_WORDS_MAX: usize = 3;
/// People whom one has blocked, and as many again who have blocked one.
pub const PERSON_BLOCKS_MAX: usize = 500;
/// Blocks of one person that wait until it is known whom they are about.
pub const PERSON_BLOCKING_MAX: usize = 16;

/// Rooms that one person is in; a phone follows all of them besides its class.
pub const PERSON_ROOMS_MAX: usize = 200;
/// So many more talks of two: being added to rooms keeps nobody from being written to.
pub const PERSON_TALKS_RESERVED: usize = 40;
/// People in one room: a gym's, with room.
pub const ROOM_MEMBERS_MAX: usize = 20_000;
/// People that a room is made with; others are added.
pub const ROOM_FOUNDERS_MAX: usize = 64;
/// Members that a snapshot names: the list of a team fits, a gym's is asked for page by page.
pub const ROOM_ROSTER_MAX: usize = 64;
pub const MEMBERS_PAGE: usize = 50;
/// Bytes of a message's words.
pub const MESSAGE_BYTES_MAX: usize = 4_096;
/// People whom one message names.
pub const MENTIONS_MAX: usize = 8;
/// Largest picture taken, as bytes and pixels: a phone's camera at its usual setting. The pages make it smaller before they send it.
pub const IMAGE_BYTES_MAX: usize = 10 * 1024 * 1024;
pub const IMAGE_PIXELS_MAX: u64 = 25_000_000;
/// Longer side of a picture as it is kept.
pub const IMAGE_SIDE_MAX: u32 = 1_600;
/// A picture that no message shows is forgotten after this: its message may wait for a link.
pub const IMAGE_LOOSE_MS: u64 = 24 * 3_600_000;
/// Pictures of one person within an hour.
pub const IMAGES_PER_HOUR_MAX: u32 = 60;
/// Notices that an inbox keeps, the newest: they are part of a person's row and of the first frame of `user:me`.
pub const INBOX_MAX: usize = 50;
/// Messages of a snapshot: a screen or two of a phone. As bytes, what fits one control lane with the answer around it.
pub const ROOM_RECENT_MAX: usize = 30;
pub const ROOM_RECENT_BYTES_MAX: usize = 8 * 1024;
/// Messages of one page of history, and bytes of their words.
pub const HISTORY_MAX: u16 = 100;
pub const HISTORY_BYTES_MAX: usize = 32 * 1024;
/// What a search in a room is given, how many messages one question looks at, and how many it finds at most.
pub const SEARCH_BYTES_MAX: usize = 200;
pub const SEARCH_WORDS_MAX: usize = 5;
pub const SEARCH_LOOKED_MAX: usize = 5_000;
pub const SEARCH_FOUND_MAX: usize = 20;
/// Rooms of one page of a gym's list, how many one question looks at, and bytes of a message that stand in it: a line.
pub const ROOMS_PAGE_MAX: usize = 50;
pub const ROOMS_LOOKED_MAX: usize = 1_000;
pub const ROOM_LINE_BYTES_MAX: usize = 200;
/// Messages that are pinned in one room.
pub const ROOM_PINS_MAX: usize = 10;
/// One's typing in a room is told again after this at the earliest; a page says it so often while one types, and shows another's a little
/// longer. In a room of more people it is not told: hundreds of sockets for a word that nobody keeps.
pub const TYPING_EVERY_MS: u64 = 3_000;
pub const TYPING_SHOWN_MS: u64 = 5_000;
pub const TYPING_PEOPLE_MAX: usize = 200;
/// A page says so often that its person is there, and one that has not for so long is not: with the round of telling no ghost stays
/// longer than ten seconds.
pub const HERE_EVERY_MS: u64 = 4_000;
pub const HERE_LOST_MS: u64 = 8_500;
/// Who is there is told so often, where it has changed.
pub const PRESENCE_EVERY_MS: u64 = 1_000;
/// Where more people than this are there, they are counted, and only those are named whom one looks at: the phone of each of 5,000 would
/// hear of strangers every second.
pub const PRESENT_SHOWN: usize = ROOM_ROSTER_MAX;
/// People whom one looks at: a list that somebody reads.
pub const LOOK_PEOPLE_MAX: usize = 200;
/// Reactions of all kinds on one message: each is told with who it is of, so that pages can hide the blocked.
pub const REACTORS_MAX: usize = 200;
/// Reactions that come within this time of the last that was told are one event, and so many end the wait: it fits a reader's lane.
pub const REACTIONS_GATHER_MS: u64 = 300;
pub const REACTIONS_GATHERED_MAX: usize = 256;
/// Longest pause between two messages of one member of a slow room.
pub const ROOM_SLOW_S_MAX: u16 = 3_600;
/// People who are silent for a while, and who may not come back, in one room.
pub const ROOM_MUTED_MAX: usize = 1_000;
pub const ROOM_BANNED_MAX: usize = 1_000;
/// Bytes of what a reporter says beside the reason.
pub const REPORT_WORDS_BYTES_MAX: usize = 500;
/// Reports of one person within an hour: more is a person who reports for fun, or a moderator's task.
pub const REPORTS_PER_HOUR_MAX: u32 = 20;
/// Open reports of one room: so many are decided by nobody.
pub const REPORTS_OPEN_MAX: u32 = 1_000;
/// Reports that a room remembers as decided while its newest commits are under way.
pub const REPORTS_DECIDED_MAX: usize = 64;
/// Reports of one page of the queue: each has the words of a whole message.
pub const REPORTS_PAGE_MAX: u32 = 50;
/// A report that was decided is kept so long, words and all, and then forgotten.
pub const REPORT_KEPT_MS: u64 = 180 * 24 * 3_600_000;
/// Words of a gym's list of what it does not want to read, and bytes of one.
pub const LEXICON_WORDS_MAX: usize = 500;
pub const LEXICON_WORD_BYTES_MAX: usize = 60;
/// A room asks whether the list is still the same after this, while people write.
pub const LEXICON_FRESH_MS: u64 = 5_000;
/// Commands of one room that wait for what they must look up first.
pub const ROOM_WAITING_MAX: usize = 4_096;
/// A room's row is written whole each time so many numbers have been given: what a reload must apply.
pub const ROOM_SNAPSHOT_EVERY: u64 = 512;
/// Stored events of one topic that are read at one time for one reader, and readers for whom that is done at one time.
pub const FILL_EVENTS: u32 = 256;
pub const FILLS_MAX: usize = 16;

/// Topics that one session may follow: rooms, classes, inboxes; a resume of all fits one frame.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// Events that the hub keeps of one topic for a resume, and how old the oldest may be.
pub const RING_EVENTS_MAX: usize = 1_000;
pub const RING_MS_MAX: u64 = 10 * 60 * 1000;
/// Bytes of one topic's ring: events are small; a flood of large ones must not hold memory.
pub const RING_BYTES_MAX: usize = 1024 * 1024;

/// Bytes waiting for one socket, a lane each. Together 64 KiB: what a stalled viewer may hold in user space.
pub const LANE_CONTROL_BYTES_MAX: usize = 16 * 1024;
pub const LANE_EVENT_BYTES_MAX: usize = 24 * 1024;
pub const LANE_STATE_BYTES_MAX: usize = 20 * 1024;
pub const LANE_EPHEMERAL_BYTES_MAX: usize = 4 * 1024;
/// A socket that took nothing of a full control lane, or wrote nothing at all with bytes waiting, for so long is closed with 4008.
pub const STALLED_MS_MAX: u64 = 10_000;
/// A viewer that has not echoed a tick for so long gets no more ticks until it echoes: its kernel buffers are full of old ones.
pub const ECHO_LAG_MS_MAX: u64 = 6_000;
/// How often a viewer echoes the newest tick.
pub const ECHO_EVERY_MS: u64 = 2_000;
/// Kernel's send buffer of a socket: without it loopback swallows megabytes before a stalled reader is felt.
pub const SO_SNDBUF: usize = 64 * 1024;
/// Connections that wait to be accepted: a storm of 10,000 dials.
pub const LISTEN_BACKLOG: u32 = 4_096;

/// Frames that a socket takes from its lanes at once. What is larger stays allocated with each socket.
pub const DRAIN_FRAMES_MAX: usize = 8;
/// Bytes that a worker reads from a socket at once; one buffer for all its sockets.
pub const READ_BYTES: usize = 16 * 1024;
/// A socket that we have closed waits so long for the client to close its side.
pub const CLOSING_MS_MAX: u64 = 1_000;

/// Mailbox of a session and of any other actor. Full means: try again, nothing is kept for you.
pub const MAILBOX_SESSION: usize = 64;
pub const MAILBOX_ACTOR: usize = 8_192;
/// Inputs that an actor keeps while it loads; what comes after is told to try again.
pub const LOADING_INPUTS_MAX: usize = 8_192;
/// Effects that wait behind a commit in one actor; above it commands are told to try again.
pub const OUTGOING_MAX: usize = 65_536;
/// Commands whose commit is gathered in one transaction.
pub const COMMIT_BATCH_MAX: usize = 256;

/// A command's answer is known for so long; an older id is refused.
pub const CMD_AGE_MS_MAX: u64 = 24 * 3600 * 1000;
/// Answers of so long are kept in memory with the actor; older ones are looked up.
pub const CMD_RECENT_MS: u64 = 10 * 60 * 1000;
/// The same by number, for an actor that is told thousands a second: two minutes of them, twice what a stamp may lie ahead.
pub const CMD_RECENT_MAX: usize = 262_144;
/// A command stamped so far ahead of the server's clock is refused: its 24 hours could not be kept.
pub const CMD_AHEAD_MS_MAX: u64 = 60 * 1000;

/// An empty frame is sent after so long without any; after so much more silence the socket closes.
pub const HEARTBEAT_MS: u32 = 25_000;
pub const HEARTBEAT_GRACE_MS: u64 = 10_000;
/// `Hello` must come within this time where the token is not in the subprotocol.
pub const HELLO_MS_MAX: u64 = 5_000;
/// A session waits so long for a new socket.
pub const SESSION_GRACE_MS: u64 = 60_000;
/// An expired token keeps a live socket for so long, time enough for a refresh.
pub const TOKEN_GRACE_MS: u64 = 30_000;

/// Frames a second that a session may send: a phone at 1 Hz with echoes and commands needs 3. In one burst a page that has been loaded may
/// follow all that a session can follow.
pub const FRAMES_PER_S: u32 = 20;
pub const FRAMES_BURST: u32 = 320;
/// Commands a second (what changes something), and the burst.
pub const COMMANDS_PER_S: u32 = 10;
pub const COMMANDS_BURST: u32 = 40;
/// Frames above the limits that a session may send in one burst before it is closed with 4029; `FRAMES_PER_S` of them a second for good.
pub const OVER_LIMIT_MAX: u32 = 200;
/// Log-in attempts of one account or address in a minute.
pub const LOGINS_PER_MINUTE: u32 = 10;
/// A hall screen's token lives so long where nobody takes it back.
pub const SCREEN_TOKEN_LIFE_S: u64 = 180 * 86_400;
/// The code that a screen shows is good for so long.
pub const PAIRING_MS: u64 = 5 * 60_000;
/// Codes a minute for screens behind one address: a whole gym's may come back at once.
pub const PAIRINGS_PER_MINUTE: u32 = 60;
/// Screens that wait to be let in at one time.
pub const PAIRINGS_MAX: usize = 1_000;
/// Accounts and addresses whose attempts are counted; in a flood of more, those that are new wait for the next minute.
pub const LOGIN_KEYS_MAX: usize = 65_536;
/// Log-ins that wait while others' passwords are checked: about ten seconds of two cores.
pub const LOGINS_WAITING_MAX: usize = 256;
/// Longest password and e-mail address (RFC 5321, 4.5.3.1.3) that are looked at.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// Shortest password that one may choose (NIST SP 800-63B, 3.1.1.2, where a second factor or a rate limit stands beside it).
pub const PASSWORD_CHARS_MIN: usize = 8;
pub const EMAIL_BYTES_MAX: usize = 254;
/// Largest body of an HTTP request: a class with its plan fits several times.
pub const HTTP_BODY_BYTES_MAX: usize = 64 * 1024;
/// Entries of one page of a list over HTTP.
pub const PAGE_MAX: u32 = 200;

/// The live board is sent so often, in real time: a little more than four times a second, so that a sample that has just missed one
/// is on the next within a quarter.
pub const TICK_MS: u64 = 240;
/// Every row is sent again so often.
pub const FULL_TICK_MS: u64 = 10_000;
/// A full board is cut into parts of at most so many bytes.
pub const TICK_PART_BYTES_MAX: usize = 32 * 1024;
/// Up to so many riders everybody gets the whole board; beyond it a rider gets a slice.
pub const BOARD_WHOLE_MAX: usize = 200;
/// Up to so many riders desk and TV get every row; beyond it the top, the attention rows and the rows asked for.
pub const DESK_WHOLE_MAX: usize = 1_000;
pub const DESK_TOP: usize = 200;
/// Rows that one viewer may ask for by slot.
pub const LOOK_MAX: usize = 64;
/// Rows asked for by slot, of all viewers of one desk; the newest are kept.
pub const LOOKS_MAX: usize = 512;
/// A rider's slice: the top and so many on each side.
pub const SLICE_TOP: usize = 3;
pub const SLICE_NEIGHBOURS: usize = 3;
/// Names that a rider's socket remembers; one that fell out is sent again.
pub const SLICE_NAMES_MAX: usize = 48;
/// People near their limit that a forecast names: what a trainer reads at a glance.
pub const FORECAST_NEAR_MAX: usize = 5;
/// A film's longest stretch, class time. Pages ask for half of it at a time.
pub const FILM_MS_MAX: i64 = 600_000;
/// A larger class is not looked back at: its samples would take more memory than a look is worth.
pub const FILM_RIDERS_MAX: usize = 250;
/// Alarms that a film names, the newest of the class.
pub const FILM_RAISED_MAX: usize = 500;
/// Sensors without a wearer that a desk lists.
pub const LOOSE_SHOWN: usize = 32;
/// Attention rows shown; the rest is counted.
pub const ATTENTION_SHOWN: usize = 5;

/// Heart rates that are believed, in bpm; others are dropped and counted.
pub const BPM_MIN: u16 = 30;
pub const BPM_MAX: u16 = 230;
/// Watts and revolutions per minute that are believed; others are left out of their row.
pub const POWER_W_MAX: u16 = 3_000;
pub const CADENCE_MAX: u8 = 254;
/// A sample may lie so far in the class's future.
pub const SAMPLE_AHEAD_MS_MAX: i64 = 2_000;
/// How long a sample holds when no other follows: live, and in an import of a smart-recorded file.
pub const HOLD_MS: i64 = 5_000;
pub const HOLD_SMART_MS: i64 = 15_000;
/// Samples younger than this are kept in memory, so that a late one is put in its place without a look at the store.
pub const TAIL_MS: i64 = 60_000;
/// Samples of one person within that minute: eight sensors at 16 Hz.
pub const TAIL_SAMPLES_MAX: usize = 8_192;
/// Late samples of one person that wait for the stored series; more are told to come again.
pub const LATE_WAITING_MAX: usize = 20_000;
/// Stored series that one class has asked for and not got yet: a trainer's swap or a settlement must not drown the store.
pub const LOADS_MAX: usize = 32;
/// Samples of one class that wait for the disk, 13 s of the largest; above it samples are answered with `busy`.
pub const PENDING_MAX: usize = 262_144;
/// Cooling: late samples still change the class.
pub const COOLING_MS: i64 = 5 * 60 * 1000;
/// After settlement late samples make new versions of a member's own summary for so long.
pub const LATE_MS: i64 = 7 * 24 * 3600 * 1000;
/// Trainers named at the desks of one class: more than a gym has in a hall.
pub const STAFF_SHOWN: usize = 16;
/// A desk plans a move so far ahead, real time: the 3-2-1 that every screen of the class counts.
pub const COUNTDOWN_MS: i64 = 3_000;
/// A move of the plan can be taken back so long after it took effect, class time: long enough to notice a slip of the finger.
pub const UNDO_MS: i64 = 5_000;
/// A value older than this is ageing; than this, stale; than this, lost. Class time.
pub const AGEING_MS: i64 = 1_500;
pub const STALE_MS: i64 = 3_000;
pub const LOST_MS: i64 = 10_000;
/// How fast class time may run.
pub const CLOCK_RATE_MAX: u32 = 20;

/// The log gathers records for so long before one write and one sync.
pub const LOG_GROUP_MS: u64 = 20;
/// Length of a log window: what arrived in it is shipped together.
pub const LOG_WINDOW_MS: u64 = 10_000;
/// The same where a sample is acknowledged by the event store: what a client waits for.
pub const LOG_WINDOW_QUORUM_MS: u64 = 1_000;
/// An event store that has not taken a window after so long is away: acknowledgements wait for it no more.
pub const ACK_QUORUM_WAIT_MS: u64 = 4_000;
/// Bytes of the log that may wait for the event store; above it samples are answered with `busy`.
pub const LOG_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Batches under way to an event store that is a cluster; rows and bytes of one (Cassandra warns above 5 KiB).
pub const EVENT_BATCHES_MAX: usize = 64;
pub const EVENT_BATCH_ROWS_MAX: usize = 100;
pub const EVENT_BATCH_BYTES_MAX: usize = 5 * 1024;
/// Bytes of one group: a flood waits for the disk instead of for memory.
pub const LOG_GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A running class is kept so often as a checkpoint, real time: what is to be folded at a reload.
pub const CHECKPOINT_MS: u64 = 60_000;
/// What is on disk and not in a checkpoint was appended this long before it at most: a window of the log, and a slow disk.
pub const CHECKPOINT_SLACK_MS: u64 = 30_000;
/// Checkpoints older than this are of classes that have ended.
pub const CHECKPOINT_KEPT_MS: u64 = 24 * 3600 * 1000;

/// A rider gives one person a high five so often at most, and everybody together.
pub const FIVE_EVERY_MS: u64 = 1_000;
pub const FIVE_ALL_EVERY_MS: u64 = 10_000;
/// High fives of one person that wait until it is known whom they have blocked.
pub const FIVES_WAITING_MAX: usize = 8;
/// Questions of one person for the hidden rows of a class that wait for their answer.
pub const HIDDEN_ASKS_MAX: usize = 4;
/// Hands of one telling of which the names are kept, and names that one person is told.
pub const FIVES_NAMED_MAX: usize = 64;
pub const FIVES_NAMES_MAX: usize = 3;
/// In a class that is shown in slices high fives are told so often; in others with each tick.
pub const FIVES_TOLD_LARGE_MS: u64 = 1_000;
/// What each has got is stored so often, and at the end: a fall of the server costs no more of a count that nobody pays with.
pub const FIVES_SAVED_MS: u64 = 30_000;

/// Largest activity file taken for import: a day at 1 Hz as TCX.
pub const IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;
