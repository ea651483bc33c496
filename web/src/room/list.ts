// In which order rooms are listed: where something was written last stands first.

export interface Listed {
  id: string
  name: string
  /** Unix milliseconds of the newest message; none where nothing was written. */
  at?: number
}

export function listed<Room extends Listed>(rooms: readonly Room[]): Room[] {
  return [...rooms].sort((a, b) => (b.at ?? 0) - (a.at ?? 0) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1))
}
