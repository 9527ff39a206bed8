import { type MenuPlan, MENUS } from '../tables/menus.ts'
import type { Model } from '../model.ts'
import type { Item } from '../tables/tables.ts'

/** Not a setting, or nobody's business. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'private-key',
  'preshared-key',
  'password',
  'fingerprint',
  'pem-key',
  'pem-certificate',
])

/**
 * The settings as text, as `/export` prints them: no secrets, nothing that the router made by itself, nothing that it would
 * have anyway, and rows in their order. Two routers with the same text are set up the same.
 */
export function exportText({ tables, version }: Model): string {
  const menus = MENUS.map(({ path, properties }) => ({
    path,
    properties,
    // What has a timeout is in its memory alone.
    rows: tables.rows(path).filter(({ isDynamic, values }) => !isDynamic && !values.has('timeout')),
  }))
  return [
    `# RouterOS ${version.text}`,
    ...menus
      .filter(({ rows }) => rows.length > 0)
      .flatMap(({ path, properties, rows }) => [path, ...rows.map((row) => addLine(row, properties))]),
    '',
  ].join('\n')
}

function addLine({ values }: Item, properties: MenuPlan['properties']): string {
  const shown = [...values].filter(([name, value]) => !LEFT_OUT.has(name) && properties[name]?.initial !== value)
  const words = shown.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${quoted(value)}`)
  return ['add', ...words].join(' ')
}

function quoted(value: string): string {
  const text = Buffer.from(value, 'latin1').toString('utf8')
  return /^[\w./:,+=!*-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`
}
