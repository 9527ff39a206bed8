import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { Picture } from '../lab/picture.ts'
import { hubStatusOf } from './lab-home.ts'

/** The hub's owner gives other addresses in hub.yaml, which the daemon takes. */
export async function letHubBe({ hub }: Picture, ...addresses: readonly string[]): Promise<void> {
  const path = join(hub.disk.configDir, 'hub.yaml')
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace(/^addresses: .*$/m, `addresses: ${JSON.stringify(addresses)}`))
  // Not expect.poll: that is for tests, and this is for their beginnings too.
  const isTaken = async () => expect((await hubStatusOf(hub)).hub.addresses).toEqual(addresses)
  await vi.waitFor(isTaken, { timeout: 30_000, interval: 50 })
}
