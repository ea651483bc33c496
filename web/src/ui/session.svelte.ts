// The page's one socket, its link as state, and the token that is kept fresh under it.

import { currentLogin, forgetLogin, goodToken, loginAddress } from '../net/auth'
import type { Link } from '../net/link'
import { IDLE } from '../net/link'
import { LoginNeeded, Socket } from '../net/socket'

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

let sent: string | undefined
let end = () => {}

/**
 * False where nobody is logged in. Then, and where the server takes the log-in no more, `loginNeeded` says what this page does; after a
 * new log-in the page may start again.
 */
export function startSession(loginNeeded: () => void = goToLogin): boolean {
  end()
  sent = currentLogin()?.token
  if (!sent) {
    loginNeeded()
    return false
  }
  // Before it is watched: a link that has ended tells each new watcher so.
  socket.start()
  const unwatch = socket.watch((next) => {
    link = next
    if (next.ended !== 'unauthorised') return
    end()
    loginNeeded()
  })
  const timer = setInterval(() => void refreshInPlace(), REFRESH_LOOK_MS)
  end = () => {
    unwatch()
    clearInterval(timer)
  }
  return true
}

/** The server takes our log-in no more. */
export function loginRefused(): void {
  socket.stop('unauthorised')
}

/** A live socket gets its new token before the old one ends. */
async function refreshInPlace(): Promise<void> {
  try {
    const token = await goodToken(false, socket.clock.now())
    if (token === sent) return
    await socket.request({ t: 'refresh', token })
    sent = token
  } catch (error) {
    if (error instanceof LoginNeeded) loginRefused()
    // Else the next look tries again.
  }
}
