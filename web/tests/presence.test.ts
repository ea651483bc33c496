import { describe, expect, it, vi } from 'vitest'
import type { Link } from '../src/net/link'
import { IDLE } from '../src/net/link'
import { uuidBytes } from '../src/proto/ids'
import { LIMITS } from '../src/proto/layout'
import type { Presence, Request, Response } from '../src/proto/protocol'
import { Presences } from '../src/room/presence'

const ANA = '00000000-0000-7000-8000-000000000001'

function page() {
  const told: Request[] = []
  let listener = (_: Response) => {}
  let watcher = (_: Link) => {}
  let is: Presence = 'online'
  const topics = { all: () => [{ name: 'room:r', handle: 5, follower: {}, waiting: false }, { name: 'user:me', handle: 6, follower: {}, waiting: false }] }
  const socket = {
    tell: (body: Request) => told.push(body) > 0,
    listen: (each: (push: Response) => void) => ((listener = each), () => {}),
    watch: (each: (link: Link) => void) => ((watcher = each), each(IDLE), () => {}),
    topics,
  }
  const changed = vi.fn()
  const presences = new Presences(socket as never, () => is, changed)
  return { presences, told, changed, hear: (push: Response) => listener(push), link: (state: Link['state']) => watcher({ ...IDLE, state }), be: (next: Presence) => (is = next) }
}

const push = (h: number, people: [Uint8Array, Presence][]): Response => ({ t: 'presence', h, online: people.length, in_class: 0, away: 0, people })

describe('who is there', () => {
  it('is what the last frame of the room says, and nobody once the socket is lost', () => {
    const { presences, changed, hear, link } = page()
    presences.start()
    hear(push(5, [[uuidBytes(ANA), 'away']]))
    expect(presences.in('r')?.people.get(ANA)).toBe('away')
    hear(push(5, [[uuidBytes(ANA), 'online']]))
    expect(presences.in('r')?.people.get(ANA)).toBe('online')
    expect(presences.in('r')).toMatchObject({ online: 1, in_class: 0, away: 0 })
    hear(push(6, []))
    hear(push(9, []))
    expect(changed).toHaveBeenCalledTimes(2)
    link('offline')
    expect(presences.in('r')).toBeUndefined()
    expect(changed).toHaveBeenCalledTimes(3)
  })

  it('is said of oneself every few seconds, when the link is back, and when it changes', async () => {
    vi.useFakeTimers()
    const { presences, told, link, be } = page()
    presences.start()
    presences.start()
    await vi.dynamicImportSettled()
    vi.advanceTimersByTime(2 * LIMITS.HERE_EVERY_MS)
    expect(told).toEqual([{ t: 'here', is: 'online' }, { t: 'here', is: 'online' }])
    link('live')
    be('hidden')
    presences.say()
    expect(told.slice(2)).toEqual([{ t: 'here', is: 'online' }, { t: 'here', is: 'hidden' }])
    vi.useRealTimers()
  })

  it('and how far the other of two is stays when the socket is lost: it only rises', () => {
    const { presences, hear, link } = page()
    presences.start()
    hear({ t: 'marks', h: 5, got: 42, read: 41 })
    hear({ t: 'marks', h: 9, got: 1, read: 1 })
    link('offline')
    expect(presences.far('r')).toMatchObject({ got: 42, read: 41 })
  })
})
