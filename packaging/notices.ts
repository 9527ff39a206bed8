import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A package as it is named in the notices. */
export interface Licensed {
  readonly name: string
  readonly version: string
  /** As its package.json says it: an SPDX expression. */
  readonly licence: string
  /** Its own files of licence and notice, whole. */
  readonly texts: readonly string[]
}

/**
 * Licence texts of packages that ship none, by `NAME@VERSION`: of that version alone, since the next may have another.
 * `source` is the address where the text stands.
 */
export type ByHand = Readonly<Record<string, { readonly source: string; readonly text: string }>>

// MIT, BSD and ISC want the text itself "in all copies"; a NOTICE goes along with Apache-2.0 (section 4 d).
const LICENCE_FILE = /^(?:un)?licen[cs]e|^copying|^notice/i

/** Reads one from its folder. */
export async function readLicensed(folder: string): Promise<Licensed> {
  const { name, version, license, licenses } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const files = (await readdir(folder)).filter((file) => LICENCE_FILE.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return { name, version, licence: expressionOf(license ?? licenses), texts: texts.map(withoutEdges).filter(Boolean) }
}

/**
 * The text of NOTICES.
 * @throws naming every package whose licence text is neither in its folder nor given by hand.
 */
export function noticesOf(packages: readonly Licensed[], byHand: ByHand = {}): string {
  const without: string[] = []
  const sections = packages.map(({ name, version, licence, texts }) => {
    const title = `${name} ${version} (${licence})`
    const given = byHand[`${name}@${version}`]
    if (texts.length > 0) return [title, ...texts].join('\n\n')
    if (given !== undefined) return [title, `From ${given.source}:`, withoutEdges(given.text)].join('\n\n')
    without.push(title)
    return title
  })
  if (without.length > 0)
    throw new Error(
      `no licence text comes with ${without.join(', ')}: add it to packaging/by-hand.ts, with its source, or do without`,
    )
  const line = `\n\n${'-'.repeat(100)}\n\n`
  return `${[HEAD, ...sections].join(line)}\n`
}

const HEAD =
  'homeward is under the licence in LICENSE. Its program (dist/) contains parts of these packages, each under its own.'

/** Older packages have an object of `type`, or a list of them. */
function expressionOf(license: unknown): string {
  if (typeof license === 'string') return license
  if (Array.isArray(license)) return license.map(expressionOf).join(' OR ')
  if (typeof license === 'object' && license !== null && 'type' in license) return expressionOf(license.type)
  return 'no licence named'
}

function withoutEdges(text: string): string {
  return text.replaceAll('\r\n', '\n').trim()
}
