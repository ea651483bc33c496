import { describe, expect, it } from 'vitest'
import { ApiError, type Report } from '../src/net/api'
import { Refused } from '../src/net/calls'
import { OpenReports } from '../src/ui/room/reports.svelte'
import type { Verdict } from '../src/proto/protocol'

const report = (id: string, seq: number): Report => ({
  report: id, room: 'r', room_kind: 'team', room_name: 'Team', seq, author: 'a', author_name: 'A', reporter: 'b',
  reporter_name: 'B', reason: 'spam', words: '', text: `words of ${seq}`, posted_at_ms: 1, at_ms: 2,
})

/** A server with so many reports a page. */
function server(all: Report[], page = 2) {
  const decided: [string, Verdict['t']][] = []
  return {
    decided,
    refusedLogin: 0,
    fails: undefined as Error | undefined,
    async reports(after?: string) {
      if (this.fails) throw this.fails
      const from = after === undefined ? 0 : all.findIndex((each) => each.report === after) + 1
      const reports = all.slice(from, from + page)
      return { reports, next: from + page < all.length ? reports.at(-1)!.report : undefined }
    },
    async decide({ report: id, seq }: Report, verdict: Verdict) {
      if (this.fails) throw this.fails
      decided.push([id, verdict.t])
      for (let at = all.length - 1; at >= 0; at--) if (all[at]!.seq === seq) all.splice(at, 1)
    },
    refused() {
      this.refusedLogin++
    },
  }
}

describe('reports of the gym', () => {
  it('are one line a message, oldest first, with all that is open about it', async () => {
    const queue = new OpenReports(server([report('1', 5), report('2', 6), report('3', 5)]))
    expect(queue.reported).toBeUndefined()
    await queue.load()
    expect(queue.more).toBe(true)
    await queue.loadMore()
    expect(queue.reported?.map(({ first, all }) => [first.report, all.length])).toEqual([['1', 2], ['2', 1]])
    expect(queue.more).toBe(false)
  })

  it('go when they are decided, and those behind them come up', async () => {
    const gym = server([report('1', 5), report('2', 5), report('3', 6)])
    const queue = new OpenReports(gym)
    await queue.load()
    expect(await queue.decide(queue.reported![0]!, { t: 'delete' })).toBe(true)
    expect(queue.reported?.map(({ first }) => first.report)).toEqual(['3'])
    expect(gym.decided).toEqual([['1', 'delete']])
  })

  it('stay where the server refuses, and say why', async () => {
    const gym = server([report('1', 5)])
    const queue = new OpenReports(gym)
    await queue.load()
    gym.fails = new Refused({ code: 'forbidden', message: '' })
    expect(await queue.decide(queue.reported![0]!, { t: 'ban' })).toBe(false)
    expect([queue.trouble, queue.reported?.length]).toEqual(['forbidden', 1])
    gym.fails = new ApiError('unauthorised', 401, '')
    await queue.load()
    expect(gym.refusedLogin).toBe(1)
  })
})
