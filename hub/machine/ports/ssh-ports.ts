import { ONLY_22 } from '../../core/forwarded-ports.ts'
import * as v from 'valibot'
import { reasonOf } from '../../../problems/problem.ts'
import { PortSchema } from '../../../protocol/addresses.ts'
import { writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { readJsonFile } from '../../../system/files/json-file.ts'
import type { Clock } from '../../../system/time/clock.ts'
import type { Log } from '../../../system/process/log.ts'
import { makeMutex } from '../../../system/process/mutex.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { type Listener, tcpListeners } from './listeners.ts'
import { askListener } from './ssh-banner.ts'

/**
 * The TCP ports of this machine at which an SSH server was ever seen, and 22: the owner's access, which no home may
 * publish over while sshd is being restarted.
 */
export interface SshPorts {
  readonly ports: () => ReadonlySet<number>
  /** Starts to ask new listeners. Never throws. */
  readonly look: () => Promise<void>
  /** Waits for questions under way at these ports, for a few seconds at most. */
  readonly settled: (first: number, last: number) => Promise<void>
  /** Ends the questions under way. */
  readonly close: () => Promise<void>
}

/**
 * How long each attempt listens: the first ones are short, since a program that takes one caller at a time has none
 * meanwhile; the last is above what a socket-activated sshd on a small, busy VPS needs to begin. An sshd with too many
 * callers hangs up without a word, later it has not.
 */
const ANSWER_MS = [2_000, 5_000, 10_000]
const SETTLED_MS = 5_000
const AGAIN_AFTER_MS = 60_000
const MOST_AT_ONCE = 32

export interface SshPortsDeps {
  readonly path: string
  /** Whether a port is the hub's own, whose listener need not be asked. */
  readonly isOwn: (port: number) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly listeners?: () => Promise<readonly Listener[]>
}

/** Opens the hub's memory of SSH ports. A damaged or missing file is an empty one. */
export async function openSshPorts({
  path,
  isOwn,
  clock,
  log,
  listeners = tcpListeners,
}: SshPortsDeps): Promise<SshPorts> {
  let known = await readSshPorts(path)
  const mutex = makeMutex()
  /** Attempts at listeners that did not speak SSH. */
  const tried = new Map<string, { readonly attempts: number; readonly again: number }>()
  const asking = new Map<string, { readonly port: number; readonly done: Promise<void> }>()
  const ended = new AbortController()

  async function ask(key: string, listener: Listener): Promise<void> {
    const attempts = tried.get(key)?.attempts ?? 0
    const spoken = await askListener(listener, ANSWER_MS[attempts] ?? 0, ended.signal)
    if (ended.signal.aborted) return
    if (spoken === 'ssh') return remember(listener.port)
    tried.set(key, { attempts: attempts + 1, again: clock.now() + AGAIN_AFTER_MS })
  }

  async function remember(port: number): Promise<void> {
    if (known.has(port)) return
    known = new Set([...known, port])
    log.info({ port }, 'an SSH server of this machine was seen: its port is no home’s to publish')
    await mutex.runExclusive(async () => {
      const ports = [...known].filter((one) => !ONLY_22.has(one)).sort((a, b) => a - b)
      await writeFileAtomic(path, `${JSON.stringify({ ports })}\n`).catch((thrown: unknown) =>
        log.warn({ path, why: reasonOf(thrown) }, 'the ports of SSH servers could not be written down'),
      )
    })
  }

  function isDue(key: string): boolean {
    const before = tried.get(key)
    return (
      !asking.has(key) && (before === undefined || (before.attempts < ANSWER_MS.length && clock.now() >= before.again))
    )
  }

  return {
    ports: () => known,
    look: async () => {
      const there = new Map((await listeners().catch(() => [])).map((one) => [keyOf(one), one]))
      for (const key of tried.keys()) if (!there.has(key)) tried.delete(key)
      for (const [key, listener] of there) {
        if (asking.size >= MOST_AT_ONCE || ended.signal.aborted) break
        if (known.has(listener.port) || isOwn(listener.port) || !isDue(key)) continue
        const done = ask(key, listener).finally(() => asking.delete(key))
        asking.set(key, { port: listener.port, done })
      }
    },
    settled: async (first, last) => {
      const some = [...asking.values()].filter(({ port }) => port >= first && port <= last)
      if (some.length === 0) return
      const waited = new AbortController()
      await Promise.race([Promise.all(some.map(({ done }) => done)), sleep(SETTLED_MS, waited.signal)])
      waited.abort()
    },
    close: async () => {
      ended.abort()
      await Promise.all([...asking.values()].map(({ done }) => done))
      await mutex.settled()
    },
  }
}

const FileSchema = v.object({ ports: v.array(PortSchema) })

export async function readSshPorts(path: string): Promise<ReadonlySet<number>> {
  return new Set([...ONLY_22, ...((await readJsonFile(path, FileSchema))?.ports ?? [])])
}

function keyOf({ address, port, inode }: Listener): string {
  return `${address} ${port} ${inode}`
}
