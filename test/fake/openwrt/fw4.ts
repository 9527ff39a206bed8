import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { UciPackage, UciSection } from './uci-file.ts'

/** What fw4 asks netifd: the devices of a logical network that is up. */
export type DevicesOf = (network: string) => readonly string[]

interface Zone {
  readonly name: string
  readonly devices: readonly string[]
  readonly options: UciSection['options']
}

/**
 * A router's firewall as the nftables table that fw4 makes of it. An option that is not known is refused: it would be a rule
 * that does something else.
 */
export function fw4Table(sections: UciPackage, devicesOf: DevicesOf, root: string): string {
  refuseUnknown(sections)
  const defaults = sections.find(({ type }) => type === 'defaults')
  const zones = ofType(sections, 'zone').map((section): Zone => {
    const devices = [...listOf(section, 'network').flatMap(devicesOf), ...listOf(section, 'device')]
    return { name: one(section, 'name') ?? '', devices: [...new Set(devices)], options: section.options }
  })
  const rules = ofType(sections, 'rule')
  const forwardings = ofType(sections, 'forwarding')
  const nats = ofType(sections, 'nat')
  const redirects = ofType(sections, 'redirect')
  const policy = (name: string): string => one(defaults, name) ?? 'REJECT'
  const reject = (name: string): readonly string[] => (policy(name) === 'REJECT' ? ['jump handle_reject'] : [])
  const basePolicy = (name: string): string => (policy(name) === 'ACCEPT' ? 'accept' : 'drop')
  const jumps = (chain: string): readonly string[] =>
    zones.flatMap(({ name, devices }) =>
      devices.length === 0
        ? []
        : [
            `${chain === 'output' || chain === 'srcnat' ? 'oifname' : 'iifname'} ${set(devices.map((device) => `"${device}"`))} jump ${chain}_${name} comment "!fw4: Handle ${name} IPv4/IPv6 ${chain} traffic"`,
          ],
    )

  const chains: readonly (readonly [name: string, head: string, rules: readonly string[]])[] = [
    [
      'input',
      `type filter hook input priority filter; policy ${basePolicy('input')};`,
      [
        'iifname "lo" accept',
        'ct state established,related accept',
        ...rules.filter((rule) => one(rule, 'src') === '*' && one(rule, 'dest') === undefined).flatMap(ruleText),
        ...jumps('input'),
        ...reject('input'),
      ],
    ],
    [
      'forward',
      `type filter hook forward priority filter; policy ${basePolicy('forward')};`,
      [
        'ct state established,related accept',
        ...rules.filter((rule) => one(rule, 'src') === '*' && one(rule, 'dest') !== undefined).flatMap(ruleText),
        ...jumps('forward'),
        ...reject('forward'),
      ],
    ],
    [
      'output',
      `type filter hook output priority filter; policy ${basePolicy('output')};`,
      ['oifname "lo" accept', 'ct state established,related accept', ...jumps('output'), ...reject('output')],
    ],
    [
      'srcnat',
      'type nat hook postrouting priority srcnat; policy accept;',
      [...nats.filter((nat) => one(nat, 'src') === '*').flatMap(natText), ...jumps('srcnat')],
    ],
    [
      'dstnat',
      'type nat hook prerouting priority dstnat; policy accept;',
      redirects.flatMap((redirect) => redirectText(redirect, zones)),
    ],
    ['mangle_forward', 'type filter hook forward priority mangle; policy accept;', zones.flatMap(clampText)],
    ['handle_reject', '', ['meta l4proto tcp reject with tcp reset', 'reject']],
    ...zones.flatMap((zone) => {
      const { name } = zone
      const verdict = (of: string): string => one({ options: zone.options }, of) ?? policy(of)
      const own = rules.filter((rule) => one(rule, 'src') === name)
      return [
        [
          `input_${name}`,
          '',
          [
            ...own.filter((rule) => one(rule, 'dest') === undefined).flatMap(ruleText),
            `jump ${verdictOf(verdict('input'))}_from_${name}`,
          ],
        ],
        [
          `forward_${name}`,
          '',
          [
            ...own.filter((rule) => one(rule, 'dest') !== undefined).flatMap(ruleText),
            ...forwardings
              .filter((forwarding) => one(forwarding, 'src') === name)
              .map((forwarding) => `jump accept_to_${one(forwarding, 'dest')}`),
            ...(redirects.some((redirect) => one(redirect, 'src') === name) ? ['ct status dnat accept'] : []),
            `jump ${verdictOf(verdict('forward'))}_to_${name}`,
          ],
        ],
        [`output_${name}`, '', [`jump ${verdictOf(verdict('output'))}_to_${name}`]],
        [
          `srcnat_${name}`,
          '',
          [
            ...nats.filter((nat) => one(nat, 'src') === name).flatMap(natText),
            ...(one({ options: zone.options }, 'masq') === '1'
              ? [`meta nfproto ipv4 masquerade comment "!fw4: Masquerade IPv4 ${name} traffic"`]
              : []),
          ],
        ],
        ...(['accept', 'reject', 'drop'] as const).flatMap((act) =>
          (['from', 'to'] as const).map(
            (way) =>
              [
                `${act}_${way}_${name}`,
                '',
                zone.devices.length === 0
                  ? []
                  : [
                      `${way === 'from' ? 'iifname' : 'oifname'} ${set(zone.devices.map((device) => `"${device}"`))} ${act === 'reject' ? 'jump handle_reject' : act} comment "!fw4: ${act} ${name} IPv4/IPv6 traffic"`,
                    ],
              ] as const,
          ),
        ),
      ] as const
    }),
  ]
  // Declared before they are jumped to.
  const names = chains.map(([name, head]) => `  chain ${name} { ${head} }`)
  const bodies = chains.map(([name, , body]) => `  chain ${name} {\n${body.map((line) => `    ${line}\n`).join('')}  }`)
  // Flushed, not deleted (ruleset.uc): a chain that is no longer made stays, and is empty.
  return [
    'table inet fw4',
    'flush table inet fw4',
    'table inet fw4 {',
    ...names,
    ...bodies,
    ...includes(sections, root),
    '}',
    '',
  ].join('\n')
}

