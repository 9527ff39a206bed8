import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { applyDesired } from '../../../adapters/apply.ts'
import { startOpenwrtMachine } from '../../contract/openwrt/openwrt-machine.ts'
import { homeSpec } from '../../contract/specs.ts'

test('the lines of docs/openwrt.md take all of it off a router by hand', async () => {
  const text = await readFile(new URL('../../../docs/openwrt.md', import.meta.url), 'utf8')
  const lines = /By hand:\n\n```\n([^`]+)```/.exec(text)?.[1] ?? ''
  expect(lines).toContain('uci delete network.hw0')
  const machine = await startOpenwrtMachine('24.10')
  try {
    const before = await machine.export()
    const adapter = await machine.open()
    await applyDesired(adapter, [homeSpec(machine.keys)], AbortSignal.timeout(60_000))
    await adapter.close()
    expect(await machine.leftovers()).not.toEqual([])
    await machine.router.console(lines)
    expect(await machine.export()).toBe(before)
    expect(await machine.leftovers()).toEqual([])
  } finally {
    await machine.close()
  }
})
