import { randomUUID } from 'node:crypto'
import { Problem, reasonOf } from '../../problems/problem.ts'
import type { Channel, Snapshot } from '../transport/channel.ts'
import { testMessage } from '../record/compose.ts'
import { openChannel } from './open-channel.ts'
import type { AlertSettings, ChannelSettings } from '../settings/settings.ts'

export interface ChannelTest {
  readonly name: string
  readonly kind: string
  /** null: the channel took the test. Contains no secret. */
  readonly problem: string | null
}

/** Makes the message that a test sends. */
export type ComposeTest = typeof testMessage

const TEST_MS = 20_000

/**
 * Sends a marked test by each channel, or by the named one, all at once and not by the outbox.
 * @param compose default: the words of `homeward alert test`.
 * @throws {Problem} `channel-missing` when there is none of that name.
 */
export async function testChannels(
  { channels }: Pick<AlertSettings, 'channels'>,
  only: string | null,
  snapshot: Snapshot,
  compose: ComposeTest = testMessage,
): Promise<readonly ChannelTest[]> {
  const chosen = Object.entries(channels).filter(([name]) => only === null || name === only)
  if (only !== null && chosen.length === 0) {
    const names = Object.keys(channels)
    const there = names.length === 0 ? 'there are no channels' : `the channels are ${names.join(', ')}`
    throw new Problem('channel-missing', {
      what: `testing the channel ${only}`,
      why: `there is none of that name; ${there}`,
    })
  }
  return await Promise.all(chosen.map(([name, settings]) => testOne(name, settings, snapshot, compose)))
}

async function testOne(
  name: string,
  settings: ChannelSettings,
  snapshot: Snapshot,
  compose: ComposeTest,
): Promise<ChannelTest> {
  let channel: Channel | null = null
  try {
    const opened = await openChannel(settings, snapshot.end, null)
    channel = opened
    const message = compose(`test.${randomUUID()}`, snapshot.homes[0]?.name ?? 'hub', snapshot.end, new Date())
    const cut = AbortSignal.timeout(TEST_MS)
    if (opened.send !== undefined) await opened.send(message, cut)
    else await opened.snapshot?.(snapshot, cut)
    return { name, kind: settings.kind, problem: null }
  } catch (thrown) {
    return { name, kind: settings.kind, problem: reasonOf(thrown) }
  } finally {
    await channel?.close?.().catch(() => undefined)
  }
}
