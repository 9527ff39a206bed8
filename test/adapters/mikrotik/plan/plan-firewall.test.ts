import { describe, expect, test } from 'vitest'
import { NOT_INTERNET } from '../../../../net/internet.ts'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { isIn } from '../../../../net/prefix.ts'
import { homeForwarding } from '../../forwarding.ts'
import { bring, done, HOME } from './given-plan.ts'
import { ownersRouter } from './owners-router.ts'

test('our rules stand before the first static rule of their chain, and the first of them judge the tunnel', async () => {
  const router = ownersRouter()
  await bring(router, HOME)
  const filter = router.rows('/ip/firewall/filter').map((row) => row['comment'] ?? row['action'])
  expect(filter).toEqual([
    'passthrough',
    'homeward hw0 input-forged',
    'homeward hw0 input-icmp',
    'homeward hw0 input-known',
    'homeward hw0 input-drop',
    'drop',
    'homeward hw0 forward-forged',
    'homeward hw0 forward-known',
    'homeward hw0 forward-lan 192.168.1.0/24',
    'homeward hw0 forward-drop',
    'homeward hw0 forward-out 192.168.1.0/24',
    'fast',
    'drop',
  ])
})

test('what says that it is of the tunnel and came another way is dropped before any known flow passes', async () => {
  const router = ownersRouter()
  await bring(router, HOME)
  for (const chain of ['input', 'forward']) {
    const [first] = router
      .rows('/ip/firewall/filter')
      .filter((row) => row['chain'] === chain && row['comment']?.startsWith('homeward'))
    expect(first).toMatchObject({ action: 'drop', 'in-interface': '!hw0', 'src-address': '10.86.0.0/16' })
    expect(first).not.toHaveProperty('connection-state')
  }
})

test('what comes from anywhere but the LAN is let into the tunnel by nobody but the router’s owner', async () => {
  const router = ownersRouter()
  await bring(router, HOME)
  const accepted = router.rows('/ip/firewall/filter').filter((row) => row['out-interface'] === 'hw0')
  expect(accepted.map((row) => row['src-address'])).toEqual(['192.168.1.0/24'])
})

test('the peer comes after the rules that judge what it sends', async () => {
  const { steps } = await done(ownersRouter(), HOME)
  const kinds = steps.map((step) => step.kind)
  expect(kinds.indexOf('set-firewall')).toBeLessThan(kinds.indexOf('set-peers'))
})

test('a fasttrack rule is named until our rules stand before it', async () => {
  const router = ownersRouter()
  const before = (await done(router, HOME)).warnings
  expect(before).toHaveLength(1)
  expect(before[0]).toMatch(/FastTrack .*"fast"/)
  await bring(router, HOME)
  expect((await done(router, HOME)).warnings).toEqual([])
})

describe('devices that go to the internet', () => {
  const OUT: TunnelSpec = {
    ...HOME,
    forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'routed', exit: true }),
  }

  test('are let out by their own network to whole ranges of the internet, before the drop, and are translated there', async () => {
    const router = ownersRouter()
    await bring(router, OUT)
    const rows = (menu: 'filter' | 'nat') =>
      router.rows(`/ip/firewall/${menu}`).filter((row) => /exit [\d.-]+$/.test(row['comment'] ?? ''))
    const filter = router.rows('/ip/firewall/filter').map((row) => row['comment'])
    const drop = filter.indexOf('homeward hw0 forward-drop')
    expect(rows('filter')).toHaveLength(9)
    for (const row of rows('filter')) {
      expect(row).toMatchObject({ action: 'accept', 'in-interface': 'hw0', 'src-address': '10.86.0.0/16' })
      expect(filter.indexOf(row['comment'])).toBeLessThan(drop)
    }
    for (const row of [...rows('filter'), ...rows('nat')]) {
      expect(row['out-interface']).toBe('!hw0')
      const [first = '', last = ''] = (row['dst-address'] ?? '').split('-')
      for (const end of [first, last]) expect(isIn(end, NOT_INTERNET), end).toBe(false)
    }
    // LAN hosts see the devices themselves: of what is routed, only the internet's is translated.
    expect(rows('nat').map((row) => row['dst-address'])).toEqual(rows('filter').map((row) => row['dst-address']))
    expect(router.rows('/ip/firewall/nat').filter((row) => row['dst-address'] === '192.168.1.0/24')).toEqual([])
  })

  test('get their answers before a fasttrack rule sees them', async () => {
    const router = ownersRouter()
    await bring(router, OUT)
    const filter = router.rows('/ip/firewall/filter')
    const back = filter.findIndex((row) => row['comment'] === 'homeward hw0 forward-back')
    expect(filter[back]).toMatchObject({ 'out-interface': 'hw0', 'connection-state': 'established,related' })
    expect(back).toBeLessThan(filter.findIndex((row) => row['action'] === 'fasttrack-connection'))
    expect((await done(router, OUT)).warnings).toEqual([])
  })
})
