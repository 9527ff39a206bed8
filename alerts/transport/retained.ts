import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { Log } from '../../system/process/log.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/**
 * Topics that brokers keep for Home Assistant because we published them retained. Remembered on disk before they are
 * published, with the login that the broker wants: when a home or the channel is gone, only an empty message clears
 * them, and alerts.yaml may not name that broker any more. The file is secret, as alerts.yaml is.
 */
export interface Retained {
  readonly topics: (at: Publisher) => readonly string[]
  /** Resolves when the topics are on disk. Never throws. */
  readonly remember: (at: Publisher, topics: readonly string[]) => Promise<void>
  readonly forget: (at: Publisher, topics: readonly string[]) => Promise<void>
  /** Topics of channels that are not among these any more. */
  readonly orphans: (channels: readonly ChannelSettings[]) => readonly Kept[]
}

/** A publisher at a broker. With another password or prefix it is another one. */
export type Publisher = Pick<
  Extract<ChannelSettings, { kind: 'homeassistant' }>,
  'broker' | 'user' | 'password' | 'discoveryPrefix'
>

const KeptSchema = v.object({
  broker: v.string(),
  user: v.optional(v.string()),
  password: v.optional(v.string()),
  discoveryPrefix: v.string(),
  topics: v.array(v.string()),
})

export type Kept = Readonly<v.InferOutput<typeof KeptSchema>>

/** Opens the memory. A damaged or missing file is an empty one. */
export async function openRetained(stateDir: string, log: Log): Promise<Retained> {
  const path = retainedPath(stateDir)
  let all: readonly Kept[] = (await readJsonFile(path, v.array(KeptSchema))) ?? []
  const mutex = makeMutex()

  function change(at: Publisher, topics: readonly string[]): Promise<void> {
    const { broker, user, password, discoveryPrefix } = at
    const others = all.filter((one) => !isSame(one, at))
    const kept: Kept = {
      broker,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      discoveryPrefix,
      topics: [...topics],
    }
    all = topics.length === 0 ? others : [...others, kept]
    return mutex.runExclusive(save)
  }

  async function save(): Promise<void> {
    try {
      if (all.length === 0) await rm(path, { force: true })
      else await writeFileAtomic(path, `${JSON.stringify(all)}\n`)
    } catch (thrown) {
      log.warn({ path, why: reasonOf(thrown) }, 'what brokers keep for Home Assistant could not be written down')
    }
  }

  const topicsOf = (at: Publisher): readonly string[] => all.find((one) => isSame(one, at))?.topics ?? []
  return {
    topics: topicsOf,
    remember: async (at, topics) => {
      const [known, news] = [topicsOf(at), topics.filter((one) => !topicsOf(at).includes(one))]
      if (news.length > 0) await change(at, [...known, ...news])
    },
    forget: async (at, topics) => {
      const left = topicsOf(at).filter((one) => !topics.includes(one))
      if (left.length < topicsOf(at).length) await change(at, left)
    },
    orphans: (channels) =>
      all.filter((one) => !channels.some((channel) => channel.kind === 'homeassistant' && isSame(one, channel))),
  }
}

export function retainedPath(stateDir: string): string {
  return join(stateDir, 'retained.json')
}

function isSame(a: Publisher, b: Publisher): boolean {
  return (
    a.broker === b.broker && a.user === b.user && a.password === b.password && a.discoveryPrefix === b.discoveryPrefix
  )
}
