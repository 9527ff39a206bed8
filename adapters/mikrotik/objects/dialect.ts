import { oneLine, quoted } from '../../../problems/printable.ts'
import { Problem } from '../../../problems/problem.ts'
import type { Reply, Row, Session } from '../api/session.ts'
import { asRefusal, Trap } from '../api/trap.ts'
import { booleanIn } from '../api/values.ts'

/** Differences between versions of RouterOS, as far as they matter here. */
export interface Dialect {
  /** The version, e.g. `7.18.2`. */
  readonly version: string
  readonly major: number
  readonly minor: number
  /** The model, e.g. `RB5009UG+S+`, `CHR`. */
  readonly model: string
  /** The name that the owner gave the router. */
  readonly identity: string
  /** Whether peers have a name: RouterOS 7.15. */
  readonly peerName: boolean
  /** Whether the menu `/safe-mode` exists: RouterOS 7.18. */
  readonly safeMode: boolean
  /** Whether device-mode lets the scheduler work. Home boards shipped with 7.17 or later forbid that. */
  readonly allowsScheduler: boolean
}

const WHAT = 'asking the router for its version'
/** The longest name of a board or a host that is believed. */
const LONGEST_NAME = 64

/**
 * Asks the router for all of this once.
 * @throws {Problem} `router-version-unsupported` before RouterOS 7.1, which has no WireGuard; what `exec` throws.
 */
export async function probeDialect(exec: Session['exec'], signal: AbortSignal): Promise<Dialect> {
  const [resource, identity, deviceMode] = await Promise.all([
    printed(exec, '/system/resource/print', 'version,board-name', signal),
    printed(exec, '/system/identity/print', 'name', signal),
    deviceModeOf(exec, signal),
  ])
  const { version, major, minor } = versionIn(resource['version'])
  const isAtLeast = (wanted: number): boolean => major > 7 || minor >= wanted
  if (major < 7 || !isAtLeast(1)) {
    const why = `it is RouterOS ${version}, and WireGuard came with 7.1`
    throw new Problem('router-version-unsupported', { what: 'preparing the router', why })
  }
  return {
    version,
    major,
    minor,
    model: oneLine(resource['board-name'] ?? 'RouterOS').slice(0, LONGEST_NAME),
    identity: oneLine(identity['name'] ?? '').slice(0, LONGEST_NAME),
    peerName: isAtLeast(15),
    safeMode: isAtLeast(18),
    allowsScheduler: schedulerAllowedBy(deviceMode),
  }
}

/** Reads a version: `7.18.2 (stable)`, `7.19beta4 (testing)`, `6.49.10 (long-term)`. */
function versionIn(text = ''): Pick<Dialect, 'version' | 'major' | 'minor'> {
  const [version, major, minor] = /^(\d+)\.(\d+)(?:\.\d+)?(?:(?:alpha|beta|rc)\d+)?/.exec(text) ?? []
  if (version !== undefined) return { version, major: Number(major), minor: Number(minor) }
  throw new Problem('router-version-unsupported', {
    what: WHAT,
    why: `it answers ${quoted(text)}, which names no version`,
  })
}

async function printed(exec: Session['exec'], command: string, list: string, signal: AbortSignal): Promise<Row> {
  let reply: Reply
  try {
    reply = await exec({ command, attributes: { '.proplist': list } }, signal)
  } catch (thrown) {
    throw asRefusal(thrown, WHAT)
  }
  return reply.rows[0] ?? {}
}

/** The device-mode; null where there is none: older versions lack the menu, and some boards answer nothing in it. */
async function deviceModeOf(exec: Session['exec'], signal: AbortSignal): Promise<Row | null> {
  try {
    return (await exec({ command: '/system/device-mode/print' }, signal)).rows[0] ?? null
  } catch (thrown) {
    if (thrown instanceof Trap) return null
    throw thrown
  }
}

/** Mode `home` forbids the scheduler, and so does a flagged configuration (RouterOS manual, Device-mode). */
function schedulerAllowedBy(deviceMode: Row | null): boolean {
  if (deviceMode === null) return true
  const { mode, scheduler, flagged } = deviceMode
  if (flagged !== undefined && booleanIn(flagged)) return false
  return scheduler === undefined ? mode !== 'home' : booleanIn(scheduler)
}
