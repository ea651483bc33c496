// The sound of an alarm: two short tones, at most every ten seconds while somebody urgent waits. Off until it is switched on, because a
// browser lets a page sound only after a tap, and a hall has music of its own.

const KEY = 'fitconnect.desk.sound'
const EVERY_MS = 10_000
const TONES_HZ = [880, 660]
const TONE_S = 0.16

export class Alarm {
  private context?: AudioContext
  private timer?: ReturnType<typeof setInterval>

  get on(): boolean {
    return localStorage.getItem(KEY) === 'on'
  }

  switch(on: boolean): void {
    localStorage.setItem(KEY, on ? 'on' : 'off')
    if (on) this.sound()
  }

  /** Whether somebody urgent waits now. */
  ring(waits: boolean): void {
    if (!waits) {
      clearInterval(this.timer)
      this.timer = undefined
      return
    }
    if (this.timer) return
    this.sound()
    this.timer = setInterval(() => this.sound(), EVERY_MS)
  }

  private sound(): void {
    if (!this.on) return
    const context = (this.context ??= new AudioContext())
    void context.resume()
    TONES_HZ.forEach((hz, index) => {
      const [tone, gain] = [context.createOscillator(), context.createGain()]
      const from = context.currentTime + index * TONE_S
      tone.frequency.value = hz
      gain.gain.setValueAtTime(0.2, from)
      gain.gain.exponentialRampToValueAtTime(0.001, from + TONE_S)
      tone.connect(gain).connect(context.destination)
      tone.start(from)
      tone.stop(from + TONE_S)
    })
  }
}
