// Which place a path is.

export interface Route<Name extends string> {
  name: Name | 'missing'
  params: Record<string, string>
}

/** `':id'` in a pattern takes one part of the path; `':id?'` at its end may be missing. */
export type Routes<Name extends string> = Record<Name, string>

export function match<Name extends string>(path: string, routes: Routes<Name>): Route<Name> {
  const parts = path.split('/').filter(Boolean)
  for (const [name, pattern] of Object.entries(routes) as [Name, string][]) {
    const wanted = pattern.split('/').filter(Boolean)
    if (wanted.length !== parts.length && !(wanted.at(-1)?.endsWith('?') && parts.length === wanted.length - 1)) continue
    const params: Record<string, string> = {}
    const fits = wanted.every((part, at) => {
      if (!part.startsWith(':')) return part === parts[at]
      if (at === parts.length) return true
      const value = decoded(parts[at]!)
      if (value === undefined) return false
      params[part.slice(1).replace('?', '')] = value
      return true
    })
    if (fits) return { name, params }
  }
  return { name: 'missing', params: {} }
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
