import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { firewallSections } from '../../../adapters/openwrt/include/firewall-sections.ts'
import { tunnelInclude } from '../../../adapters/openwrt/include/include.ts'
import { missingRules, parseRules } from '../../../adapters/openwrt/observe/loaded-firewall.ts'
import type { Section } from '../../../adapters/openwrt/uci/sections.ts'
import type { HomeForwarding } from '../../../adapters/spec.ts'
import { runCommand } from '../../../system/process/run-command.ts'
import { homeForwarding } from '../../adapters/forwarding.ts'

/**
 * OpenWrt's own fw4 renders what the adapter configures, where it is given: HOMEWARD_TEST_FW4 is a checkout of
 * github.com/openwrt/firewall4, and HOMEWARD_TEST_UCODE the `build` folder of github.com/jow-/ucode. What it asks uci, ubus
 * and the file system is answered by fw4's own mock library.
 */
const fw4 = process.env['HOMEWARD_TEST_FW4']
const ucode = process.env['HOMEWARD_TEST_UCODE']

const LAN = { prefix: '192.168.1.0/24', seen: '10.168.1.0/24' }
const OWNERS: readonly Section[] = [
  {
    config: 'network',
    name: 'lan',
    type: 'interface',
    options: { proto: 'static', ipaddr: '192.168.1.1', netmask: '255.255.255.0' },
  },
  { config: 'firewall', name: 'lanzone', type: 'zone', options: { name: 'lan', network: 'lan' } },
]
const ZONES = [
  { name: 'lan', device: ['br-lan'], input: 'ACCEPT', output: 'ACCEPT', forward: 'ACCEPT' },
  { name: 'wan', device: ['wan0'], input: 'REJECT', output: 'ACCEPT', forward: 'REJECT', masq: '1', mtu_fix: '1' },
]
const PRINT = `{%
include("./root/usr/share/firewall4/main.uc", { getenv: (name) => name == "ACTION" ? "print" : null })
%}
`

describe.runIf(fw4 !== undefined && ucode !== undefined)('OpenWrt’s own fw4', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-fw4-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** What the kernel has when nft has loaded what fw4 rendered, twice, as a reload does. */
  async function loaded(sections: readonly Section[], text: string): Promise<string> {
    const at = (name: string): string => join(folder, name)
    const include = at('rules.inc')
    const configured: Record<string, object[]> = {
      defaults: [{ input: 'REJECT', forward: 'REJECT' }],
      zone: [...ZONES],
    }
    for (const { type, options } of sections)
      (configured[type] ??= []).push(type === 'include' ? { ...options, path: include } : options)
    for (const one of ['mocks/uci', 'mocks/fs']) await mkdir(at(one), { recursive: true })
    await Promise.all([
      writeFile(include, text),
      writeFile(at('mocks/uci/firewall.json'), JSON.stringify(configured)),
      writeFile(at('mocks/uci/helpers.json'), '{}'),
      writeFile(at(`mocks/fs/open~${include.replaceAll(/[^-0-9A-Za-z]/g, '_')}.txt`), text),
      ...['br-lan', 'wan0', 'hw0'].map((name) =>
        writeFile(at(`mocks/fs/open~_sys_class_net_${name}_flags.txt`), '0x1103\n'),
      ),
    ])
    const libraries = ['./tests/lib', './root/usr/share/ucode', `${ucode}/*.so`].map((one) => `-L${one}`)
    const mocks = `MOCK_SEARCH_PATH=${JSON.stringify([at('mocks'), './tests/mocks'])}`
    const args = ['-S', '-T,', ...libraries, '-D', mocks, '-l', 'mocklib', '-l', 'fw4', '-']
    const script = 'cd "$1"; shift; exec "$@"'
    const { stdout } = await runCommand('sh', ['-c', script, 'sh', fw4 ?? '', `${ucode}/ucode`, ...args], {
      input: PRINT,
    })
    await writeFile(at('ruleset'), stdout.replace('include "/etc/nftables.d/*.nft"', ''))
    const load = `nft -f ${at('ruleset')} && nft -f ${at('ruleset')} && nft list table inet fw4 > ${at('listed')}`
    await runCommand('unshare', ['--net', 'sh', '-c', load])
    return readFile(at('listed'), 'utf8')
  }

  const FORWARDINGS: Readonly<Record<string, HomeForwarding>> = {
    'a plain home': homeForwarding({ lan: [LAN.prefix], mode: 'routed' }),
    'a home that masquerades': homeForwarding({ lan: [LAN.prefix, '10.5.0.0/16'], mode: 'masquerade' }),
    'all that there is': homeForwarding({
      lan: [LAN.prefix],
      mode: 'masquerade',
      visitors: true,
      exit: true,
      seenAs: [LAN],
    }),
  }
  test.each(Object.keys(FORWARDINGS))('takes the rules of %s, and each of them is found again', async (name) => {
    const forwarding = FORWARDINGS[name] ?? homeForwarding({ lan: [], mode: 'routed' })
    const spec = { interface: 'hw0', address: '10.86.0.2', network: '10.86.0.0/16', visitorSlot: 0, forwarding }
    const sections = firewallSections(spec, OWNERS)
    const rules = parseRules(await loaded(sections, tunnelInclude(spec).text))
    expect(missingRules('hw0', sections, rules)).toEqual([])
    const without = new Map([...rules].filter(([chain]) => !chain.startsWith('homeward_')))
    expect(missingRules('hw0', sections, without)).toEqual(['homeward_hw0_include in homeward_hw0_*'])
  })
})