/**
 * Files at the end of the table. One that is not there is passed by with a warning; one with an error in it fails the whole
 * (fw4.uc, parse_include; nft loads all of it or nothing).
 */
function includes(sections: UciPackage, root: string): readonly string[] {
  return ofType(sections, 'include').flatMap((section) => {
    const [type, position, path] = ['type', 'position', 'path'].map((name) => one(section, name))
    if (type !== 'nftables') return []
    if (position !== 'table-append') throw new TypeError(`the simulated fw4 includes nothing at ${position}`)
    return existsSync(join(root, path ?? '')) ? [`  include "${join(root, path ?? '')}"`] : []
  })
}

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  defaults: ['input', 'output', 'forward', 'synflood_protect', 'flow_offloading', 'flow_offloading_hw'],
  zone: ['name', 'network', 'device', 'input', 'output', 'forward', 'masq', 'mtu_fix'],
  forwarding: ['src', 'dest', 'name'],
  rule: [
    'name',
    'src',
    'dest',
    'src_ip',
    'dest_ip',
    'src_port',
    'dest_port',
    'proto',
    'icmp_type',
    'family',
    'mark',
    'target',
  ],
  nat: ['name', 'src', 'src_ip', 'dest_ip', 'proto', 'family', 'target', 'snat_ip'],
  redirect: ['name', 'src', 'src_dport', 'dest', 'dest_ip', 'dest_port', 'proto', 'target'],
  include: ['path', 'type', 'position'],
}

function refuseUnknown(sections: UciPackage): void {
  for (const { type, options, name } of sections) {
    const known = KNOWN[type]
    if (known === undefined) throw new TypeError(`the simulated fw4 knows no section of type ${type}`)
    for (const option of options.keys())
      if (!known.includes(option)) throw new TypeError(`the simulated fw4 knows no option ${option} of ${type} ${name}`)
  }
}

function verdictOf(policy: string): 'accept' | 'reject' | 'drop' {
  const verdict = policy.toLowerCase()
  if (verdict === 'accept' || verdict === 'reject' || verdict === 'drop') return verdict
  throw new TypeError(`the simulated fw4 knows no policy ${policy}`)
}

function ruleText(rule: UciSection): readonly string[] {
  const dest = one(rule, 'dest')
  const target = verdictOf(one(rule, 'target') ?? 'DROP')
  const verdict =
    dest !== undefined && dest !== '*'
      ? `jump ${target}_to_${dest}`
      : target === 'reject'
        ? 'jump handle_reject'
        : target
  return matches(rule).map((match) => `${match}counter ${verdict}${commentOf(rule)}`)
}

