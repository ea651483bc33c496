// Messages that members have pointed at, and what is decided about them. State without looks.

import { ApiError, type Report, type Reports } from '../../net/api'
import { needsLogin } from '../../net/auth'
import { Refused } from '../../net/calls'
import type { Verdict } from '../../proto/protocol'

export interface ReportsServer {
  reports(after?: string): Promise<Reports>
  decide(report: Report, verdict: Verdict): Promise<unknown>
  /** It takes our log-in no more. */
  refused(): void
}

/** One message with all that is open about it, oldest first. */
export interface Reported {
  key: string
  first: Report
  all: Report[]
}

export class OpenReports {
  private list = $state.raw<Report[]>()
  private next = $state<string>()
  /** Why the queue could not be had, or a report not be decided. */
  trouble = $state<string>()
  working = $state(false)

  constructor(private readonly server: ReportsServer) {}

  /** None while they are not known. */
  readonly reported = $derived(this.list && byMessage(this.list))

  get more(): boolean {
    return this.next !== undefined
  }

  load(): Promise<boolean> {
    return this.page(undefined)
  }

  loadMore(): Promise<boolean> {
    return this.page(this.next)
  }

  /** True where it is decided now, by whomever. */
  async decide({ key, first }: Reported, verdict: Verdict): Promise<boolean> {
    if (this.working) return false
    const done = await this.attempt(async () => {
      await this.server.decide(first, verdict)
      this.list = this.list?.filter((each) => keyOf(each) !== key)
    })
    // All that was shown is decided: what waits behind it comes up.
    if (done && this.list?.length === 0 && this.more) await this.load()
    return done
  }

  private page(after: string | undefined): Promise<boolean> {
    return this.attempt(async () => {
      const { reports, next } = await this.server.reports(after)
      this.list = after === undefined ? reports : [...(this.list ?? []), ...reports]
      this.next = next
    })
  }

  private async attempt(act: () => Promise<void>): Promise<boolean> {
    this.working = true
    this.trouble = undefined
    try {
      await act()
      return true
    } catch (error) {
      if (needsLogin(error)) this.server.refused()
      this.trouble = codeOf(error)
      return false
    } finally {
      this.working = false
    }
  }
}

/** Of the HTTP side or of the socket. */
function codeOf(error: unknown): string {
  if (error instanceof ApiError) return error.code
  return error instanceof Refused ? error.refusal.code : 'network'
}

/** What was held back is each its own. */
const keyOf = (report: Report) => (report.seq === 0 ? report.report : `${report.room}/${report.seq}`)

function byMessage(list: readonly Report[]): Reported[] {
  const found = new Map<string, Reported>()
  for (const report of list) {
    const key = keyOf(report)
    const known = found.get(key)
    if (known) known.all.push(report)
    else found.set(key, { key, first: report, all: [report] })
  }
  return [...found.values()]
}
