import { quoted } from '../../problems/printable.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Adapter, Description } from '../adapter.ts'
import type { Observation } from '../observation.ts'
import { executing } from '../executing.ts'
import { routerAdapter } from '../router/router-adapter.ts'
import type { RouterAccess, Row } from './api/session.ts'
import { Trap } from './api/trap.ts'
import { keepConnection } from './api/connection.ts'
import { makeFollow } from './events/follow.ts'
import { makeNews } from './events/news.ts'
import { toObservation } from './convert.ts'
import { type Dialect, probeDialect } from './objects/dialect.ts'
import { questionFailed, stepFailed } from './api/errors.ts'
import { executeSteps } from './execute.ts'
import { handshakeTimes } from './handshake-times.ts'
import { type Menu, MENUS, readTables } from './objects/menus.ts'
import { listQueries } from './objects/raw.ts'
import { planMikrotik } from './plan.ts'
import { executeRepair } from './repair.ts'
import { MIKROTIK_STEPS, type MikrotikStep } from './steps.ts'
import { requireRights } from './rights.ts'
import { makeRollback } from './rollback/rollback.ts'

export interface MikrotikAdapterOptions extends RouterAccess {
  /** The folder of the journal of a change that is not kept yet. */
  readonly stateDir: string
  readonly clock: Clock
  /** How long the router waits to be told to keep a change. Default: 90. */
  readonly rollbackSeconds?: number
}

/** How long a change may wait to be kept: enough for a proof of the tunnel, and short enough to wait out. */
const ROLLBACK_SECONDS = 90

/** The adapter for a RouterOS 7 router, over its API. */
export function mikrotikAdapter(options: MikrotikAdapterOptions): Adapter {
  const { host, port, user, certificate, stateDir, clock, rollbackSeconds = ROLLBACK_SECONDS } = options
  const connection = keepConnection(options, clock)
  const handshakeAt = handshakeTimes(clock)
  const news = makeNews()
  let known: Dialect | null = null

  async function dialect(signal: AbortSignal): Promise<Dialect> {
    known = await probeDialect(connection.exec, signal)
    return known
  }

  const rollback = makeRollback({
    connection,
    host,
    access: { port, user, certificate },
    stateDir,
    clock,
    dialect,
  })

  async function describe(signal: AbortSignal): Promise<Description> {
    const { model, identity, version } = await dialect(signal)
    await requireRights(connection.exec, user, signal)
    return {
      kind: 'mikrotik',
      model: `MikroTik ${model} ${quoted(identity)}`,
      version,
      dataPlane: 'kernel',
      remedies: ['new-source-port', 'new-session', 'forget-flow', 'rebuild'],
    }
  }

  async function observe(signal: AbortSignal): Promise<Observation> {
    await rollback.recover(signal)
    const [tables, links, rules, members, settings] = await Promise.all([
      readTables(connection.exec, signal),
      connection.exec({ command: '/interface/print', attributes: { '.proplist': '.id,name,type,disabled' } }, signal),
      othersRows('/ip/firewall/raw/print', null, signal),
      othersRows('/interface/list/member/print', 'list,interface,disabled', signal),
      othersRows('/ip/settings/print', 'rp-filter', signal),
    ])
    for (const [menu, rows] of Object.entries(tables)) news.seen(MENUS[menu as Menu].path, rows)
    news.seen(
      '/interface',
      links.rows.filter(({ type }) => type === 'wg'),
    )
    const queries = listQueries(rules)
    const lists =
      queries === null
        ? []
        : await othersRows('/ip/firewall/address-list/print', 'list,address,disabled', signal, queries)
    const raw = { rules, members, lists }
    const observed = toObservation({ ...tables, links: links.rows, raw, settings: settings[0] ?? {} }, handshakeAt)
    return { ...observed, warnings: [...rollback.warnings(), ...observed.warnings] }
  }

  /** Rows of which nothing is ever changed; none where this user or version has no such menu. */
  async function othersRows(
    command: string,
    properties: string | null,
    signal: AbortSignal,
    queries: readonly string[] = [],
  ): Promise<readonly Row[]> {
    const attributes: Readonly<Record<string, string>> = properties === null ? {} : { '.proplist': properties }
    try {
      return (await connection.exec({ command, attributes, queries }, signal)).rows
    } catch (thrown) {
      if (thrown instanceof Trap) return []
      throw thrown
    }
  }

  async function execute(step: MikrotikStep, signal: AbortSignal): Promise<void> {
    switch (step.kind) {
      case 'arm-rollback':
        await rollback.recover(signal)
        return rollback.arm(step.interfaces, step.seconds, signal)
      case 'keep-changes':
        return rollback.keep(signal)
      case 'revert-changes':
        return rollback.revert(signal)
      case 'remove-interface':
        return rollback.removeInterface(step.interface, signal)
      default: {
        const { peerName } = known ?? (await dialect(signal))
        return executeSteps(step, { exec: rollback.exec, signal, peerName })
      }
    }
  }

  return routerAdapter({
    host,
    name: () => (known === null ? host : `${known.identity} (${host})`),
    reachedAt: () => connection.ends()?.remote ?? null,
    describe,
    observe,
    plan: (observed, desired, reached) => planMikrotik(observed, desired, { host: reached, rollbackSeconds }),
    execute: executing(MIKROTIK_STEPS, execute),
    follow: makeFollow(connection, news, clock),
    remedy: (remedy, signal) => executeRepair(remedy, { exec: connection.exec, signal }),
    close: () => {
      rollback.close()
      connection.close()
    },
    stepFailed,
    questionFailed,
  })
}
