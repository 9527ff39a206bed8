import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** For an adapter of the running test; gone when the test is. */
export async function stateFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-state-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
