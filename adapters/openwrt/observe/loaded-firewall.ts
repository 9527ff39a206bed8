import { summarised } from '../../../net/summarise.ts'
import { includedRules } from '../include/include.ts'
import { list, type Options, type Section, text, tunnelOf } from '../uci/sections.ts'

/**
 * Compares the loaded firewall with our sections, rule by rule: fw4 may have been told and its table flushed in part
 * since. The rules are those of fw4's templates (ruleset.uc, zone-jump.uc, zone-verdict.uc, zone-masq.uc,
 * zone-mssfix.uc, rule.uc, redirect.uc), which name each rule after its section in a comment. Pure.
 */

/** Rules by chain, as `nft list table inet fw4` prints them. */
export type LoadedRules = ReadonlyMap<string, readonly string[]>

/** Reads the lines of a table, which may be those of our tunnels and the chains' heads alone. */
export function parseRules(listed: string): LoadedRules {
  const chains = new Map<string, string[]>()
  let rules: string[] = []
  for (const line of listed.split('\n')) {
    const chain = /^\s*chain (\S+) \{/.exec(line)?.[1]
    if (chain === undefined) rules.push(line.trim())
    else chains.set(chain, (rules = []))
  }
  return chains
}

/** The sections of a tunnel of which the loaded firewall lacks a rule, each with the chain in which it is missing. */
export function missingRules(tunnel: string, sections: readonly Section[], loaded: LoadedRules): readonly string[] {
  return sections
    .filter((section) => section.config === 'firewall' && tunnelOf(section) === tunnel)
    .flatMap((section) =>
      section.type === 'include'
        ? missingOfInclude(tunnel, section, loaded)
        : expectedOf(section)
            .filter(({ chain, isIt }) => !chainsLike(chain, loaded).some((rules) => rules.some(isIt)))
            .map(({ chain }) => `${section.name} in ${chain}`),
    )
}

/** Rules of our file, each of which says its number and how many there are. */
function missingOfInclude(tunnel: string, section: Section, loaded: LoadedRules): readonly string[] {
  const name = `comment "${includedRules(section)}`
  const numbers = chainsLike(`homeward_${tunnel}_*`, loaded)
    .flat()
    .flatMap((rule) => {
      const at = rule.indexOf(name)
      const [, nth, count] = at < 0 ? [] : (/^(\d+)\/(\d+)"/.exec(rule.slice(at + name.length)) ?? [])
      return nth === undefined ? [] : [{ nth, count: Number(count) }]
    })
  const there = new Set(numbers.map(({ nth }) => nth))
  return numbers.length > 0 && there.size === numbers[0]?.count ? [] : [`${section.name} in homeward_${tunnel}_*`]
}

/** Whether the whole of a tunnel's firewall is loaded, as far as it is configured. */
export function isLoaded(tunnel: string, sections: readonly Section[], loaded: LoadedRules): boolean {
  return missingRules(tunnel, sections, loaded).length === 0
}

interface Expected {
  /** The chain's name; with a star at its end, any whose name begins so: fw4's versions differ in it. */
  readonly chain: string
  readonly isIt: (rule: string) => boolean
}

function chainsLike(chain: string, loaded: LoadedRules): readonly (readonly string[])[] {
  if (!chain.endsWith('*')) return [loaded.get(chain) ?? []]
  return [...loaded].filter(([name]) => name.startsWith(chain.slice(0, -1))).map(([, rules]) => rules)
}

/** What fw4 makes of a section; none of a kind that is none of ours. */
function expectedOf({ type, options }: Section): readonly Expected[] {
  switch (type) {
    case 'zone':
      return zoneRules(options)
    case 'rule':
      return [{ chain: ruleChain(options), isIt: (rule) => isNamed(rule, options) && hasVerdict(rule, options) }]
    case 'nat':
      return [{ chain: 'srcnat', isIt: (rule) => isNamed(rule, options) && has(rule, 'masquerade') }]
    default:
      return []
  }
}

function zoneRules(options: Options): readonly Expected[] {
  const zone = text(options, 'name') ?? ''
  const [device = ''] = list(options, 'device')
  const verdict = (of: string): string => (text(options, of) ?? '').toLowerCase()
  const of = (way: 'iifname' | 'oifname', words: string) => (rule: string) =>
    has(rule, way) && rule.includes(`"${device}"`) && has(rule, words)
  const rule = (chain: string, isIt: Expected['isIt']): Expected => ({ chain, isIt })
  const jumps = (chain: string): Expected => rule(chain, (one) => has(one, `jump ${chain}_${zone}`))
  const [input, forward, output] = [verdict('input'), verdict('forward'), verdict('output')]
  const decides = (act: string, way: 'from' | 'to'): Expected =>
    rule(
      `${act}_${way}_${zone}`,
      of(way === 'from' ? 'iifname' : 'oifname', act === 'reject' ? 'jump handle_reject' : act),
    )
  return [
    ...(['input', 'forward', 'output', 'srcnat'] as const).map(jumps),
    rule(`input_${zone}`, (one) => has(one, `jump ${input}_from_${zone}`)),
    rule(`forward_${zone}`, (one) => has(one, `jump ${forward}_to_${zone}`)),
    rule(`output_${zone}`, (one) => has(one, `jump ${output}_to_${zone}`)),
    decides(input, 'from'),
    decides(forward, 'to'),
    decides(output, 'to'),
    rule(`srcnat_${zone}`, (one) => has(one, 'masquerade')),
    ...(['iifname', 'oifname'] as const).map((way) => rule('mangle_*', of(way, 'tcp option maxseg size set'))),
  ]
}

function ruleChain(options: Options): string {
  const base = text(options, 'dest') === null ? 'input' : 'forward'
  const src = text(options, 'src') ?? '*'
  return src === '*' ? base : `${base}_${src}`
}

function hasVerdict(rule: string, options: Options): boolean {
  const dest = text(options, 'dest')
  return has(rule, dest === null || dest === '*' ? 'accept' : `jump accept_to_${dest}`)
}

function isNamed(rule: string, options: Options): boolean {
  return (
    rule.includes(`comment "!fw4: ${text(options, 'name') ?? ''}"`) &&
    holds(rule, 'saddr', list(options, 'src_ip')) &&
    holds(rule, 'daddr', list(options, 'dest_ip'))
  )
}

/** Whether a rule is for these prefixes. nft joins those beside each other, to a range where no prefix is the whole. */
function holds(rule: string, side: 'saddr' | 'daddr', wanted: readonly string[]): boolean {
  const not = wanted.some((one) => one.startsWith('!')) ? '!= ' : ''
  const set = new RegExp(`ip ${side} ${not}(?:\\{ ([^}]*) \\}|(\\S+))`).exec(rule)
  const found = (set?.[1] ?? set?.[2] ?? '').split(', ').filter((one) => one !== '')
  if (found.some((one) => one.includes('-'))) return wanted.length > 0
  const withLength = (one: string): string => (one.includes('/') ? one : `${one}/32`)
  const [there, should] = [
    summarised(found.map(withLength)),
    summarised(wanted.map((one) => withLength(one.replace('!', '')))),
  ]
  return there.length === should.length && there.every((one, index) => one === should[index])
}

/** Whether words stand in a rule, whole. */
function has(rule: string, words: string): boolean {
  return ` ${rule} `.includes(` ${words} `)
}
