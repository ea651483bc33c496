// Which days are alike, by this device's calendar.

export const sameDay = (a: number, b: number): boolean => new Date(a).toDateString() === new Date(b).toDateString()

export const thisYear = (at: number): boolean => new Date(at).getFullYear() === new Date().getFullYear()
