// The page's one socket, its link as state, and the token that is kept fresh under it.

import { currentLogin, forgetLogin, goodToken, loginAddress } from '../net/auth'
import type { Link } from '../net/link'
import { IDLE } from '../net/link'
import { Socket } from '../net/socket'

const REFRESH_LOOK_MS = 30_000

let link = $state.raw<Link>(IDLE)
let build = $state<string>()
let newBuild = $state(false)

export const linkNow = (): Link => link
/** The server runs another build than the one that this page began with. */
export const updateReady = (): boolean => newBuild

const address = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/ws`

export const socket: Socket = new Socket({
  url: address,
  token: (refused) => goodToken(refused, socket.clock.now()),
  onWelcome(welcome) {
    build ??= welcome.build
    newBuild = build !== welcome.build
  },
})

export function goToLogin(): void {
  location.assign(loginAddress(location.pathname + location.search))
}

export function logOut(): void {
  forgetLogin()
  socket.stop()
  location.assign('/login')
}

/** False where nobody is logged in: the page is left for the log-in. */
export function startSession(): boolean {
  if (!currentLogin()) {
    goToLogin()
    return false
  }
  socket.watch((next) => {
    link = next
    if (next.ended === 'unauthorised') goToLogin()
  })
  socket.start()
  setInterval(() => void refreshInPlace(), REFRESH_LOOK_MS)
  return true
}

let sent = currentLogin()?.token

/** A live socket gets its new token before the old one ends. */
async function refreshInPlace(): Promise<void> {
  try {
    const token = await goodToken(false, socket.clock.now())
    if (token === sent) return
    await socket.request({ t: 'refresh', token })
    sent = token
  } catch {
    // The next look tries again; a token that has ended closes the socket, and the dial after it asks for a log-in.
  }
}
