// Generated from protocol/src by `cargo xtask types`: change the Rust constants, not this file.

import type { ErrorCode, Phase } from './protocol'

/** The WebSocket subprotocol, and its major and minor version. */
export const SUBPROTOCOL = 'fitconnect.v1'
export const VERSION = [1, 0] as const

// A packed tick: a header, then rows in rank order; little-endian. `class_ms` is a float64.
export const HEADER_BYTES = 28
export const HEADER_EPOCH = 0
export const HEADER_TICK = 4
export const HEADER_CLASS_MS = 8
export const HEADER_PHASE = 16
export const HEADER_FLAGS = 17
export const HEADER_RUN = 18
export const HEADER_LEFT_MS = 20
export const HEADER_ROWS = 24
export const HEADER_RIDERS = 26
export const ROW_BYTES = 11
export const ROW_SLOT = 0
export const ROW_BPM = 2
export const ROW_PERCENT = 3
export const ROW_STATE = 4
export const ROW_POINTS = 5
export const ROW_KCAL = 7
export const ROW_RANK = 9
export const FLAG_FULL = 1
export const FLAG_MORE = 2
export const ABSENT_U8 = 255
export const ABSENT_U16 = 65535
export const NO_RUN = 65535
export const NO_END = 4294967295
export const STATE_ZONE_MASK = 7
export const ZONE_ABSENT = 7
export const STATE_SIGNAL_SHIFT = 3
export const STATE_SIGNAL_MASK = 56
export const STATE_OVER_MAX = 64
export const STATE_HAND = 128

/** A row's signal: bits of the state byte. */
export const SIGNAL = {
  WAITING: 0,
  LIVE: 1,
  AGEING: 2,
  STALE: 3,
  LOST_SENSOR: 4,
  LOST_NETWORK: 5,
  LEFT: 6,
} as const

/** Phases by their number in a tick's header. */
export const PHASES: readonly Phase[] = [
  "scheduled",
  "open",
  "lobby",
  "live",
  "paused",
  "cooling",
  "finished",
  "settled",
  "cancelled",
  "aborted",
]

/** What each refusal means. */
export const ERRORS: Readonly<Record<ErrorCode, string>> = {
  unsupported: "the server does not know this type of frame: an older server, or a typing error",
  malformed: "the frame is not what its type says: see the message for the field",
  too_large: "a list or text is longer than its bound: send less at a time",
  unauthorised: "no valid token: log in again",
  forbidden: "your role does not allow this: ask a trainer or an administrator",
  not_found: "there is no such thing, or not for you",
  gone: "it has ended: what you ask for is no longer possible",
  rate_limited: "too many frames: wait for retry_after_ms",
  busy: "the server cannot take more now: keep what you have and slow down",
  retry: "the outcome is not known or the owner is away: send the same cmd again",
  cmd_expired: "the command is older than 24 hours or stamped ahead of the server's clock: make a new one",
  cmd_mismatch: "this cmd was used for another command: make a new one",
  wrong_phase: "the class is not in a phase that allows this",
  class_full: "every place is taken",
  not_joined: "you are not in this class: join first",
  room_full: "too many people are in this room",
  room_exists: "this room has been made already: join it",
  not_member: "you are not in this room: join first, or ask a moderator to add you",
  blocked: "one of the two has blocked the other: nothing goes between them",
  unfit: "the message holds a word that the gym does not want: say it otherwise",
  held: "the message holds a word that the gym does not want: it waits for the staff to let it through",
  no_message: "there is no message of this number, or it was deleted",
  email_taken: "this e-mail has an account already",
  seat_taken: "somebody sits there",
  no_boot: "this receiver has not said its clock's offset for this boot: send boot first",
  clock_skew: "the sample lies more than two seconds in the future: measure the clock and start a new boot",
  unknown_source: "this sensor belongs to nobody in the class: pair it first",
  source_taken: "another person wears this sensor: a trainer can swap it",
  no_trainer: "a trainer must be present",
  not_driving: "another trainer drives this class: take over first",
  bad_plan: "the plan cannot be run: see the message",
  bad_file: "the file cannot be read as what it should be: see the message",
  too_late: "the time for this has passed",
  shutting_down: "the server goes away: come back as told",
  internal: "a fault of ours, logged under the trace id in the message",
}

/** Why the server closed a socket; with `mayReturn` the client comes back with what it has. */
export const CLOSES: Readonly<Record<number, { reason: string; meaning: string; mayReturn: boolean }>> = {
  4001: { reason: "going_away", meaning: "the server goes away; GoAway said when to come back", mayReturn: true },
  4002: { reason: "replaced", meaning: "another socket has reclaimed this session", mayReturn: true },
  4003: { reason: "silent", meaning: "no frame came for longer than the heartbeat allows", mayReturn: true },
  4008: { reason: "too_slow", meaning: "nothing was read for ten seconds", mayReturn: true },
  4029: { reason: "too_fast", meaning: "far too many frames; wait a minute", mayReturn: true },
  4500: { reason: "bad_frame", meaning: "the frame cannot be read as this protocol: mend the client", mayReturn: false },
  4501: { reason: "unauthorised", meaning: "no valid token: log in again", mayReturn: false },
  4503: { reason: "kicked", meaning: "the session was ended by its owner or by staff", mayReturn: false },
  4505: { reason: "version_too_old", meaning: "the server no longer speaks this version: update", mayReturn: false },
}

/** Bounds that a client keeps or relies on. */
export const LIMITS = {
  SAMPLE_ROWS_MAX: 900,
  SAMPLE_SOURCES_MAX: 32,
  SUBSCRIPTIONS_MAX: 256,
  HERE_EVERY_MS: 4000,
  LOOK_PEOPLE_MAX: 200,
  IMAGE_BYTES_MAX: 10485760,
  IMAGE_SIDE_MAX: 1600,
  MENTIONS_MAX: 8,
  INBOX_MAX: 50,
  TYPING_EVERY_MS: 3000,
  TYPING_SHOWN_MS: 5000,
  FIVE_ALL_EVERY_MS: 10000,
  LOOK_MAX: 64,
  RIDERS_MAX: 20000,
  BOARD_WHOLE_MAX: 200,
  NAME_BYTES_MAX: 80,
  CUE_BYTES_MAX: 280,
  MESSAGE_BYTES_MAX: 4096,
  SEAT_BYTES_MAX: 16,
  SEGMENTS_MAX: 120,
  HEARTBEAT_MS: 25000,
  HEARTBEAT_GRACE_MS: 10000,
  HELLO_MS_MAX: 5000,
  SESSION_GRACE_MS: 60000,
  CMD_AGE_MS_MAX: 86400000,
  ECHO_EVERY_MS: 2000,
  TICK_MS: 240,
  FULL_TICK_MS: 10000,
  COUNTDOWN_MS: 3000,
  UNDO_MS: 5000,
  FILM_MS_MAX: 600000,
  AGEING_MS: 1500,
  STALE_MS: 3000,
  LOST_MS: 10000,
  CLOCK_RATE_MAX: 20,
} as const
