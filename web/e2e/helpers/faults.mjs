// A bad line between a page and its server, by the browser's own socket router: frames dropped, delayed, doubled, reordered, cut or the
// whole socket closed, the same for the same seed; or a line on which nothing passes one way.

const DELAY_MS = [200, 4_000]

export class Faults {
  kind = 'none'
  counts = { drop: 0, delay: 0, double: 0, reorder: 0, cut: 0, close: 0 }
  /** Nothing reaches the page (`deaf`) or leaves it (`dumb`). */
  silence
  rate = 0
  dice = 1

  /**
   * `both`: what the page sends is spoilt too. `sent` sees each frame of the page before; `heard` may change each frame of the server.
   */
  constructor({ both = false, sent = () => {}, heard = (message) => message, delays = DELAY_MS } = {}) {
    Object.assign(this, { both, sent, heard, delays })
  }

  set({ kind, rate = 0.3, seed = 1 }) {
    Object.assign(this, { kind, rate, dice: seed })
  }

  /** Mulberry32: the same faults for the same seed. */
  random() {
    this.dice = (this.dice + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.dice ^ (this.dice >>> 15), 1 | this.dice)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** Every socket of the page goes through here. */
  async route(page) {
    await page.routeWebSocket(/\/v1\/ws$/, (near) => {
      const far = near.connectToServer()
      const close = () => {
        near.close()
        far.close()
      }
      const [out, back] = [{}, {}]
      near.onMessage((message) => {
        this.sent(message)
        if (this.silence === 'dumb') return
        if (this.both) this.spoil(message, (each) => far.send(each), out, close)
        else far.send(message)
      })
      far.onMessage((message) => {
        if (this.silence === 'deaf') return
        this.spoil(Buffer.isBuffer(message) ? this.heard(message) : message, (each) => near.send(each), back, close)
      })
    })
  }

  spoil(message, send, held, close) {
    if (this.kind === 'none' || this.random() >= this.rate) {
      send(message)
      if (held.message !== undefined) send(held.message)
      held.message = undefined
      return
    }
    this.counts[this.kind]++
    switch (this.kind) {
      case 'drop':
        return
      case 'delay':
        return void setTimeout(() => send(message), this.delays[0] + this.random() * (this.delays[1] - this.delays[0]))
      case 'double':
        send(message)
        return send(message)
      case 'reorder':
        held.message = message
        return
      case 'cut':
        return send(Buffer.from(message).subarray(0, Math.max(1, Math.floor(message.length / 2))))
      case 'close':
        return close()
    }
  }
}
