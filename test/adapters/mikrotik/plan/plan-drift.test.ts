import { describe, expect, test } from 'vitest'
import { tunnelIn } from '../../../../adapters/tunnel-in.ts'
import { bring, done, HOME, KEYS, observe } from './given-plan.ts'
import { change, ownersRouter, rowOf } from './owners-router.ts'
import type { PaperTables } from '../paper-tables.ts'

describe('what somebody changes is seen and mended', () => {
  const drifts: Readonly<Record<string, (router: PaperTables) => Promise<void>>> = {
    'a rule moved behind somebody’s': async (router) => {
      const rule = rowOf(router, '/ip/firewall/filter', 'homeward hw0 forward-out 192.168.1.0/24')
      const { '.id': id, ...rest } = rule
      await router.exec({ command: '/ip/firewall/filter/remove', attributes: { '.id': id! } }, router.signal)
      router.put('/ip/firewall/filter', rest)
    },
    'a rule switched off': (router) =>
      change(router, '/ip/firewall/filter', 'homeward hw0 input-drop', { disabled: 'yes' }),
    'a rule narrowed down': (router) =>
      change(router, '/ip/firewall/filter', 'homeward hw0 forward-drop', { 'src-address-list': 'bad' }),
    'a rule twice': async (router) => {
      const { '.id': id, ...rest } = rowOf(router, '/ip/firewall/nat', 'homeward hw0 out')
      router.put('/ip/firewall/nat', { ...rest, 'place-before': id! })
    },
    'the address switched off': (router) => change(router, '/ip/address', 'homeward hw0', { disabled: 'yes' }),
    'the network’s route switched off': (router) =>
      change(router, '/ip/route', 'homeward hw0 network 10.86.0.0/16', { disabled: 'yes' }),
    'the peer switched off': (router) =>
      change(router, '/interface/wireguard/peers', 'homeward hw0', { disabled: 'yes' }),
    'the endpoint': (router) =>
      change(router, '/interface/wireguard/peers', 'homeward hw0', { 'endpoint-address': 'hub.example' }),
    'the endpoint followed the hub elsewhere': (router) =>
      change(router, '/interface/wireguard/peers', 'homeward hw0', {
        'current-endpoint-address': '203.0.113.99',
        'current-endpoint-port': '51820',
      }),
    'a second peer': async (router) =>
      void router.put('/interface/wireguard/peers', { interface: 'hw0', 'public-key': KEYS[2]! }),
    'the interface switched off': (router) =>
      change(router, '/interface/wireguard', 'homeward hw0', { disabled: 'yes' }),
    'the interface under another name': (router) =>
      change(router, '/interface/wireguard', 'homeward hw0', { name: 'tunnel' }),
    'the interface removed': async (router) => {
      const { '.id': id } = rowOf(router, '/interface/wireguard', 'homeward hw0')
      await router.exec({ command: '/interface/wireguard/remove', attributes: { '.id': id! } }, router.signal)
    },
  }

  test.each(Object.keys(drifts))('%s', async (name) => {
    const router = ownersRouter()
    await bring(router, HOME)
    await drifts[name]!(router)
    expect((await bring(router, HOME)).map((step) => step.kind)).not.toEqual([])
    if (name.startsWith('the endpoint followed')) return
    expect(await done(router, HOME)).toMatchObject({ steps: [], refusals: [] })
  })

  test('a peer that followed the hub elsewhere is told again, and keeps its session', async () => {
    const router = ownersRouter()
    await bring(router, HOME)
    await drifts['the endpoint followed the hub elsewhere']!(router)
    const said: unknown[] = []
    const { exec } = router
    const listening: PaperTables = {
      ...router,
      exec: (sentence, ...rest) => {
        if (!sentence.command.endsWith('/print')) said.push([sentence.command, sentence.attributes?.['endpoint-port']])
        return exec(sentence, ...rest)
      },
    }
    await bring(listening, HOME)
    expect(said).toEqual([
      ['/interface/wireguard/peers/set', '9'],
      ['/interface/wireguard/peers/set', '51820'],
    ])
  })

  test('an interface under another name keeps its key, and an undo finds it', async () => {
    const router = ownersRouter()
    const before = router.text()
    await bring(router, HOME)
    const key = tunnelIn(await observe(router), 'hw0')?.publicKey
    await change(router, '/interface/wireguard', 'homeward hw0', { name: 'tunnel' })
    await bring(router, HOME)
    expect(tunnelIn(await observe(router), 'hw0')).toMatchObject({ name: 'hw0', publicKey: key })
    await change(router, '/interface/wireguard', 'homeward hw0', { name: 'tunnel' })
    await bring(router)
    expect(router.text()).toBe(before)
  })

  test('an interface under another name is found by an undo when nothing else of it is left', async () => {
    const router = ownersRouter()
    const before = router.text()
    router.put('/interface/wireguard', { name: 'tunnel', 'listen-port': '51821', comment: 'homeward hw0' })
    await bring(router)
    expect(router.text()).toBe(before)
  })

  test('and no more is changed than has to be', async () => {
    const router = ownersRouter()
    await bring(router, HOME)
    await change(router, '/ip/firewall/filter', 'homeward hw0 forward-drop', { disabled: 'yes' })
    const count = router.changes().length
    await bring(router, HOME)
    expect(router.changes().slice(count)).toEqual(['/ip/firewall/filter/add', '/ip/firewall/filter/remove'])
  })
})
