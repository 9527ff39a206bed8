import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Identity, noteMachine } from '../../../../hub/presence/kept/identities.ts'
import { openIdentities, sharedWarnings } from '../../../../hub/presence/kept/kept-identities.ts'
import type { Home } from '../../../../hub/core/store-document.ts'
import type { SaidMachine } from '../../../../protocol/machine.ts'
import * as fc from '../../../properties.ts'
import { captureLog } from '../../captured-log.ts'
import { joined } from '../../core/some.ts'
import { EMPTY_DOCUMENT } from '../../../../hub/core/store-document.ts'
import { turnedClock } from '../../turned-clock.ts'

const id = (text: string): string => text.padEnd(22, '-')
const machine = (which: string, boot: string): SaidMachine => ({ id: id(which), boot: id(boot), name: which })
const MINUTE = 60_000
const BEGAN = Date.parse('2026-11-30T12:00:00Z')

/** Registers each `MACHINE BOOT` a minute after the other. */
function after(all: readonly string[], everyMs = MINUTE, of = 'join'): Identity | null {
  return all.reduce<Identity | null>((identity, text, nth) => {
    const [which = '', boot = ''] = text.split(' ')
    return noteMachine(
      identity,
      of,
      machine(which, boot),
      `198.51.100.${which.length}`,
      new Date(BEGAN + nth * everyMs),
    )
  }, null)
}
const twiceSince = (...all: readonly string[]) => after(all)?.twiceSince ?? null

describe('two machines are one home', () => {
  test('when one is heard again by a boot that another machine had followed', () => {
    expect(twiceSince('pi X', 'copy Y')).toBeNull()
    expect(twiceSince('pi X', 'copy Y', 'copy Y')).toBeNull()
    expect(twiceSince('pi X', 'copy Y', 'pi X')).toBe('2026-11-30T12:02:00.000Z')
  })

  test('since the first time that it was certain', () => {
    expect(twiceSince('pi X', 'copy Y', 'pi X', 'copy Y', 'pi X')).toBe('2026-11-30T12:02:00.000Z')
  })

  test('though their hardware looks the same, when both came back within an hour', () => {
    expect(twiceSince('vm X', 'vm Y', 'vm X')).toBeNull()
    expect(twiceSince('vm X', 'vm Y', 'vm X', 'vm Z', 'vm X')).toBeNull()
    expect(twiceSince('vm X', 'vm Y', 'vm X', 'vm Z', 'vm W', 'vm Z')).toBeNull()
    expect(twiceSince('vm X', 'vm Y', 'vm X', 'vm Y')).toBe('2026-11-30T12:03:00.000Z')
    expect(after(['vm X', 'vm Y', 'vm X', 'vm Y'], 60 * MINUTE - 1)?.twiceSince).not.toBeNull()
    expect(after(['vm X', 'vm Y', 'vm X', 'vm Y'], 60 * MINUTE)?.twiceSince).toBeNull()
  })

  test('and each is remembered with where it was last heard, the newest four', () => {
    const found = after(['pi X', 'copy Y', 'pi X'])
    expect(found?.instances).toEqual([
      {
        ...machine('copy', 'Y'),
        from: '198.51.100.4',
        since: '2026-11-30T12:01:00.000Z',
        last: '2026-11-30T12:01:00.000Z',
      },
      {
        ...machine('pi', 'X'),
        from: '198.51.100.2',
        since: '2026-11-30T12:00:00.000Z',
        last: '2026-11-30T12:02:00.000Z',
      },
    ])
    expect(after(['pi A', 'pi B', 'pi C', 'pi D', 'pi E'])?.instances.map(({ boot }) => boot[0])).toEqual([
      'B',
      'C',
      'D',
      'E',
    ])
  })

  test('until one of them joins again', () => {
    const found = after(['pi X', 'copy Y', 'pi X'])
    const again = noteMachine(found, 'another join', machine('copy', 'Y'), '198.51.100.4', new Date(BEGAN))
    expect(again).toMatchObject({ twiceSince: null, returned: [], instances: [{ name: 'copy' }] })
  })
})

