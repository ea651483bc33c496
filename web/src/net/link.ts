// How the connection stands, in the words that every page shows.

/**
 * connecting: dialling. resuming: the socket is open and topics are being caught up. live: all of it flows.
 * lagging: open, but what is shown is behind. offline: no socket; `retryAt` says when the next dial is, `ended` why there is none.
 */
export type LinkState = 'idle' | 'connecting' | 'resuming' | 'live' | 'lagging' | 'offline'

/** Why nobody dials any more. */
export type Ended = 'stopped' | 'unauthorised' | 'kicked' | 'too_old' | 'bad_frame'

export interface Link {
  state: LinkState
  /** Dials without a welcome since the last one. */
  attempt: number
  /** Local milliseconds of the next dial. */
  retryAt?: number
  /** While resuming: topics caught up, of how many. */
  resumed: number
  topics: number
  ended?: Ended
}

export const IDLE: Link = { state: 'idle', attempt: 0, resumed: 0, topics: 0 }

export function endedBy(code: number): Ended {
  if (code === 4501) return 'unauthorised'
  if (code === 4503) return 'kicked'
  return code === 4505 ? 'too_old' : 'bad_frame'
}
