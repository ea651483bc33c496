// Where the recorder keeps what must outlive the page, rows and boots, and where messages wait. In a browser its database, in tests plain maps.

import type { ClassClock, Sensor } from '../proto/protocol'
import { db } from './db'
import type { KeptPost, PostKeep } from '../room/posts'
import type { KeptRow } from './outbox'

/** One life of this device's clock in one class: all its rows are counted from `startedAt`. */
export interface Boot {
  class: string
  receiver: number
  boot: number
  /** Local milliseconds (`localNow`) at which the receiver's clock stood at 0. */
  startedAt: number
  /** How class time runs, as the class's snapshot said. */
  clock: ClassClock
  /** Class time at which the receiver's clock stood at 0, once the server knows it. */
  offset?: number
  sensors: Sensor[]
  /** Sensors that the server knows to be ours. */
  paired: number[]
}

export interface StoredRow extends KeptRow {
  class: string
  boot: number
  source: number
}

export interface Keep {
  load(): Promise<{ boots: Boot[]; rows: StoredRow[] }>
  putBoot(boot: Boot): void
  putRow(row: StoredRow): void
  dropRows(boot: Boot, source: number, seqs: number[]): void
  dropBoot(boot: Boot): void
}

const rowKey = (of: string, boot: number, source: number, seq: number) => [of, boot, source, seq]
const ignore = (error: unknown) => console.warn('not kept over a reload', error)

export const browserKeep: Keep = {
  async load() {
    const [boots, rows] = await Promise.all([db.all<Boot>('boots'), db.all<StoredRow>('rows')])
    return { boots, rows }
  },
  // Svelte's proxies cannot be cloned: what is kept is plain.
  putBoot: (boot) => void db.put('boots', [boot.class, boot.boot], structuredClone(boot)).catch(ignore),
  putRow: (row) => void db.put('rows', rowKey(row.class, row.boot, row.source, row.seq), row).catch(ignore),
  dropRows: (boot, source, seqs) => void db.drop('rows', seqs.map((seq) => rowKey(boot.class, boot.boot, source, seq))).catch(ignore),
  dropBoot: (boot) => void db.drop('boots', [[boot.class, boot.boot]]).catch(ignore),
}

export function memoryKeep(): Keep & { boots: Map<number, Boot>; rows: Map<string, StoredRow> } {
  const boots = new Map<number, Boot>()
  const rows = new Map<string, StoredRow>()
  return {
    boots,
    rows,
    load: async () => ({ boots: [...boots.values()].map((each) => structuredClone(each)), rows: [...rows.values()] }),
    putBoot: (boot) => void boots.set(boot.boot, structuredClone(boot)),
    putRow: (row) => void rows.set(rowKey(row.class, row.boot, row.source, row.seq).join(), row),
    dropRows: (boot, source, seqs) => seqs.forEach((seq) => rows.delete(rowKey(boot.class, boot.boot, source, seq).join())),
    dropBoot: (boot) => void boots.delete(boot.boot),
  }
}

export const browserPosts: PostKeep = {
  load: () => db.all<KeptPost>('posts'),
  put: (post) => void db.put('posts', post.key, post).catch(ignore),
  drop: (key) => void db.drop('posts', [key]).catch(ignore),
}

export function memoryPosts(): PostKeep & { posts: Map<string, KeptPost> } {
  const posts = new Map<string, KeptPost>()
  return { posts, load: async () => [...posts.values()], put: (post) => void posts.set(post.key, post), drop: (key) => void posts.delete(key) }
}
