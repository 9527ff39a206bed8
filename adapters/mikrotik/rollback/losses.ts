import { Trap } from '../api/api.ts'
import { parseMark } from '../objects/mark.ts'
import type { Menu } from '../objects/menus.ts'
import type { KeptRow } from './snapshot.ts'

/** Something that could not be put back as it was. */
export interface Loss {
  readonly menu: Menu
  readonly name: string
  readonly why: string
}

/** Collects what a router refuses: no row keeps the others from being put back. */
export interface Losses {
  readonly all: () => readonly Loss[]
  readonly note: (menu: Menu, row: Pick<KeptRow, 'key' | 'attributes'>, why: string) => void
  /** @returns whether the act succeeded. @throws errors other than a refusal, such as a line that ended. */
  readonly attempt: (menu: Menu, row: Pick<KeptRow, 'key' | 'attributes'>, act: () => Promise<void>) => Promise<boolean>
}

/** The category of an interrupted command (RouterOS manual, API): it may still be executed. */
const INTERRUPTED = 2

export function collectLosses(): Losses {
  const losses: Loss[] = []
  const note: Losses['note'] = (menu, row, why) => void losses.push({ menu, name: nameOf(menu, row), why })
  return {
    all: () => losses,
    note,
    attempt: async (menu, row, act) => {
      try {
        await act()
        return true
      } catch (thrown) {
        if (!(thrown instanceof Trap) || thrown.category === INTERRUPTED) throw thrown
        note(menu, row, saidBy(thrown))
        return false
      }
    },
  }
}

export function saidBy({ message }: Trap): string {
  return `the router says “${message}”`
}

/** The losses for people, e.g. `7 filter rules, the peer H2pK… (the interface hw0 is gone)`. */
export function lossText(losses: readonly Loss[]): string {
  const reasons = [...new Set(losses.map(({ why }) => why))]
  return reasons.map((why) => `${listed(losses.filter((loss) => loss.why === why))} (${why})`).join('; ')
}

function listed(losses: readonly Loss[]): string {
  const menus = [...new Set(losses.map(({ menu }) => menu))]
  return menus
    .map((menu) => {
      const names = losses.filter((loss) => loss.menu === menu).map(({ name }) => name)
      const { one, many } = WORDS[menu]
      return names.length === 1 ? `the ${one} ${names[0]}` : `${names.length} ${many}`
    })
    .join(', ')
}

const WORDS = {
  interface: { one: 'interface', many: 'interfaces' },
  peer: { one: 'peer', many: 'peers' },
  address: { one: 'address', many: 'addresses' },
  route: { one: 'route to', many: 'routes' },
  filter: { one: 'filter rule', many: 'filter rules' },
  nat: { one: 'NAT rule', many: 'NAT rules' },
  mangle: { one: 'mangle rule', many: 'mangle rules' },
} as const satisfies Record<Menu, { readonly one: string; readonly many: string }>

function nameOf(menu: Menu, { key, attributes }: Pick<KeptRow, 'key' | 'attributes'>): string {
  if (menu === 'interface') return attributes['name'] ?? key
  if (menu === 'route') return attributes['dst-address'] ?? key
  if (menu === 'peer' || menu === 'address') return key
  return parseMark(attributes['comment'])?.name ?? key
}
