import { networkInterfaces } from 'node:os'
import { findRouters } from '../../adapters/discovery/find-routers.ts'
import { API_PORTS } from '../../adapters/discovery/greeting.ts'
import type { FoundRouter } from '../../adapters/discovery/routers.ts'
import { readGateway } from '../../agent/lan/gateway.ts'
import { isOnInternet } from '../../net/on-internet.ts'
import { quoted } from '../../problems/printable.ts'
import type { RouterOptions } from '../home/router-options.ts'
import { tell } from '../output.ts'
import { withProgress } from './progress.ts'
import { askChoice, type Choice, leftOff } from './questions.ts'

const NAMES = { mikrotik: 'MikroTik', openwrt: 'OpenWrt' } as const

/** Where the tunnel ends, without a login. */
export type TunnelEnd = Pick<RouterOptions, 'router' | 'host' | 'plain'>

/**
 * Looks for routers, says what it found, and asks where the tunnel ends where there is a choice.
 * @throws {Problem} `interrupted`.
 */
export async function chooseEnd(): Promise<TunnelEnd> {
  const found = await withProgress('Looking for routers that the tunnel could end on', () => interruptible(look))
  for (const router of found) tell(`  ${foundText(router)}`)
  const fit = found.filter(({ kind }) => kind !== null)
  if (fit.length === 0) {
    tell('So the tunnel ends on this machine. (Another router: --router mikrotik or openwrt, and --host.)')
    return { router: 'linux' }
  }
  const here: Choice<string> = {
    value: HERE,
    label: 'This machine',
    hint: 'works with every router, and needs no login to one',
  }
  const choices = fit.map((router) => ({ value: router.address, label: labelOf(router), hint: hintOf(router) }))
  const chosen = await askChoice('Where does the tunnel end?', [here, ...choices], HERE)
  const router = fit.find(({ address }) => address === chosen)
  return router === undefined ? { router: 'linux' } : endOn(router)
}

const HERE = 'here'

async function look(signal: AbortSignal): Promise<readonly FoundRouter[]> {
  const gateway = await readGateway(signal)
  return await findRouters(
    { gateway: typeof gateway === 'string' ? null : gateway.address, own: lanAddresses() },
    signal,
  )
}

/** Ctrl-C ends it: questions see that by themselves. @throws {Problem} `interrupted`. */
async function interruptible<Result>(act: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const ending = new AbortController()
  const end = (): void => ending.abort()
  const names = ['SIGTERM', 'SIGINT'] as const
  for (const name of names) process.on(name, end)
  const result = await act(ending.signal).finally(() => {
    for (const name of names) process.off(name, end)
  })
  if (ending.signal.aborted) throw leftOff()
  return result
}

/** A MikroTik that offers its API without encryption only is taken as it is: joining warns of that. */
function endOn({ kind, address, ports }: FoundRouter): TunnelEnd {
  const plain = kind === 'mikrotik' && ports.has(API_PORTS.plain) && !ports.has(API_PORTS.tls)
  return { router: kind ?? 'linux', host: address, ...(plain ? { plain } : {}) }
}

/** One line about a router. Its own words stand in quotes. */
export function foundText(router: FoundRouter): string {
  const { address, kind, isGateway, signs } = router
  const out = isGateway ? ', which leads to the internet' : ''
  if (kind === null) return `The router at ${address}${out}, is none that homeward can set up.`
  return `${labelOf(router)}${out}: ${signs.join('; ')}.`
}

function labelOf({ kind, address, name, model }: FoundRouter): string {
  const says = [name, model].filter((text) => text !== null).map((text) => quoted(text, 60))
  return `${kind === null ? 'Router' : NAMES[kind]} at ${address}${says.length === 0 ? '' : ` (${says.join(', ')})`}`
}

function hintOf({ kind, ports }: FoundRouter): string {
  if (kind === 'openwrt') return 'asks for the password of its root'
  if (ports.has(API_PORTS.tls)) return 'asks for the password of the user that homeward router mikrotik-setup makes'
  if (ports.has(API_PORTS.plain)) return 'its API is not encrypted: the password could be read on the way'
  return 'its API is closed: homeward router mikrotik-setup prints what opens it'
}

/** One address for each link of a home network. */
function lanAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => {
    const first = all?.find(({ family, internal, address }) => family === 'IPv4' && !internal && !isOnInternet(address))
    return first === undefined ? [] : [first.address]
  })
}