test('one machine is never named, however often it is booted, installed again, set back or moved to other hardware', () => {
  const life = fc.array(
    fc.record({
      what: fc.constantFrom('registers', 'boots', 'is installed again', 'gets other hardware', 'is set back'),
      afterMs: fc.nat(40 * MINUTE),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(life, (all) => {
      let identity: Identity | null = null
      let [now, boots, kinds] = [BEGAN, 0, 0]
      let current = machine('kind 0', 'boot 0')
      /** A snapshot of its memory, which is used once: it holds the boot id of then. */
      let snapshot: SaidMachine | null = null
      for (const { what, afterMs } of all) {
        now += afterMs
        if (what === 'is set back') {
          current = snapshot ?? current
          snapshot = null
        } else if (what !== 'registers') {
          // A snapshot is of this hardware and this installation.
          snapshot = what === 'boots' && snapshot === null ? current : what === 'boots' ? snapshot : null
          if (what !== 'boots') kinds += 1
          boots += 1
          current = machine(`kind ${kinds}`, `boot ${boots}`)
        }
        identity = noteMachine(identity, 'join', current, '198.51.100.7', new Date(now))
      }
      expect(identity?.twiceSince ?? null).toBeNull()
    }),
  )
})

test('two machines that both register now and then are named by the fourth time they take turns', () => {
  const turns = fc.array(fc.boolean(), { minLength: 8, maxLength: 60 })
  fc.assert(
    fc.property(turns, fc.boolean(), (all, hasSameHardware) => {
      const said = all.map((isCopy) => (isCopy ? `${hasSameHardware ? 'pi' : 'copy'} Y` : 'pi X'))
      const changes = said.filter((one, at) => at > 0 && one !== said[at - 1]).length
      expect(after(said)?.twiceSince != null).toBe(changes >= (hasSameHardware ? 3 : 2))
    }),
  )
})

describe('what the hub remembers of machines', () => {
  let folder: string
  const clock = turnedClock()
  const { home, document } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
  const open = () => openIdentities(join(folder, 'identities.json'), clock, captureLog().log)
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('is news once a day, is kept over a restart, and holds nothing of the secret', async () => {
    const first = await open()
    const pi = () => first.registered(home, machine('pi', 'X'), '::ffff:198.51.100.7')
    const copy = () => first.registered(home, machine('copy', 'Y'), '203.0.113.9')
    expect([pi(), pi(), copy(), copy()]).toEqual([false, false, false, false])
    expect(first.twice(home)).toBeNull()
    expect([pi(), copy(), pi()]).toEqual([true, false, false])
    clock.turn(24 * 60 * MINUTE - 1)
    expect(copy()).toBe(false)
    clock.turn(1)
    expect([copy(), pi(), copy()]).toEqual([false, true, false])
    await first.settled()
    expect((await stat(join(folder, 'identities.json'))).mode & 0o777).toBe(0o600)

    const later = await open()
    expect(later.twice(home)?.machines.map(({ name, from }) => [name, from])).toEqual([
      ['pi', '198.51.100.7'],
      ['copy', '203.0.113.9'],
    ])
    // After a restart it is told again the next day, not at once.
    expect(later.registered(home, machine('pi', 'X'), '198.51.100.7')).toBe(false)
    expect(sharedWarnings(later, document.homes)).toEqual([
      expect.stringMatching(
        /^two machines have the identity of cabin since 2026-11-23T\S+Z: "copy" at 203\.0\.113\.9, first heard \S+ and "pi" at 198\.51\.100\.7, first heard \S+\. .* sudo homeward hub revoke-other cabin$/,
      ),
    ])
  })

  test('ends with another join, and with the home', async () => {
    const known = await open()
    for (const boot of ['X', 'Y', 'X']) known.registered(home, machine(boot, boot), '198.51.100.7')
    expect(known.machinesOf(home)).toHaveLength(2)
    const again: Home = joined(document, 'cabin', ['192.168.1.0/24']).home
    expect([known.twice(again), known.machinesOf(again), sharedWarnings(known, [again])]).toEqual([null, [], []])
    known.keep(['cabin'])
    expect(known.twice(home)).not.toBeNull()
    known.keep([])
    expect(known.twice(home)).toBeNull()
    await known.settled()
    expect((await open()).twice(home)).toBeNull()
  })

  test('is nothing where its file is damaged', async () => {
    await writeFile(join(folder, 'identities.json'), '{"cabin":{')
    expect((await open()).twice(home)).toBeNull()
  })
})
