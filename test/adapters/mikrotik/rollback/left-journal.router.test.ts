import { access, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { applyDesired } from '../../../../adapters/apply.ts'
import { Problem } from '../../../../problems/problem.ts'
import { isLong } from '../../../long.ts'
import { BY_HAND, type CutOffRouter, cutOffRouter, HOME, HUB, OTHER_HOME, signal } from '../cut-off-router.ts'

vi.setConfig({ testTimeout: 240_000 })

/** A change of a router was cut off, and before anybody comes back to it, its owner has changed it too. */
const WAYS = [
  { way: 'safe mode', version: '7.18.2' },
  { way: 'a script', version: '7.12.2' },
] as const

const WG = '/interface/wireguard'
const DELETED = `${WG}/remove [find where name=hw0]`

/** What may have stood before the change. */
const BEFORE = {
  nothing: async () => undefined,
  'a tunnel': (of: CutOffRouter) => of.bring(HOME),
  'a tunnel without its interface': async (of: CutOffRouter) => {
    await of.bring(HOME)
    await of.router.console(DELETED)
  },
} as const

/** The agent is there again: it looks, applies and leaves, and nothing of others' was touched. @returns what it said. */
async function goesOn(of: CutOffRouter, touched = of.others()): Promise<readonly string[]> {
  const adapter = of.open()
  const { warnings } = await adapter.observe(signal())
  await expect(access(of.journal)).rejects.toThrow('ENOENT')
  expect(of.router.jobs()).toBe(0)
  expect(of.others()).toBe(touched)
  // Once is enough: another one finds nothing to take back.
  const after = of.router.export()
  const another = of.open()
  expect((await another.observe(signal())).warnings).toEqual([])
  expect(of.router.export()).toBe(after)
  await another.close()

  await applyDesired(adapter, [OTHER_HOME], signal())
  const observed = await adapter.observe(signal())
  expect(adapter.plan(observed, [OTHER_HOME])).toEqual({ steps: [], refusals: [], warnings: [] })
  await applyDesired(adapter, [], signal())
  expect(of.ours()).toEqual([])
  expect(of.others()).toBe(touched)
  await adapter.close()
  return warnings
}

describe.each(WAYS)('the interface is gone after a change that was cut off, on a router with $way', ({ version }) => {
  test.each(Object.keys(BEFORE) as (keyof typeof BEFORE)[])('at each of its steps, from %s', async (before) => {
    const of = await cutOffRouter({ version })
    for (let count = 1, all = Infinity; count < all; count += 1) {
      await BEFORE[before](of)
      all = await of.cutOff(OTHER_HOME, count)
      await of.router.console(DELETED)
      const said = (await goesOn(of)).join('\n')
      if (before === 'a tunnel')
        expect(said).toMatch(
          /except the interface hw0 \(it was deleted.*\d+ filter rules.*the peer H2pK.*\(the interface hw0 is gone\)/,
        )
    }
  })
})

describe.each(WAYS)('what else an owner may have done meanwhile, on a router with $way', ({ version }) => {
  const MEANWHILE = {
    nothing: '',
    'all of ours was removed by hand': BY_HAND,
    'the interface has another name': `${WG}/set [find where name=hw0] name=tunnel`,
    'the peer was removed': `${WG}/peers/remove [find where interface=hw0]`,
    'the peer and the address were removed, and the rules':
      `${WG}/peers/remove [find where interface=hw0]\n/ip/address/remove [find where interface=hw0]\n` +
      '/ip/firewall/filter/remove [find where comment~"^homeward hw0"]',
    'the rule that ours stand before was removed': '/ip/firewall/filter/remove [find where comment=invalid]',
    'the rule that ours stand before was changed': '/ip/firewall/filter/set [find where comment=invalid] disabled=yes',
    'a list is gone': '/interface/list/remove [find where name=LAN]',
  } as const

  test.each(Object.keys(MEANWHILE) as (keyof typeof MEANWHILE)[])('%s', async (meanwhile) => {
    const of = await cutOffRouter({ version })
    await of.bring(HOME)
    await of.cutOff(OTHER_HOME)
    await of.router.console(MEANWHILE[meanwhile])
    await goesOn(of)
  })

  test('a rule of ours that its owner bound to a list, and the list is gone: said, and the drop goes on', async () => {
    const of = await cutOffRouter({ version })
    await of.bring(HOME)
    await of.router.console(
      '/ip/firewall/filter/set [find where comment="homeward hw0 forward-drop"] in-interface-list=LAN',
    )
    await of.cutOff(OTHER_HOME)
    await of.router.console('/interface/list/remove [find where name=LAN]')
    const touched = of.others()
    const adapter = of.open()
    expect((await adapter.observe(signal())).warnings.join()).toMatch(/the filter rule forward-drop \(/)
    expect(of.ours().filter((line) => line.includes('forward-drop'))).not.toEqual([])
    await adapter.close()
    await goesOn(of, touched)
  })

  test('the peer’s key is a peer of another interface: said, and left there', async () => {
    const of = await cutOffRouter({ version })
    await of.bring(HOME)
    await of.cutOff(OTHER_HOME)
    const peers = `${WG}/peers`
    await of.router.console(
      `${peers}/remove [find where interface=hw0]\n${peers}/add interface=wg-office public-key="${HUB}"`,
    )
    const touched = of.others()
    const { warnings } = await of.open().observe(signal())
    expect(warnings.join()).toContain('the peer H2pKuKFYwb+EFfLkcyZRtBp2MWeJzFSm0Jf2LQSdI1o= (the router says')
    expect(of.others()).toBe(touched)
    await of.router.console(`${peers}/remove [find where interface=wg-office and public-key="${HUB}"]`)
    await goesOn(of)
  })

  test.each([
    ['deleted', DELETED],
    ['renamed', `${WG}/set [find where name=hw0] name=tunnel`],
  ])(
    'the interface was %s, and somebody has made one of its name: nothing of ours comes onto that',
    async (_, gone) => {
      const of = await cutOffRouter({ version })
      await of.bring(HOME)
      await of.cutOff(OTHER_HOME)
      await of.router.console(
        `${gone}\n${WG}/add name=hw0 comment=mine\n/ip/address/add address=10.50.0.1/24 interface=hw0`,
      )
      const touched = of.others()
      const adapter = of.open()
      const observed = await adapter.observe(signal())
      expect(observed.warnings.join()).toContain('the interface hw0 (')
      expect(of.others()).toBe(touched)
      expect(of.ours().filter((line) => /interface=!?hw0\b|gateway=hw0\b/.test(line))).toEqual([])
      expect(adapter.plan(observed, [HOME]).refusals).toMatchObject([{ code: 'interface-taken' }])
      await applyDesired(adapter, [], signal())
      expect([of.ours(), of.others()]).toEqual([[], touched])
    },
  )

  test('it restarted, and its rows have other ids: rules stand where they stood', async () => {
    const of = await cutOffRouter({ version })
    await of.bring(HOME)
    const standing = of.router.export()
    await of.cutOff(OTHER_HOME)
    of.router.switches.renumbersAtReboot = true
    await of.router.reboot()
    await of.open().observe(signal())
    expect(of.router.export()).toBe(standing)
    await goesOn(of)
  })
})

test('what an older homeward wrote has no neighbours of rules: ours come first in their chains', async () => {
  const of = await cutOffRouter({ version: '7.12.2' })
  await of.bring(HOME)
  const standing = of.router.export()
  await of.cutOff(OTHER_HOME)
  const written = await readFile(of.journal, 'utf8')
  await writeFile(of.journal, written.replaceAll(/,"next":\{[^}]*\}/g, ''))
  of.router.switches.renumbersAtReboot = true
  await of.router.reboot()
  await of.open().observe(signal())
  expect(of.router.export()).toBe(standing)
})

test('the taking back is cut off in turn, after each of its commands: the next one ends it', async () => {
  const of = await cutOffRouter({ version: '7.12.2' })
  // In a usual run after each fifth: neighbours are rows of one menu.
  for (let after = 1, isOver = false; !isOver; after += isLong ? 1 : 5) {
    await of.bring(HOME)
    await of.cutOff(OTHER_HOME)
    await of.router.console(DELETED)
    const touched = of.others()
    of.router.misbehave({ kind: 'end', after, how: 'rst', part: 0.5 })
    const cut = of.open()
    isOver = await cut.observe(signal()).then(
      () => true,
      () => false,
    )
    await cut.close()
    of.router.misbehave(null)
    await goesOn(of, touched)
  }
})

test('several looks at once take it back once', async () => {
  const of = await cutOffRouter({ version: '7.12.2' })
  await of.bring(HOME)
  const standing = of.router.export()
  await of.cutOff(OTHER_HOME)
  const adapter = of.open()
  await Promise.all([1, 2, 3, 4].map(() => adapter.observe(signal())))
  expect(of.router.export()).toBe(standing)
})

test('a user who may no longer write: the look goes on, the journal ends, and it is said', async () => {
  const of = await cutOffRouter({ version: '7.12.2' })
  await of.bring(HOME)
  await of.cutOff(OTHER_HOME)
  await of.router.console('/user/group/set [find where name=homeward] policy=!write')
  const before = of.router.export()
  const { warnings } = await of.open().observe(signal())
  expect(warnings.join('\n')).toMatch(/the peer .*not enough permissions \(9\)[^]*the router may yet undo/)
  expect(of.router.export()).toBe(before)
  await expect(access(of.journal)).rejects.toThrow('ENOENT')
})

test('a router that does not even show what is on it: the journal stays, and says that it waits', async () => {
  const of = await cutOffRouter({ version: '7.12.2' })
  await of.cutOff(HOME)
  of.router.switches.refuses = /route.print$/
  const adapter = of.open()
  await expect(adapter.observe(signal())).rejects.toMatchObject({ code: 'router-change-cut-off' })
  await access(of.journal)
  of.router.switches.refuses = null
  await goesOn(of)
})

test('a change that fails while the interface is deleted: the failure says what is not as it was', async () => {
  const of = await cutOffRouter({ version: '7.12.2' })
  await of.bring(HOME)
  const prove = async (): Promise<void> => {
    await of.router.console(DELETED)
    throw new Problem('tunnel-unproven', { what: 'changing the tunnel', why: 'no heartbeat' })
  }
  const thrown = await applyDesired(of.open(), [OTHER_HOME], signal(), { prove }).catch((why: unknown) => why)
  expect(thrown).toMatchObject({ code: 'tunnel-unproven' })
  expect(String(thrown)).toMatch(/On the router all is as before, except the interface hw0 \(it was deleted/)
  await goesOn(of)
})

test('a change that is taken back while the interface is deleted: what is lost is told by itself too', async () => {
  const of = await cutOffRouter({ version: '7.12.2' })
  await of.bring(HOME)
  const adapter = of.open()
  let undoing: unknown
  const prove = async (): Promise<void> => {
    await of.router.console(DELETED)
    undoing = await adapter.execute({ kind: 'revert-changes' }, signal()).catch((why: unknown) => why)
    throw new Problem('tunnel-unproven', { what: 'changing the tunnel', why: 'no heartbeat' })
  }
  await expect(applyDesired(adapter, [OTHER_HOME], signal(), { prove })).rejects.toMatchObject({
    code: 'tunnel-unproven',
  })
  expect(undoing).toMatchObject({
    code: 'router-not-restored',
    why: expect.stringMatching(/^all is as before, except the interface hw0 \(it was deleted/),
  })
  await adapter.close()
})
