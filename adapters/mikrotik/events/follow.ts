import { reasonOf } from '../../../problems/problem.ts'
import { branchSignal } from '../../../system/time/branch-signal.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { sleep } from '../../../system/time/sleep.ts'
import type { FollowEnd, Heard } from '../../follow.ts'
import type { Connection } from '../api/connection.ts'
import type { Session, StreamEnd } from '../api/session.ts'
import { MENUS, RULE_MENUS, STATIC } from '../objects/menus.ts'
import { HEEDED, type Heeded, type News } from './news.ts'

/** How often the session is asked whether it lives: a router that vanished says nothing, and so does one that is calm. */
const PULSE_MS = 8_000
const PULSE = { command: '/system/identity/print', attributes: { '.proplist': 'name' } } as const

/**
 * What no event is known to tell: the order of rules, and, as menus below /interface keep silent about it, which peers
 * went. Their numbers alone, of the owner's and ours.
 */
const NUMBERS = ([...RULE_MENUS, 'peer'] as const).map((menu) => ({
  command: `${MENUS[menu].path}/print`,
  attributes: { '.proplist': '.id' },
  queries: STATIC,
}))

/** More rows than people make: this router does not take queries here, and its routes or clients come by the thousand. */
const FLOOD = { rows: 300, withinMs: 10_000 } as const

/** How long a menu is not listened to: after a flood, and where the router has no such command. */
const LEFT_OUT_MS = { flood: 600_000, refused: 3_600_000 } as const

/**
 * Listens to the menus that hold what is ours (`listen`, manual, API), on the session that is kept anyway: the router
 * counts no other one, and what listens ends with it. A menu that cannot be listened to leaves the looks as they were:
 * then `begun` is not told, and what the others tell is still heard.
 */
export function makeFollow(
  connection: Connection,
  news: News,
  clock: Pick<Clock, 'now'>,
): (heard: Heard, signal: AbortSignal) => Promise<FollowEnd> {
  const leftOut = new Map<string, number>()

  return async (heard, signal) => {
    const life = branchSignal(signal)
    try {
      const session = await connection.session(life.signal)
      return await listening(session, heard, life.signal)
    } catch (thrown) {
      return { kind: 'ended', why: reasonOf(thrown) }
    } finally {
      life.end()
    }
  }

  async function listening(session: Session, heard: Heard, signal: AbortSignal): Promise<FollowEnd> {
    for (const [path, until] of leftOut) if (clock.now() >= until) leftOut.delete(path)
    const menus = HEEDED.filter(({ path }) => !leftOut.has(path))
    const refused: string[] = []
    const streams = menus.map(async (menu) => {
      const ended = await listenTo(menu, session, heard, signal)
      if (ended.kind !== 'refused') return `${menu.path}: ${ended.why}`
      leftOut.set(menu.path, clock.now() + LEFT_OUT_MS.refused)
      refused.push(`${menu.path}: ${ended.why}`)
      // The others may go on.
      return refused.length === menus.length ? ended.why : await new Promise<string>(() => undefined)
    })
    const over = Promise.race(streams)
    // Its answer comes after the refusals.
    await connection.exec(PULSE, signal)
    if (refused.length === menus.length)
      return { kind: 'unsupported', why: `it has no listen: ${refused.join('; ') || 'it was asked before'}` }
    if (leftOut.size === 0) heard.begun()
    const isWhole = leftOut.size === 0
    const why = await Promise.race([over, pulsing(session, isWhole, heard, signal)])
    return { kind: 'ended', why }
  }

  async function listenTo(menu: Heeded, session: Session, heard: Heard, signal: AbortSignal): Promise<StreamEnd> {
    const life = branchSignal(signal)
    let rows = 0
    let since = clock.now()
    const { path, properties, queries } = menu
    const attributes = { '.proplist': ['.id', '.dead', ...properties].join(',') }
    try {
      return await session.stream(
        { command: `${path}/listen`, attributes, queries },
        (row) => {
          if (clock.now() - since > FLOOD.withinMs) [rows, since] = [0, clock.now()]
          rows += 1
          if (rows > FLOOD.rows) {
            leftOut.set(path, clock.now() + LEFT_OUT_MS.flood)
            life.end()
          } else if (news.isNews(menu, row)) heard.changed()
        },
        life.signal,
      )
    } finally {
      life.release()
    }
  }

  /** @returns why nothing more is to be expected of this session, or why to begin again. */
  async function pulsing(session: Session, isWhole: boolean, heard: Heard, signal: AbortSignal): Promise<string> {
    for (let before = await numbersIn(signal); !signal.aborted; ) {
      await sleep(PULSE_MS, signal)
      if (signal.aborted) break
      // One that does not answer is closed.
      const now = await numbersIn(signal)
      if (now !== before) heard.changed()
      before = now
      if (!session.isOpen()) return 'the session ended'
      if (isWhole !== (leftOut.size === 0)) return 'some of it does not tell'
      if ([...leftOut.values()].some((until) => clock.now() >= until)) return 'all is asked for again'
    }
    return 'it was called off'
  }

  async function numbersIn(signal: AbortSignal): Promise<string> {
    const replies = await Promise.all(NUMBERS.map((print) => connection.exec(print, signal)))
    return JSON.stringify(replies.map(({ rows }) => rows.map((row) => row['.id'])))
  }
}
