import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMappings } from '../../../../hub/presence/kept/mappings.ts'
import { captureLog } from '../../captured-log.ts'
import { turnedClock } from '../../turned-clock.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-mappings-'))
  path = join(folder, 'mappings.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const at = (port: number, address = '198.51.100.8') => ({ address, port })

test('a change says how the mapping before ended: by port, by address, or because the home was silent', async () => {
  const clock = turnedClock()
  const mappings = await openMappings(path, clock, captureLog().log)
  expect(mappings.of('cabin')).toBeNull()
  expect(mappings.note('cabin', at(1), 0)).toBeNull()
  clock.turn(30_000)
  expect(mappings.note('cabin', at(1), 30)).toBeNull()
  expect(mappings.note('cabin', at(2), 1)).toMatchObject({
    from: '198.51.100.8:1',
    to: '198.51.100.8:2',
    ended: 'port',
  })
  expect(mappings.note('cabin', at(2, '198.51.100.9'), 0)?.ended).toBe('address')
  clock.turn(61_000)
  expect(mappings.note('cabin', at(3), 0)).toMatchObject({ at: clock.wall().toISOString(), ended: 'silence' })
  expect(mappings.of('cabin')).toMatchObject({
    endpoint: '198.51.100.8:3',
    since: clock.wall().toISOString(),
    changes: 3,
    recent: [{ ended: 'port' }, { ended: 'address' }, { ended: 'silence' }],
  })
})

test('the last fifty are kept over a restart, written seldom, and a home that left is forgotten', async () => {
  const clock = turnedClock()
  const first = await openMappings(path, clock, captureLog().log)
  for (let port = 1; port <= 80; port += 1) first.note('cabin', at(port), 0)
  first.note('lodge', at(7), 0)
  clock.turn(299_000)
  await first.save()
  await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
  clock.turn(1_000)
  await first.save()
  const second = await openMappings(path, clock, captureLog().log)
  expect(second.of('cabin')).toEqual(first.of('cabin'))
  expect(second.of('cabin')).toMatchObject({ changes: 79, endpoint: '198.51.100.8:80' })
  expect(second.of('cabin')?.recent).toHaveLength(50)
  expect(second.note('cabin', at(80), 0)).toBeNull()
  second.keep(['cabin'])
  await second.save('now')
  expect((await openMappings(path, clock, captureLog().log)).of('lodge')).toBeNull()
})

test.each(['', '{"cabin":', '{"cabin":{"endpoint":"nowhere"}}', '[1]'])(
  'a damaged file is an empty one: %s',
  async (text) => {
    await writeFile(path, text)
    const mappings = await openMappings(path, turnedClock(), captureLog().log)
    expect(mappings.of('cabin')).toBeNull()
    expect(mappings.note('cabin', at(1), 0)).toBeNull()
  },
)