function natText(nat: UciSection): readonly string[] {
  const target = one(nat, 'target')
  const verdict =
    target === 'MASQUERADE'
      ? 'masquerade'
      : target === 'SNAT'
        ? `snat ip to ${one(nat, 'snat_ip')}`
        : target === 'ACCEPT'
          ? 'accept'
          : null
  if (verdict === null) throw new TypeError(`the simulated fw4 knows no target ${target} of nat`)
  return matches(nat).map((match) => `${match}meta nfproto ipv4 ${verdict}${commentOf(nat)}`)
}

function redirectText(redirect: UciSection, zones: readonly Zone[]): readonly string[] {
  const devices = zones.find(({ name }) => name === one(redirect, 'src'))?.devices ?? []
  if (devices.length === 0) return []
  return protocols(redirect).map(
    (protocol) =>
      `iifname ${set(devices.map((device) => `"${device}"`))} ${protocol} dport ${one(redirect, 'src_dport')} dnat ip to ${one(redirect, 'dest_ip')}:${one(redirect, 'dest_port') ?? one(redirect, 'src_dport')}`,
  )
}

/** By which a rule is known in the loaded table (fw4's templates rule.uc and redirect.uc). */
function commentOf(section: UciSection): string {
  const name = one(section, 'name')
  return name === undefined ? '' : ` comment "!fw4: ${name}"`
}

/** Both directions, as fw4 does. */
function clampText({ devices, options }: Zone): readonly string[] {
  if (one({ options }, 'mtu_fix') !== '1') return []
  return devices.flatMap((device) =>
    ['iifname', 'oifname'].map(
      (way) => `${way} "${device}" tcp flags & (fin|syn|rst) == syn tcp option maxseg size set rt mtu`,
    ),
  )
}

/** One for each protocol. */
function matches(section: UciSection): readonly string[] {
  const addresses = [
    ['saddr', listOf(section, 'src_ip')],
    ['daddr', listOf(section, 'dest_ip')],
  ] as const
  // Each kind by itself (rule.uc: saddrs_pos, saddrs_neg and so on).
  const ends = addresses
    .flatMap(([side, all]) => {
      const not = all.filter((item) => item.startsWith('!')).map((item) => item.slice(1))
      const is = all.filter((item) => !item.startsWith('!'))
      return [
        ...(is.length === 0 ? [] : [`ip ${side} ${set(is)} `]),
        ...(not.length === 0 ? [] : [`ip ${side} != ${set(not)} `]),
      ]
    })
    .join('')
  const ports = (protocol: string): string =>
    (['src_port', 'dest_port'] as const)
      .flatMap((name) =>
        one(section, name) === undefined
          ? []
          : [`${protocol} ${name === 'src_port' ? 'sport' : 'dport'} ${one(section, name)} `],
      )
      .join('')
  const [mark, mask] = (one(section, 'mark') ?? '').split('/')
  const marked = mark === '' ? '' : `meta mark and ${mask ?? '0xffffffff'} == ${mark} `
  return protocols(section).map((protocol) => {
    if (protocol === 'all') return `${ends}${marked}`
    if (protocol === 'icmp') return `${ends}meta l4proto { icmp, ipv6-icmp } ${marked}`
    return `${ends}meta l4proto ${protocol} ${ports(protocol)}${marked}`
  })
}

function protocols(section: UciSection): readonly string[] {
  const all = listOf(section, 'proto').flatMap((word) => word.split(' '))
  return all.length === 0 ? ['tcp', 'udp'] : all
}

function set(items: readonly string[]): string {
  return items.length === 1 ? (items[0] ?? '') : `{ ${items.join(', ')} }`
}

function ofType(sections: UciPackage, wanted: string): readonly UciSection[] {
  return sections.filter(({ type }) => type === wanted)
}

function one(section: Pick<UciSection, 'options'> | undefined, name: string): string | undefined {
  const value = section?.options.get(name)
  return typeof value === 'string' ? value : value?.[0]
}

function listOf(section: UciSection, name: string): readonly string[] {
  const value = section.options.get(name)
  if (value === undefined) return []
  return typeof value === 'string' ? value.split(/\s+/).filter((item) => item !== '') : value
}
