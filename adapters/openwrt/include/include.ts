import { createHash } from 'node:crypto'
import { namedFor, type Section, text } from '../uci/sections.ts'
import { type Chain, type ChainsSpec, tunnelChains } from './chains.ts'

/**
 * The file of ours on the router, one for each tunnel: chains that fw4 puts into its own table (`config include`). Pure.
 *
 * Its name says what is in it, so that uci's file is what leads from an old one to a new one, and back: no reader ever sees
 * a file that changes. fw4 passes an include by whose file is missing, and says so in its log.
 */
export interface Include {
  /** The file's name in FOLDER. */
  readonly name: string
  readonly text: string
}

/**
 * The folder is fw4's own and survives a sysupgrade (it is in firewall4's conffiles). fw4 loads `*.nft` from it by itself,
 * which ours must not be: uci says whether it is loaded.
 */
export const FOLDER = '/etc/nftables.d'
/** How the names of our files begin. */
export const FILES = 'homeward-'

export function tunnelInclude(spec: ChainsSpec): Include {
  const { interface: tunnel } = spec
  const chains = tunnelChains(spec)
  const id = digest(JSON.stringify([tunnel, chains])).slice(0, 12)
  const count = chains.reduce((sum, { rules }) => sum + rules.length, 0)
  let nth = 0
  const named = (rule: string): string => {
    nth += 1
    return `\t${rule} comment "${ruleName(tunnel, id)}${nth}/${count}"`
  }
  const lines = [
    `# homeward made this for the tunnel ${tunnel}, and takes it away with it. Loaded by firewall.${sectionName(tunnel)}.`,
    ...chains.flatMap((chain) => [
      `chain ${chainName(tunnel, chain)} {`,
      `\ttype ${chain.type} hook ${chain.hook} priority ${chain.priority}; policy accept;`,
      ...chain.rules.map(named),
      '}',
    ]),
  ]
  return { name: `${FILES}${tunnel}-${id}.inc`, text: `${lines.join('\n')}\n` }
}

/** The section by which fw4 loads it. */
export function includeSection(tunnel: string, { name }: Pick<Include, 'name'>): Section {
  return {
    config: 'firewall',
    name: sectionName(tunnel),
    type: 'include',
    options: { type: 'nftables', position: 'table-append', path: `${FOLDER}/${name}` },
  }
}

/** The names of rules that a section's file has loaded, up to the number of each. */
export function includedRules({ options }: Section): string {
  const [, tunnel = '', id = ''] = /homeward-([a-z0-9_]+)-([0-9a-f]+)\.inc$/.exec(text(options, 'path') ?? '') ?? []
  return ruleName(tunnel, id)
}

export function digest(of: string): string {
  return createHash('sha256').update(of).digest('hex')
}

function sectionName(tunnel: string): string {
  return namedFor(tunnel, 'include')
}

function ruleName(tunnel: string, id: string): string {
  return `homeward ${tunnel} ${id} `
}

/**
 * With type, hook and priority in it: a reload of fw4 flushes its table and keeps the chains, and the kernel refuses a
 * whole ruleset for one chain that comes with another priority.
 */
function chainName(tunnel: string, { type, hook, priority }: Chain): string {
  return `homeward_${tunnel}_${type}_${hook}_${String(priority).replace('-', 'm')}`
}
