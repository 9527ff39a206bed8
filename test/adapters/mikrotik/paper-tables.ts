import { Trap } from '../../../adapters/mikrotik/api/api.ts'
import type { Row, Sentence, Session } from '../../../adapters/mikrotik/api/session.ts'
import type { Place } from '../../../adapters/mikrotik/objects/place.ts'

/** The tables of a router on paper: what commands do to rows, and nothing of the wire. */
export interface PaperTables extends Place {
  /** Adds a row as its owner would. @returns its `.id`. */
  readonly put: (path: string, row: Row) => string
  readonly rows: (path: string) => readonly Row[]
  /** All of it, without ids. */
  readonly text: () => string
  readonly save: () => string
  readonly load: (saved: string) => void
  /** Every command but prints. */
  readonly changes: () => readonly string[]
}

export function paperTables(): PaperTables {
  const tables = new Map<string, Row[]>()
  const changes: string[] = []
  let lastId = 0
  const table = (path: string): Row[] => {
    const rows = tables.get(path) ?? []
    tables.set(path, rows)
    return rows
  }

  function add(path: string, { 'place-before': before, ...attributes }: Readonly<Record<string, string>>): string {
    const rows = table(path)
    const id = `*${(lastId += 1).toString(16).toUpperCase()}`
    const where = before === undefined ? rows.length : indexOf(rows, before)
    if (rows[where]?.['dynamic'] === 'true') refuse('cannot place before a dynamic rule')
    const key = attributes['public-key']
    if (key !== undefined && rows.some((row) => row['public-key'] === key)) refuse('failure: entry already exists')
    rows.splice(where, 0, { '.id': id, ...defaults(path, attributes), ...spelled(attributes) })
    return id
  }

  const exec: Session['exec'] = async ({ command, attributes = {} }: Sentence) => {
    const path = command.slice(0, command.lastIndexOf('/'))
    const verb = command.slice(path.length + 1)
    const rows = table(path)
    if (verb === 'print') return { rows: rows.map((row) => picked(row, attributes['.proplist'])), ret: null }
    changes.push(command)
    const { '.id': id = '', ...rest } = attributes
    switch (verb) {
      case 'add':
        return { rows: [], ret: add(path, rest) }
      case 'set': {
        const index = indexOf(rows, id)
        rows[index] = { ...rows[index], ...spelled(rest) }
        return { rows: [], ret: null }
      }
      case 'remove':
        rows.splice(indexOf(rows, id), 1)
        return { rows: [], ret: null }
      default:
        return refuse('no such command')
    }
  }

  return {
    exec,
    signal: new AbortController().signal,
    put: (path, row) => add(path, row),
    rows: (path) => table(path),
    text: () =>
      [...tables]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([path, rows]) => rows.map((row) => `${path} ${words(row)}`))
        .join('\n'),
    save: () => JSON.stringify([...tables]),
    load: (saved) => {
      tables.clear()
      for (const [path, rows] of JSON.parse(saved) as [string, Row[]][]) tables.set(path, rows)
    },
    changes: () => changes,
  }
}

function defaults(path: string, attributes: Row): Row {
  if (path === '/interface/wireguard')
    return { mtu: '1420', 'public-key': `${attributes['name']?.padEnd(43, 'A')}=`.slice(-44), disabled: 'false' }
  return { disabled: 'false' }
}

/** Replies say true where commands say yes. */
function spelled(attributes: Row): Row {
  const entries = Object.entries(attributes).map(([name, value]) => [name, SPELLING[value] ?? value])
  return Object.fromEntries(entries) as Row
}

const SPELLING: Readonly<Record<string, string>> = { yes: 'true', no: 'false' }

function picked(row: Row, list: string | undefined): Row {
  const names = new Set(list?.split(','))
  return Object.fromEntries(Object.entries(row).filter(([name]) => names.has(name)))
}

function words(row: Row): string {
  return Object.entries(row)
    .filter(([name]) => name !== '.id')
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' ')
}

function indexOf(rows: readonly Row[], id: string): number {
  const index = rows.findIndex((row) => row['.id'] === id)
  return index === -1 ? refuse('no such item') : index
}

function refuse(message: string): never {
  throw new Trap({ message })
}
