import { expect, test } from 'vitest'
import { applyDesired } from '../../../../adapters/apply.ts'
import { cutOffRouter, HOME, signal } from '../cut-off-router.ts'

/** Settings of an owner's against which the tunnel stands and does not work. */

const ADVANCED = `
/ip/firewall/raw/add chain=prerouting action=drop src-address-list=bad_ipv4
/ip/firewall/raw/add chain=prerouting action=accept in-interface-list=LAN
/ip/firewall/raw/add chain=prerouting action=accept in-interface=ether1
/ip/firewall/raw/add chain=prerouting action=drop comment="defconf: drop the rest"`

test('a raw table that drops the tunnel: no join, and its rule is named', async () => {
  const of = await cutOffRouter({ version: '7.18.2' })
  await of.router.console(ADVANCED)
  const before = of.router.export()
  const adapter = of.open()
  const { refusals } = adapter.plan(await adapter.observe(signal()), [HOME])
  expect(refusals).toMatchObject([{ code: 'router-raw-drops', why: expect.stringContaining('defconf: drop the rest') }])
  await expect(applyDesired(adapter, [HOME], signal())).rejects.toMatchObject({ code: 'router-raw-drops' })
  expect(of.router.export()).toBe(before)
})

test('a raw rule by a list of addresses in which the tunnel’s whole network is: named, and no other entry is asked for', async () => {
  const of = await cutOffRouter({ version: '7.18.2' })
  await of.router.console(`
/ip/firewall/address-list/add list=bogons address=203.0.113.7
/ip/firewall/address-list/add list=bogons address=127.0.0.0/8
/ip/firewall/raw/add chain=prerouting action=drop src-address-list=bogons comment="no bogons"`)
  const adapter = of.open()
  const planned = async () => adapter.plan(await adapter.observe(signal()), [HOME])
  expect((await planned()).refusals).toEqual([])
  await of.router.console('/ip/firewall/address-list/add list=bogons address=10.0.0.0/8')
  expect((await planned()).refusals).toMatchObject([
    { code: 'router-raw-drops', why: expect.stringContaining('no bogons') },
  ])
  const asked = of.router.transcript().filter(([command]) => command === '/ip/firewall/address-list/print')
  for (const sentence of asked) expect(sentence).toContain('?address=10.0.0.0/8')
})

test('a tunnel that stood before its owner’s raw table is kept, and the rule is named', async () => {
  const of = await cutOffRouter({ version: '7.18.2' })
  await of.bring(HOME)
  await of.router.console(ADVANCED)
  const adapter = of.open()
  const plan = adapter.plan(await adapter.observe(signal()), [HOME])
  expect(plan).toMatchObject({ steps: [], refusals: [] })
  expect(plan.warnings.join()).toContain('drops all that comes out of hw0')
  await of.router.console(/What would let it in: (.*)$/.exec(plan.warnings.join())?.[1] ?? '')
  expect(adapter.plan(await adapter.observe(signal()), [HOME]).warnings).toEqual([])
})

test('strict reverse path filtering is said where visitors keep their addresses', async () => {
  const of = await cutOffRouter({ version: '7.18.2' })
  of.router.switches.rpFilter = 'strict'
  const adapter = of.open()
  const observed = await adapter.observe(signal())
  expect(adapter.plan(observed, [HOME]).warnings.join()).toContain('rp-filter=loose')
  const { forwarding } = HOME
  if (forwarding.role !== 'home') throw new TypeError('a home')
  const hidden = { ...HOME, forwarding: { ...forwarding, visitors: false } }
  expect(adapter.plan(observed, [hidden]).warnings).toEqual([])
})

test('routes of a routing protocol are not asked for at each look', async () => {
  const of = await cutOffRouter({ version: '7.18.2' })
  await of.open().observe(signal())
  const asked = of.router.transcript().filter(([command]) => command === '/ip/route/print')
  expect(asked.length).toBeGreaterThan(0)
  for (const sentence of asked) expect(sentence).toEqual(expect.arrayContaining(['?dynamic=true', '?#!']))
})
