// The client kit: everything that a page, or another program, needs to follow classes and to send heart rates by docs/protocol.md,
// without any framework. Reconnects, resumes, finds gaps, keeps what it measured until the server has it. See docs/client-kit.md.

export { Socket, LoginNeeded, type SocketOptions, type Welcome } from './net/socket'
export { type Link, type LinkState, type Ended } from './net/link'
export { type Follower } from './net/topics'
export { Refused, Disconnected, TimedOut } from './net/calls'
export { ServerClock, localNow } from './net/clock'
export { Recorder, type Recording } from './net/recorder'
export { type Measured } from './net/outbox'
export { browserKeep, memoryKeep, type Keep } from './net/keep'
export { Actions } from './net/actions'
export { ClassFeed, type FeedWatcher } from './live/feed'
export { Board, signalOf, zoneOf } from './live/ticks'
export { ownRow, type OwnRow } from './live/own'
export { newCmd, uuidBytes, uuidText } from './proto/ids'
export { decodeResponse, encodeRequest } from './proto/codec'
export { heartRate } from './hr/parse'
export type * from './proto/protocol'
