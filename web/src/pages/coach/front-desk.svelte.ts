// What members have asked the front desk, as state: asked for while the page is looked at, because no topic tells it.

import { asking } from '../../net/auth'
import { gymRooms } from '../../net/gym-rooms'
import { type Asked, type DeskLine, deskLines, together } from '../../room/front-desk'
import type { Rooms } from '../../ui/room/rooms.svelte'
import { socket } from '../../ui/session.svelte'

const LOOK_MS = 30_000

export class FrontDesk {
  private asked = $state.raw<readonly Asked[]>()
  private next = $state<string>()
  /** More than the first page was asked for: where the list goes on is behind that. */
  private deep = false

  constructor(private readonly rooms: Rooms) {}

  /** None before it is known. */
  get lines(): DeskLine[] | undefined {
    const followed = this.rooms.own.filter(({ own }) => own?.kind === 'support').map(({ id, own, last }) => ({ id, name: own!.name, last }))
    return this.asked && deskLines(this.asked, followed)
  }

  /** Members who wait in rooms that one is not in: what is unread in the others is counted there. */
  get waiting(): number {
    return this.lines?.filter(({ waits, followed }) => waits && !followed).length ?? 0
  }

  get more(): boolean {
    return this.next !== undefined
  }

  /** For as long as the page is there. */
  start(): void {
    const look = () => document.visibilityState === 'visible' && void this.look()
    setInterval(look, LOOK_MS)
    document.addEventListener('visibilitychange', look)
    look()
  }

  /** Where nobody answers, what was known stands, and the next look asks again. */
  async look(): Promise<void> {
    const page = await asking(socket.clock.now(), (token) => gymRooms(token, 'support')).catch(() => undefined)
    if (!page) return
    this.asked = together(page.rooms, this.asked ?? [])
    if (!this.deep) this.next = page.next
  }

  async older(): Promise<void> {
    const page = await asking(socket.clock.now(), (token) => gymRooms(token, 'support', { after: this.next }))
    this.deep = true
    this.asked = together(this.asked ?? [], page.rooms)
    this.next = page.next
  }
}
