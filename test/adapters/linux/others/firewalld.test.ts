import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { closedWarnings } from '../../../../adapters/linux/others/closed-firewall.ts'
import { contentOf, parseNative } from '../../../../adapters/linux/others/native-firewall.ts'
import type { TunnelFirewall } from '../../../../adapters/spec.ts'
import { homeForwarding, hubForwarding } from '../../forwarding.ts'

const TUNNEL = { interface: 'hw0', address: '10.86.0.1', network: '10.86.0.0/16', visitorSlot: 0 } as const
const HUB: TunnelFirewall = {
  ...TUNNEL,
  listenPort: 51_820,
  forwarding: hubForwarding({ heartbeatPort: 8686 }),
}
const home = (visitors: boolean): TunnelFirewall => ({
  ...TUNNEL,
  listenPort: null,
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade', visitors }),
})

/**
 * What nft 1.1.3 lists (`nft -j -t list ruleset`) of the filter chains of firewalld 2.3.1, Debian 13's, which bear
 * `flags owner,persist`: as installed, and after what a home without visitors is told to type.
 */
async function recorded(name: 'public' | 'homeward'): Promise<string> {
  const lines = await readFile(new URL(`firewalld-2.3-${name}.jsonl`, import.meta.url), 'utf8')
  return JSON.stringify({ nftables: lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)])) })
}

/** The lines to type, without what begins each of them. */
async function told(name: 'public' | 'homeward', tunnel: TunnelFirewall): Promise<readonly string[]> {
  return toldOf(await recorded(name), tunnel)
}

function toldOf(listed: string, tunnel: TunnelFirewall): readonly string[] {
  const [warning, ...more] = closedWarnings(
    [
      {
        name: 'inet firewalld',
        why: 'Operation not permitted',
        content: contentOf(listed, 'inet firewalld'),
        strict: parseNative(listed).strict,
        holdsOurs: false,
      },
    ],
    [tunnel],
  )
  expect(more).toEqual([])
  const [says, ...lines] = warning?.split('\n') ?? []
  if (says !== undefined) expect(says).toContain('firewalld takes no rules of homeward')
  for (const line of lines.slice(0, -1)) expect(line).toMatch(/^firewall-cmd --permanent --/)
  return lines.map((line) => line.replace(/^firewall-cmd (--permanent )?/, ''))
}

const FROM_AND_TO = [
  '--new-policy=homeward-from',
  '--policy=homeward-from --add-ingress-zone=homeward',
  '--policy=homeward-from --add-egress-zone=ANY',
  '--policy=homeward-from --set-target=ACCEPT',
  '--new-policy=homeward-to',
  '--policy=homeward-to --add-ingress-zone=ANY',
  '--policy=homeward-to --add-egress-zone=homeward',
  '--policy=homeward-to --set-target=ACCEPT',
]
const VISITORS = `--zone=homeward --add-rich-rule='rule family="ipv4" source NOT address="10.86.0.0/16" accept'`

describe('firewalld that owns its table', () => {
  test('at the hub is told of the tunnel’s zone, of what crosses it, and of the hub’s ports', async () => {
    expect(await told('public', HUB)).toEqual([
      '--new-zone=homeward',
      '--zone=homeward --change-interface=hw0',
      '--zone=homeward --add-port=8686/udp',
      ...FROM_AND_TO,
      '--new-policy=homeward-in',
      '--policy=homeward-in --add-ingress-zone=ANY',
      '--policy=homeward-in --add-egress-zone=HOST',
      '--policy=homeward-in --add-port=51820/udp --add-port=51820/tcp --add-port=8687/udp',
      '--reload',
    ])
  })

  test('is told all that the tunnel’s new zone needs, whatever the zone that it leaves let in', async () => {
    const bare = await recorded('public')
    // What `--add-port=8686/udp` adds to the chain of that name.
    const port = {
      rule: {
        family: 'inet',
        table: 'firewalld',
        chain: 'filter_IN_public_allow',
        handle: 200,
        expr: [
          { match: { op: '==', left: { payload: { protocol: 'udp', field: 'dport' } }, right: 8686 } },
          { accept: null },
        ],
      },
    }
    const { nftables } = JSON.parse(bare) as { nftables: readonly unknown[] }
    const opened = JSON.stringify({ nftables: [...nftables, port] })
    expect(toldOf(opened, HUB)).toEqual(toldOf(bare, HUB))
  })

  test('at home is told of visitors where there are any', async () => {
    const zone = ['--new-zone=homeward', '--zone=homeward --change-interface=hw0']
    expect(await told('public', home(false))).toEqual([...zone, ...FROM_AND_TO, '--reload'])
    expect(await told('public', home(true))).toEqual([...zone, VISITORS, ...FROM_AND_TO, '--reload'])
  })

  test('is told nothing more once that is there', async () => {
    expect(await told('homeward', home(false))).toEqual([])
  })

  test('is told of the first published port alone what is missing for it, and of nothing that it would call a conflict', async () => {
    expect(await told('homeward', home(true))).toEqual(['--zone=homeward --change-interface=hw0', VISITORS, '--reload'])
  })

  test('on a machine that becomes a hub too is told of nothing that a home had added', async () => {
    expect(await told('homeward', HUB)).toEqual([
      '--zone=homeward --change-interface=hw0',
      '--zone=homeward --add-port=8686/udp',
      '--new-policy=homeward-in',
      '--policy=homeward-in --add-ingress-zone=ANY',
      '--policy=homeward-in --add-egress-zone=HOST',
      '--policy=homeward-in --add-port=51820/udp --add-port=51820/tcp --add-port=8687/udp',
      '--reload',
    ])
  })
})
