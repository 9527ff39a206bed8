import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mikrotikAdapter } from '../../../adapters/mikrotik/mikrotik.ts'
import { systemClock } from '../../../system/clock.ts'

test('a router that is not there is a problem that says where', async () => {
  const adapter = mikrotikAdapter({
    host: '127.0.0.1',
    port: 9,
    user: 'homeward',
    password: async () => 'secret-word',
    certificate: null,
    stateDir: await mkdtemp(join(tmpdir(), 'homeward-')),
    clock: systemClock,
  })
  const thrown = await adapter.observe('hw0', AbortSignal.timeout(10_000)).catch((problem: unknown) => problem)
  expect(thrown).toMatchObject({ code: 'router-unreachable' })
  expect(String(thrown)).toContain('127.0.0.1')
  expect(String(thrown)).not.toContain('secret-word')
  await adapter.close()
})
