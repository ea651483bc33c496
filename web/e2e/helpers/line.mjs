// The line between a page and its server, as a TCP relay that can go dead: nothing passes, nothing closes, as when a phone leaves the
// network. When it is back, what waited in it arrives.

import { connect, createServer } from 'node:net'

export async function openLine(host, port) {
  let dead = false
  const pairs = new Set()
  const waiting = new Set()

  function join(near) {
    const far = connect({ host, port, allowHalfOpen: false })
    const pair = [near, far]
    pairs.add(pair)
    near.pipe(far)
    far.pipe(near)
    for (const socket of pair) {
      socket.on('error', () => {})
      socket.on('close', () => {
        pairs.delete(pair)
        for (const each of pair) each.destroy()
      })
    }
  }

  const server = createServer((near) => {
    near.setNoDelay(true)
    near.on('error', () => {})
    if (!dead) return join(near)
    waiting.add(near)
    near.on('close', () => waiting.delete(near))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      dead = true
      for (const [near, far] of pairs) {
        near.unpipe(far)
        far.unpipe(near)
        near.pause()
        far.pause()
      }
    },
    mend() {
      dead = false
      for (const [near, far] of pairs) {
        near.pipe(far)
        far.pipe(near)
      }
      for (const near of waiting) join(near)
      waiting.clear()
    },
    close() {
      for (const socket of [...[...pairs].flat(), ...waiting]) socket.destroy()
      server.close()
    },
  }
}
