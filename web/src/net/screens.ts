// The gym's screens, over HTTP: for staff.

import { call } from './api'

/** A paired screen. */
export interface Screen {
  user: string
  name: string
  hall: string
}

export const screens = (token: string): Promise<{ screens: Screen[] }> => call('GET', '/v1/screens', { token })
export const pairScreen = (token: string, code: string, hall: string, name: string): Promise<Screen> => call('POST', '/v1/screens', { token, body: { code, hall, name } })
export const unpairScreen = (token: string, user: string): Promise<null> => call('DELETE', `/v1/screens/${user}`, { token })
