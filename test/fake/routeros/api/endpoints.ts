import { isIP } from 'node:net'
import type { Item } from '../tables/tables.ts'

/**
 * Where peers are dialled. A name is looked up once, when its peer begins: made, enabled, given its endpoint again, or with
 * the router's start. A lookup that failed stays failed (RouterOS up to now; see the users' scripts that mend it).
 */
export interface Endpoints {
  readonly addressOf: (peer: Item) => string | null
  /** Looked up again the next time. */
  readonly forget: (peer: Item) => void
  readonly forgetAll: () => void
}

export function makeEndpoints(names: Readonly<Record<string, string>>): Endpoints {
  const found = new Map<number, { readonly name: string; readonly address: string | null }>()
  return {
    addressOf: ({ id, values }) => {
      const name = values.get('endpoint-address') ?? ''
      if (name === '') return null
      if (isIP(name) !== 0) return name
      const known = found.get(id)
      if (known?.name === name) return known.address
      const address = names[name] ?? null
      found.set(id, { name, address })
      return address
    },
    forget: ({ id }) => void found.delete(id),
    forgetAll: () => found.clear(),
  }
}
