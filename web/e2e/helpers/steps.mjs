// What the scripts of the proofs have in common: one JSON command a line on stdin, one answer a line on stdout.

import { createInterface } from 'node:readline'

export class Steps {
  failed = false

  constructor(json) {
    this.json = json
  }

  say(line) {
    if (line.ok === false) this.failed = true
    if (this.json) return console.log(JSON.stringify(line))
    const { step, ok, ...rest } = line
    console.log(`${ok === false ? 'FAIL' : ok ? 'ok  ' : '    '} ${step} ${JSON.stringify(rest)}`)
  }

  async run(steps, command) {
    const step = steps[command.do]
    if (!step) return this.say({ step: String(command.do), ok: false, error: `no such step; there are ${Object.keys(steps).join(', ')}, quit` })
    try {
      this.say({ step: command.do, ok: true, ...(await step(command)) })
    } catch (error) {
      this.say({ step: command.do, ok: false, error: String(error) })
    }
  }

  /** Until `quit` or the end of stdin. */
  async listen(steps) {
    for await (const line of createInterface({ input: process.stdin })) {
      if (!line.trim()) continue
      let command
      try {
        command = JSON.parse(line)
      } catch {
        this.say({ step: 'command', ok: false, error: `not JSON: ${line.slice(0, 80)}` })
        continue
      }
      if (command.do === 'quit') return
      await this.run(steps, command)
    }
  }
}

/** Waits until `read` gives something that `good` likes; what it gave, and after how long. */
export async function until(page, read, good, withinMs) {
  const from = performance.now()
  for (;;) {
    const value = await read().catch(() => undefined)
    const ms = Math.round(performance.now() - from)
    if (value !== undefined && good(value)) return { ok: true, ms, value }
    if (ms > withinMs) return { ok: false, ms, value }
    await page.waitForTimeout(25)
  }
}
