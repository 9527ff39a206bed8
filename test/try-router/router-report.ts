import { isIP } from 'node:net'

/** What the contract found out on a router. */
export interface Tried {
  /** Of homeward, as package.json says it. */
  readonly version: string
  readonly machines: readonly TriedMachine[]
  readonly cases: readonly TriedCase[]
}

export interface TriedMachine {
  /** E.g. `hAP ax²`. */
  readonly model: string
  /** Of its system, e.g. `7.16.1`. */
  readonly version: string
  readonly dataPlane: string
}

export interface TriedCase {
  readonly name: string
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending'
  readonly seconds: number
  /** Empty where it did not fail. */
  readonly errors: readonly string[]
}

/** The lines of an error that are shown: what differs stands in the first ones. */
const MOST_LINES = 12

/**
 * A report to post, in Markdown.
 * @param hidden what never stands in it: where the router is, who logs in and with what. Addresses, keys and fingerprints
 * that an error quotes are not in it either.
 */
export function routerReport({ version, machines, cases }: Tried, hidden: readonly string[]): string {
  const hide = hiding(hidden)
  const ran = cases.filter(({ state }) => state === 'passed' || state === 'failed')
  const failed = ran.filter(({ state }) => state === 'failed')
  const lines = [
    `homeward ${version}`,
    ...machines.map(
      // The name that its owner gave it stands behind the model, in quotation marks.
      ({ model, version, dataPlane }) =>
        `${model.replace(/ ".*"$/, '')}, ${version}, WireGuard in ${DATA_PLANES[dataPlane] ?? dataPlane}`,
    ),
    `${ran.length - failed.length} passed, ${failed.length} failed, ${cases.length - ran.length} left out`,
    '',
    '| case | | seconds |',
    '| --- | --- | --- |',
    ...cases.map(({ name, state, seconds }) => `| ${name} | ${state} | ${seconds.toFixed(1)} |`),
    ...failed.flatMap(({ name, errors }) => ['', `**${name}**`, '', '```', ...errors.flatMap(firstLines), '```']),
  ]
  return `${hide(lines.join('\n'))}\n`
}

const DATA_PLANES: Readonly<Record<string, string>> = { kernel: 'the kernel', userspace: 'user space' }

function firstLines(error: string): readonly string[] {
  return error.split('\n').slice(0, MOST_LINES)
}

/** The longest first: one may be a part of another. */
function hiding(hidden: readonly string[]): (text: string) => string {
  const words = [...new Set(hidden)].filter((word) => word.length > 2).toSorted((a, b) => b.length - a.length)
  return (text) => {
    const without = words.reduce((rest, word) => rest.replaceAll(word, '(hidden)'), text)
    const named = PRIVATE.reduce((rest, [pattern, name]) => rest.replace(pattern, `(${name})`), without)
    return named.replace(/[0-9A-Fa-f:.]{3,}/g, (word) => withoutAddress(word))
  }
}

/** A full stop or a colon behind an address is the sentence's. */
function withoutAddress(word: string): string {
  const address = [word, word.slice(0, -1)].find((one) => isIP(one) !== 0)
  return address === undefined ? word : `(address)${word.slice(address.length)}`
}

/** What else an error may quote, and what stands for it; the keys of WireGuard are 32 bytes in base64. */
const PRIVATE: readonly (readonly [RegExp, string])[] = [
  [/SHA256:[A-Za-z0-9+/=]{20,}/g, 'fingerprint'],
  [/\b[0-9A-Fa-f]{64}\b|\b(?:[0-9A-Fa-f]{2}:){19,31}[0-9A-Fa-f]{2}\b/g, 'fingerprint'],
  [/[A-Za-z0-9+/]{43}=/g, 'key'],
  [/\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b/g, 'MAC address'],
]
