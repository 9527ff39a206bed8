import { expect, test, vi } from 'vitest'
import { type Answering, makeNameCheck, type NamedAddresses } from '../../../agent/tunnel/name-check.ts'
import { makeLog } from '../../../system/process/log.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { sampleTunnel } from '../sample-config.ts'

const log = makeLog('agent')
log.level = 'silent'
const HUB: Endpoint = { address: '203.0.113.10', port: 51_820 }
const NAS = '192.168.1.50'

/** A hub whose names lead there, and who answers at those addresses; nobody unless said otherwise. */
function check(named: NamedAddresses | null, answers: Readonly<Record<string, Answering>> = {}) {
  const world = {
    now: 0,
    named,
    answers,
    livingAt: HUB as Endpoint | null,
    asked: [] as string[],
    looks: 0,
    onLook: () => {},
  }
  const names = makeNameCheck(
    {
      hub: () => sampleTunnel.hub,
      livingAt: () => world.livingAt,
      resolve: async () => {
        world.looks += 1
        world.onLook()
        return world.named
      },
      ask: async (_hub, address) => {
        world.asked.push(address)
        return world.answers[address] ?? 'nobody'
      },
      pauseMs: 0,
      clock: { now: () => world.now, wall: () => new Date(0) },
      log,
    },
    new AbortController().signal,
  )
  const note = (...answered: readonly Endpoint[]): void => names.note({ answered, named: null })
  return { names, world, note }
}
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

test('a name that leads to somebody else is told, with what to do', async () => {
  const { names, note } = check([['hub.example', [NAS]]], { [NAS]: 'somebody-else' })
  note(HUB)
  await vi.waitFor(() =>
    expect(names.warnings()).toEqual([
      'hub.example leads to 192.168.1.50 here, and somebody else answers there: the tunnel stays at 203.0.113.10:51820, where the hub answers. Let this network’s DNS say 203.0.113.10 for hub.example, or write 203.0.113.10 instead of it under addresses in agent.yaml',
    ]),
  )
  expect([NAS, HUB.address].map(names.isStranger)).toEqual([true, false])
})

test('a name that leads to nobody is told, and blames nobody', async () => {
  const { names, note } = check([['hub.example', [NAS]]])
  note(HUB)
  await vi.waitFor(() => expect(names.warnings().join()).toContain(`leads to ${NAS} here, where no hub answers`))
  expect(names.isStranger(NAS)).toBe(false)
})

test('an address beside the hub’s own that does not answer is no news: this line may lack its family', async () => {
  const { names, note, world } = check([['hub.example', [HUB.address, '2001:db8::10']]])
  note(HUB)
  await settled()
  expect(world.asked).toEqual(['2001:db8::10'])
  expect(names.warnings()).toEqual([])
  // Nor is one beside another address at which the hub’s registrar answers.
  const other = check([['hub.example', ['198.51.100.7', '2001:db8::10']]], { '198.51.100.7': 'hub' })
  other.note(HUB)
  await settled()
  expect(other.names.warnings()).toEqual([])
})

test('nothing is told while the tunnel does not carry: the hub may have moved', async () => {
  const { names, note, world } = check([['hub.example', [NAS]]], { [NAS]: 'somebody-else' })
  world.livingAt = null
  note()
  await settled()
  expect(names.warnings()).toEqual([])
  expect(names.isStranger(NAS)).toBe(true)
})

test('an address that an echo came from is the hub’s, and is not asked', async () => {
  const { names, note, world } = check([['hub.example', [NAS]]], { [NAS]: 'somebody-else' })
  note(HUB, { address: NAS, port: 443 })
  await settled()
  expect([world.asked, names.warnings(), names.isStranger(NAS)]).toEqual([[], [], false])
  // The next round says so too, before names are looked at again.
  const later = check([['hub.example', [NAS]]], { [NAS]: 'somebody-else' })
  later.note(HUB)
  await settled()
  later.note({ address: NAS, port: 443 })
  expect(later.names.isStranger(NAS)).toBe(false)
})

test('an address of agent.yaml itself is no name, and is not asked; names that do not resolve say nothing', async () => {
  for (const named of [[['198.51.100.7', ['198.51.100.7']]], null] as const) {
    const { names, note, world } = check(named)
    note(HUB)
    await settled()
    expect([world.asked, names.warnings()]).toEqual([[], []])
  }
})

test('a name that did not resolve in time is asked again soon', async () => {
  const { names, note, world } = check(null, { [NAS]: 'somebody-else' })
  world.onLook = () => {
    if (world.looks === 3) world.named = [['hub.example', [NAS]]]
  }
  note(HUB)
  await vi.waitFor(() => expect(names.warnings()).toHaveLength(1))
  expect(world.looks).toBe(3)
})

test('what a round says of the names at once is told no more', async () => {
  const { names, note } = check([['hub.example', [NAS]]], { [NAS]: 'somebody-else' })
  note(HUB)
  await vi.waitFor(() => expect(names.warnings()).toHaveLength(1))
  names.note({ answered: [HUB], named: [NAS] })
  expect(names.warnings()).toHaveLength(1)
  names.note({ answered: [], named: [HUB.address] })
  expect(names.warnings()).toEqual([])
})

test('names are looked at once a minute, and what is put right is told no more', async () => {
  const { names, note, world } = check([['hub.example', [NAS]]], { [NAS]: 'somebody-else' })
  note(HUB)
  world.now = 59_999
  note(HUB)
  await settled()
  expect([world.looks, names.warnings().length]).toEqual([1, 1])
  world.named = [['hub.example', [HUB.address]]]
  world.now = 60_000
  note(HUB)
  await settled()
  expect([world.looks, names.warnings(), names.isStranger(NAS)]).toEqual([2, [], false])
})
