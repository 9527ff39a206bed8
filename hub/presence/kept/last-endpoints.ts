import * as v from 'valibot'
import { reasonOf } from '../../../problems/problem.ts'
import { PortSchema } from '../../../protocol/addresses.ts'
import { writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { readJsonFile } from '../../../system/files/json-file.ts'
import type { Clock } from '../../../system/time/clock.ts'
import type { Log } from '../../../system/process/log.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import { type Endpoint, sameEndpoint } from '../../../wireguard/spec.ts'

/**
 * Where each peer was last seen, kept over restarts. WireGuard forgets that with its interface, though the carrier's
 * mapping is still alive: with it the hub can be the first to speak. Not part of the store: endpoints change often, and
 * what is lost is learned again.
 */
export interface LastEndpoints {
  readonly of: (publicKey: PublicKey) => Endpoint | null
  /** Takes the endpoints seen now; a peer that is not seen keeps its endpoint. */
  readonly note: (seen: Iterable<readonly [PublicKey, Endpoint]>) => void
  /** Forgets all peers but these. */
  readonly keep: (publicKeys: readonly PublicKey[]) => void
  /** Writes what is new, rarely. Never throws. */
  readonly save: () => Promise<void>
}

const LastEndpointsSchema = v.record(
  v.string(),
  v.object({ address: v.pipe(v.string(), v.maxLength(64)), port: PortSchema }),
)

const WRITE_EVERY_MS = 10_000

/** Opens the memory. A damaged or missing file is an empty one. */
export async function openLastEndpoints(path: string, clock: Clock, log: Log): Promise<LastEndpoints> {
  const known = new Map<string, Endpoint>(Object.entries((await readJsonFile(path, LastEndpointsSchema)) ?? {}))
  let isNew = false
  let writtenAt = -Infinity

  return {
    of: (publicKey) => known.get(publicKey) ?? null,
    note: (seen) => {
      for (const [publicKey, endpoint] of seen) {
        if (sameEndpoint(known.get(publicKey) ?? null, endpoint)) continue
        known.set(publicKey, endpoint)
        isNew = true
      }
    },
    keep: (publicKeys) => {
      const kept = new Set<string>(publicKeys)
      for (const key of known.keys()) if (!kept.has(key)) isNew = known.delete(key) || isNew
    },
    save: async () => {
      if (!isNew || clock.now() - writtenAt < WRITE_EVERY_MS) return
      isNew = false
      writtenAt = clock.now()
      try {
        await writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(known))}\n`)
      } catch (thrown) {
        // Without the file, homes notice a restart of the hub seconds later.
        log.warn({ path, why: reasonOf(thrown) }, 'where homes are could not be written down')
      }
    },
  }
}
