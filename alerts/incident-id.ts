import { randomBytes } from 'node:crypto'
import type { End, Scope } from './core/trouble.ts'

/** An id that sorts by time among those of a home. */
export function newId(home: string, scope: Scope, end: End, began: Date): string {
  const time = began.toISOString().replaceAll(/[-:]/g, '').slice(0, 15).toLowerCase()
  return [home, time, ...(scope === 'tunnel' ? [] : [scope]), end, randomBytes(3).toString('hex')].join('-')
}
