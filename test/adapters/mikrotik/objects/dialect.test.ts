import { expect, test } from 'vitest'
import type { Reply, Row, Sentence } from '../../../../adapters/mikrotik/api/session.ts'
import { Trap } from '../../../../adapters/mikrotik/api/api.ts'
import { type Dialect, probeDialect } from '../../../../adapters/mikrotik/objects/dialect.ts'

const never = new AbortController().signal

/** Asks a router that answers these rows, and has no menu for the others. */
function probe(menus: Readonly<Record<string, Row>>): Promise<Dialect> {
  return probeDialect(({ command }: Sentence): Promise<Reply> => {
    const row = menus[command]
    if (row === undefined) return Promise.reject(new Trap({ message: 'no such command', category: '0' }))
    return Promise.resolve({ rows: [row], ret: null })
  }, never)
}

function probeVersion(version: string, deviceMode?: Row): Promise<Dialect> {
  return probe({
    '/system/resource/print': { version, 'board-name': 'CHR' },
    '/system/identity/print': { name: 'cabin' },
    ...(deviceMode === undefined ? {} : { '/system/device-mode/print': deviceMode }),
  })
}

test('each version says what it has', async () => {
  const has = async (version: string): Promise<unknown> => {
    const { version: is, peerName, safeMode } = await probeVersion(version)
    return [is, peerName, safeMode]
  }
  expect(await has('7.1 (stable)')).toEqual(['7.1', false, false])
  expect(await has('7.12.2 (stable)')).toEqual(['7.12.2', false, false])
  expect(await has('7.15')).toEqual(['7.15', true, false])
  expect(await has('7.16.2 (stable)')).toEqual(['7.16.2', true, false])
  expect(await has('7.18beta4 (development)')).toEqual(['7.18beta4', true, true])
  expect(await has('7.21 (stable)')).toEqual(['7.21', true, true])
  expect(await has('8.0 (stable)')).toEqual(['8.0', true, true])
})

test('a router is told by its model and its name', async () => {
  expect(await probeVersion('7.21 (stable)')).toMatchObject({ model: 'CHR', identity: 'cabin', major: 7, minor: 21 })
})

test('RouterOS without WireGuard is refused with what to upgrade', async () => {
  for (const version of ['6.49.10 (long-term)', '7.0.5 (stable)'])
    await expect(probeVersion(version)).rejects.toMatchObject({
      code: 'router-version-unsupported',
      message: expect.stringMatching(/RouterOS (6\.49\.10|7\.0\.5).*7\.1.*Upgrade/),
    })
  await expect(probeVersion('banana')).rejects.toMatchObject({ message: expect.stringContaining('banana') })
})

test('what a router refuses for a reason of its own is told in its words', async () => {
  await expect(probe({})).rejects.toMatchObject({
    code: 'router-refused',
    why: 'the router says: "no such command"',
  })
})

test('device-mode forbids the scheduler on home boards and when a configuration is flagged', async () => {
  const allows = async (mode?: Row): Promise<boolean> => (await probeVersion('7.18.2', mode)).allowsScheduler
  expect(await allows()).toBe(true)
  expect(await allows({ mode: 'advanced' })).toBe(true)
  expect(await allows({ mode: 'home' })).toBe(false)
  expect(await allows({ mode: 'home', scheduler: 'yes' })).toBe(true)
  expect(await allows({ mode: 'advanced', scheduler: 'no' })).toBe(false)
  expect(await allows({ mode: 'advanced', flagged: 'yes' })).toBe(false)
})
