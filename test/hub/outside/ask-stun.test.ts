import { afterEach, expect, test } from 'vitest'
import { askStun, RFC_8489 } from '../../../hub/outside/ask-stun.ts'
import type { Manner } from '../../fake/stun/stun-answers.ts'
import { startStunServer, type StunServerFake } from '../../fake/stun/stun-server.ts'

/** The RFC's pattern, quicker. */
const QUICK = { ...RFC_8489, rtoMs: 20 }

const servers: StunServerFake[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serve(manner: Manner, host = '127.0.0.1'): Promise<{ readonly host: string; readonly port: number }> {
  const server = await startStunServer(host, 0, manner)
  servers.push(server)
  return { host, port: server.port }
}

test.each<Manner>([
  { kind: 'honest' },
  { kind: 'late', nth: 4 },
  { kind: 'wrong-id-first' },
  { kind: 'cut-off-first' },
])('a server that is %j says what it sees', async (manner) => {
  const { localPort, answers } = await askStun([await serve(manner)], 4, QUICK)
  expect(answers).toMatchObject([{ mapped: { address: '127.0.0.1', port: localPort }, why: '' }])
})

test('one that is silent is asked as often as the RFC says, each time after twice the time, and is told', async () => {
  const server = await serve({ kind: 'silent' })
  const began = performance.now()
  const { answers } = await askStun([server], 4, QUICK)
  expect(answers).toEqual([{ server, mapped: null, why: 'no answer' }])
  const { requests } = servers[0]!
  expect(requests).toHaveLength(7)
  // A busy machine makes all of it later, and nothing earlier.
  for (const [index, at] of requests.entries()) expect(at - began).toBeGreaterThan(20 * (2 ** index - 1) - 10)
  // 63 + 16 times the first wait; no upper limit on a busy machine.
  expect(performance.now() - began).toBeGreaterThan(79 * 20 - 15)
})

test('one that refuses, and a name that is none, are told at once', async () => {
  const refusing = await serve({ kind: 'refusing' })
  const nobody = { host: 'nobody.invalid', port: 3478 }
  const { answers } = await askStun([refusing, nobody], 4)
  expect(answers.map(({ why }) => why)).toEqual(['it refused with error 500', 'its name has no IPv4 address here'])
})

test('whoever is not the server that was asked is not heard', async () => {
  const { answers } = await askStun([await serve({ kind: 'from-another-port' })], 4, { ...QUICK, rc: 2 })
  expect(servers[0]!.requests).toHaveLength(2)
  expect(answers[0]?.mapped).toBeNull()
})

test('all servers see one port of this machine', async () => {
  const { localPort, answers } = await askStun([await serve({ kind: 'honest' }), await serve({ kind: 'honest' })], 4)
  expect(answers.map(({ mapped }) => mapped?.port)).toEqual([localPort, localPort])
})

test('over IPv6 it is the same, and a server that has none is told', async () => {
  const { localPort, answers } = await askStun(
    [await serve({ kind: 'honest' }, '::1'), await serve({ kind: 'honest' })],
    6,
  )
  expect(answers.map(({ mapped, why }) => mapped ?? why)).toEqual([
    { address: '::1', port: localPort },
    'its name has no IPv6 address here',
  ])
})
