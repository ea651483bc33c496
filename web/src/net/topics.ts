// What this tab follows, with the position of each topic: the last event that we have. Finds gaps; knows nothing of sockets.

import type { AttentionList, Event, Position, Refusal, Snapshot, Subscribed, TopicPosition } from '../proto/protocol'
import { HEADER_TICK, LIMITS } from '../proto/layout'

/** Who follows a topic. */
export interface Follower {
  /** The topic as it is now: at first, and again where the missed events could not be had. */
  snapshot?(snapshot: Snapshot): void
  event?(event: Event): void
  /** Packed rows: see `live/ticks.ts`. */
  tick?(bytes: Uint8Array): void
  attention?(list: AttentionList): void
  /** Whether ticks are due all the time now: then silence means that something is wrong. */
  lively?(): boolean
  /** It may not be followed. */
  refused?(refusal: Refusal): void
}

export interface Topic {
  readonly name: string
  readonly follower: Follower
  /** Stands for the topic in pushes of this socket. */
  handle?: number
  position?: Position
  /** Asked for, and not yet answered. */
  waiting: boolean
  /** Newest tick, and the newest one that was echoed. */
  tick?: number
  seen?: number
}

/** What an event turned out to be. */
export type Arrival = 'next' | 'old' | 'gap' | 'unknown'

export class Topics {
  private readonly byName = new Map<string, Topic>()
  private readonly byHandle = new Map<number, Topic>()

  add(name: string, follower: Follower): Topic {
    if (this.byName.has(name)) throw new Error(`${name} is followed already`)
    if (this.byName.size >= LIMITS.SUBSCRIPTIONS_MAX) throw new Error(`at most ${LIMITS.SUBSCRIPTIONS_MAX} topics`)
    const topic: Topic = { name, follower, waiting: false }
    this.byName.set(name, topic)
    return topic
  }

  remove(topic: Topic): void {
    this.byName.delete(topic.name)
    if (topic.handle !== undefined) this.byHandle.delete(topic.handle)
  }

  /** The server follows it for us no more. */
  ended(handle: number): Topic | undefined {
    const topic = this.byHandle.get(handle)
    if (topic) this.remove(topic)
    return topic
  }

  get(name: string): Topic | undefined {
    return this.byName.get(name)
  }

  all(): Topic[] {
    return [...this.byName.values()]
  }

  /** A new socket gives new handles. */
  forgetHandles(): void {
    this.byHandle.clear()
    for (const topic of this.byName.values()) {
      topic.handle = undefined
      topic.seen = undefined
      topic.waiting = false
    }
  }

  /** `[topic, epoch, offset]` of every topic that was ever answered. */
  positions(): TopicPosition[] {
    return this.all().flatMap((topic) => (topic.position ? [[topic.name, topic.position.epoch, topic.position.offset]] : []))
  }

  subscribed(answer: Subscribed): Topic | undefined {
    const topic = this.byName.get(answer.topic)
    if (!topic) return undefined
    if (topic.handle !== undefined) this.byHandle.delete(topic.handle)
    topic.handle = answer.h
    topic.waiting = false
    this.byHandle.set(answer.h, topic)
    if (answer.recovered && topic.position) return topic // The missed events follow, counted on from our position.
    topic.position = { epoch: answer.epoch, offset: answer.offset }
    if (answer.snapshot) topic.follower.snapshot?.(answer.snapshot)
    return topic
  }

  event(handle: number, offset: number, event: Event): [Arrival, Topic | undefined] {
    const topic = this.byHandle.get(handle)
    if (!topic?.position) return ['unknown', undefined]
    if (offset <= topic.position.offset) return ['old', topic]
    if (offset > topic.position.offset + 1) return ['gap', topic]
    topic.position = { epoch: topic.position.epoch, offset }
    topic.follower.event?.(event)
    return ['next', topic]
  }

  tick(handle: number, bytes: Uint8Array): Topic | undefined {
    const topic = this.byHandle.get(handle)
    if (!topic || bytes.byteLength < HEADER_TICK + 4) return undefined
    topic.tick = new DataView(bytes.buffer, bytes.byteOffset).getUint32(HEADER_TICK, true)
    topic.follower.tick?.(bytes)
    return topic
  }

  attention(handle: number, list: AttentionList): void {
    this.byHandle.get(handle)?.follower.attention?.(list)
  }

  /** Ticks that are to be echoed, and are then. */
  echoes(): { h: number; tick: number }[] {
    const due: { h: number; tick: number }[] = []
    for (const [h, topic] of this.byHandle) {
      if (topic.tick === undefined || topic.tick === topic.seen) continue
      topic.seen = topic.tick
      due.push({ h, tick: topic.tick })
    }
    return due
  }
}
