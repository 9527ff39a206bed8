import { isDeepStrictEqual } from 'node:util'
import type { AlertSettings } from './settings.ts'

/** Channels that only got another name: the old and the new one. Their messages go on waiting. */
export function renamedChannels(
  before: AlertSettings['channels'],
  after: AlertSettings['channels'],
): ReadonlyMap<string, string> {
  const added = new Set(Object.keys(after).filter((name) => before[name] === undefined))
  const renamed = new Map<string, string>()
  for (const [name, settings] of Object.entries(before)) {
    if (after[name] !== undefined) continue
    const now = [...added].find((one) => isDeepStrictEqual(after[one], settings))
    if (now === undefined) continue
    added.delete(now)
    renamed.set(name, now)
  }
  return renamed
}
