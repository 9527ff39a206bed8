import { join } from 'node:path'
import * as v from 'valibot'
import { reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { Log } from '../../system/process/log.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Message } from '../record/message.ts'

/** Messages that have not reached everybody yet, in their order, on disk. */
export interface Outbox {
  readonly put: (message: Message, channels: readonly string[]) => void
  /** The oldest message that this channel has not had. */
  readonly next: (channel: string) => Message | null
  readonly waiting: (channel: string) => number
  readonly done: (message: Message, channel: string) => void
  /** Moves messages to the channel's new name. */
  readonly rename: (channel: string, now: string) => void
  /** Keeps only these channels. */
  readonly keep: (channels: readonly string[]) => void
  /** Resolves when all changes are on disk. */
  readonly saved: () => Promise<void>
}

/** How many messages are kept: months of a line's outages; the oldest are given up for newer ones. */
const MOST = 200

const EntrySchema = v.object({
  message: v.object({
    id: v.string(),
    kind: v.picklist(['down', 'recovered', 'unstable', 'steady', 'reminder', 'security', 'summary', 'test']),
    at: v.string(),
    home: v.string(),
    title: v.string(),
    text: v.string(),
    incident: v.nullable(v.object({ id: v.string(), cause: v.string() })),
  }),
  waiting: v.array(v.string()),
})

interface Entry {
  readonly message: Message
  readonly waiting: readonly string[]
}

/** Opens the outbox. A damaged file is an empty one. */
export async function openOutbox(stateDir: string, log: Log): Promise<Outbox> {
  const path = outboxPath(stateDir)
  let entries: readonly Entry[] = await readEntries(path)
  const mutex = makeMutex()
  let isDirty = false

  function change(next: readonly Entry[]): void {
    entries = next.filter(({ waiting }) => waiting.length > 0)
    if (isDirty) return
    isDirty = true
    // Several changes of one moment become one write.
    void mutex.runExclusive(save)
  }

  async function save(): Promise<void> {
    await Promise.resolve()
    isDirty = false
    await writeFileAtomic(path, `${JSON.stringify(entries)}\n`).catch((thrown: unknown) => {
      log.warn({ path, why: reasonOf(thrown) }, 'messages that wait could not be written down')
    })
  }

  return {
    put: (message, channels) => {
      if (channels.length === 0) return
      const lost = entries.length + 1 - MOST
      if (lost > 0) log.warn({ lost }, 'too many messages wait: the oldest are given up')
      change([...entries, { message, waiting: channels }].slice(-MOST))
    },
    next: (channel) => entries.find(({ waiting }) => waiting.includes(channel))?.message ?? null,
    waiting: (channel) => entries.filter(({ waiting }) => waiting.includes(channel)).length,
    done: (message, channel) =>
      change(
        entries.map((entry) =>
          entry.message.id === message.id
            ? { ...entry, waiting: entry.waiting.filter((name) => name !== channel) }
            : entry,
        ),
      ),
    rename: (channel, now) => {
      if (!entries.some(({ waiting }) => waiting.includes(channel))) return
      change(
        entries.map((entry) => ({ ...entry, waiting: entry.waiting.map((name) => (name === channel ? now : name)) })),
      )
    },
    keep: (channels) => {
      if (entries.every(({ waiting }) => waiting.every((name) => channels.includes(name)))) return
      change(entries.map((entry) => ({ ...entry, waiting: entry.waiting.filter((name) => channels.includes(name)) })))
    },
    saved: mutex.settled,
  }
}

export function outboxPath(stateDir: string): string {
  return join(stateDir, 'outbox.json')
}

/** Entries one by one: one of a kind that a newer homeward left here must not take the others with it. */
async function readEntries(path: string): Promise<readonly Entry[]> {
  const all = (await readJsonFile(path, v.array(v.unknown()))) ?? []
  return all.flatMap((one) => (v.is(EntrySchema, one) ? [one] : [])).slice(-MOST)
}
