import { expect, test } from 'vitest'
import { movedTargets } from '../../../agent/lan/moved-targets.ts'
import type { NamedTarget } from '../../../protocol/publications.ts'

const target = (more: Partial<NamedTarget> = {}): NamedTarget => ({
  protocol: 'tcp',
  port: 8080,
  lastPort: 8080,
  host: 'nas.lan',
  address: '192.168.1.20',
  targetPort: 80,
  source: null,
  ...more,
})

async function moved(of: NamedTarget, addresses: readonly string[] | null, accepts = false, seenAs = {}) {
  const asked: string[] = []
  const found = await movedTargets(
    [of],
    { mode: 'masquerade', prefixes: ['192.168.1.0/24'], seenAs },
    {
      resolve: async () => addresses,
      accepts: async (address, port) => {
        asked.push(`${address}:${port}`)
        return accepts
      },
    },
  )
  return { to: found[0]?.address ?? null, asked }
}

test('a service follows its name when it is not where it was', async () => {
  expect(await moved(target(), ['192.168.1.21'])).toEqual({ to: '192.168.1.21', asked: ['192.168.1.20:80'] })
})

test('it stays where it answers, whatever the name says', async () => {
  expect((await moved(target(), ['192.168.1.21'], true)).to).toBeNull()
})

test('it stays while the name leads there too, or nowhere', async () => {
  expect(await moved(target(), ['192.168.1.21', '192.168.1.20'])).toEqual({ to: null, asked: [] })
  expect(await moved(target(), null)).toEqual({ to: null, asked: [] })
  expect(await moved(target(), [])).toEqual({ to: null, asked: [] })
})

test('over UDP the name decides, since nobody can be asked', async () => {
  expect(await moved(target({ protocol: 'udp' }), ['192.168.1.21'], true)).toEqual({ to: '192.168.1.21', asked: [] })
})

test('a LAN that the hub knows by other numbers is asked by its own', async () => {
  const seenAs = { '192.168.1.0/24': '10.168.1.0/24' }
  expect(await moved(target({ address: '10.168.1.20' }), ['192.168.1.21'], false, seenAs)).toEqual({
    to: '10.168.1.21',
    asked: ['192.168.1.20:80'],
  })
})
