import { randomInt } from 'node:crypto'
import type { Adapter } from '../../adapters/adapter.ts'
import { reasonOf } from '../../problems/problem.ts'
import type { IncidentAnswer, IncidentReport } from '../../protocol/incidents.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Ledger, MappingChange } from '../core/ledger.ts'
import { isUnknownAtHub } from '../core/unknown-home.ts'
import type { ClockGuard } from '../memory/clock-guard.ts'
import type { EventLog } from '../memory/event-log.ts'
import type { Happening } from '../memory/events.ts'
import type { LineMemory } from '../memory/line-memory.ts'
import { makeLifeWatch } from '../probes/life-watch.ts'
import { measureMappingLife } from '../probes/mapping-life.ts'
import { type Registering, registerHome } from '../registrar/registration.ts'
import { rotateKey, settleRotation } from '../rotation/key-rotation.ts'
import { makeKeyRotations } from '../rotation/rotate-keys.ts'
import { followRouterKey } from '../rotation/router-key.ts'
import { readEchoKey } from '../secrets/secrets.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { AgentPlaces } from '../settings/places.ts'
import { makeAssurance } from './assurance.ts'
import { makeHands, type Telling } from './hands.ts'
import { type Judge, makeJudge } from './judge.ts'
import { makeLoop } from './loop.ts'
import { leadOffCarrier } from './off-carrier.ts'
import type { Path } from './path.ts'
import { makeReader, type TunnelReading } from './reading.ts'
import type { Settings } from './settings.ts'
import { makeUpkeep } from './upkeep.ts'

/** A home's tunnel to one hub, with all that there is once per hub. */
export interface Tunnel {
  readonly settings: Settings
  readonly look: Judge['look']
  readonly read: () => Promise<TunnelReading>
  /** Tells the hub of incidents, and asks for what it knows of them; null: it was not reached, or knows no such home. Never throws. */
  readonly exchange: (incidents: IncidentReport) => Promise<IncidentAnswer | 'no-word' | null>
  /** Ends a change of the key that was cut off. Never throws; not before no other agent can be at it. */
  readonly begin: () => Promise<void>
  readonly run: (signal: AbortSignal) => Promise<void>
  /** Before the agent ends and takes the tunnel's carrier along. Never throws. */
  readonly offCarrier: () => Promise<void>
  readonly close: () => void
}

/** What a tunnel is given. */
export interface TunnelParts {
  /** The tunnel's own. */
  readonly places: AgentPlaces
  readonly settings: Settings
  /** Of the machine that the tunnel ends on. */
  readonly adapter: Adapter
  readonly events: Pick<EventLog, 'lastMapping' | 'mappingTimes'>
  readonly line: LineMemory
  readonly clockGuard: ClockGuard
  readonly telling: Telling
  readonly note: (happening: Happening) => void
  /** Whether the router that the tunnel ends on lets us in. */
  readonly routerAnswered: (answered: boolean) => void
  readonly clock: Clock
  readonly log: Log
  readonly hands?: typeof makeHands
}

/** People wait for the alarm: a registrar that is there answers sooner. */
const ASK_MS = 5_000

/**
 * Makes it in the order of use: the judge first, which takes what is heard at any time; then what changes the machine; then
 * what acts for the judge, and the loop. Nothing is named before it is there, so whatever is given here may call back at once.
 * @param signal ends what its hands have under way.
 */
export function openTunnel(parts: TunnelParts, signal: AbortSignal): Tunnel {
  const { places, settings, adapter, events, line, clockGuard, note, clock, log } = parts
  const { configDir, stateDir, runtimeDir } = places
  const config = (): TunnelConfig => settings.current
  const judge = makeJudge(
    config(),
    {
      ledger: ledgerFrom(events),
      firstSequence: randomInt(2 ** 32),
      spread: randomInt(1_000) / 1_000,
      mtu: Math.min(config().mtu, line.current.mtu ?? config().mtu),
      helped: line.current.helped,
      lifeSeconds: () => line.current.lifeSeconds,
    },
    clock,
  )
  const path: Path = {
    hubLiterals: null,
    endpoint: null,
    keepaliveSeconds: config().keepaliveSeconds,
    listenPort: null,
    carrier: null,
    visitors: line.current.visitors,
  }
  /** No registration with the old key may overtake the one that changes it. */
  const registrationMutex = makeMutex()
  const registering = (): Omit<Registering, 'reason'> => ({
    configDir,
    config: config(),
    lastMapping: judge.look().watch.ledger.current?.endpoint ?? null,
    listenPort: path.listenPort,
    hubLiterals: path.hubLiterals ?? [],
    mtu: line.current.mtu,
    visitors: path.visitors,
  })
  const isUp = (): boolean => judge.look().watch.health.kind === 'up'
  const assurance = makeAssurance({
    adapter,
    config,
    wasUp: isUp,
    followKey: (publicKey, cut) =>
      registrationMutex.runExclusive(async () => {
        const change = { stateDir, joined: settings.joined, registering: registering() }
        settings.takeKey(await followRouterKey(publicKey, change, cut))
        log.info({ publicKey }, 'the router has made a new key, and the hub is told')
        note({ kind: 'key', publicKey, why: null })
      }),
  })
  const { keeper, bring, expectChange, warnings } = makeUpkeep({
    places,
    adapter,
    config,
    line,
    path,
    clockGuard,
    assurance,
    notice: judge.notice,
    note,
    routerAnswered: parts.routerAnswered,
    log,
  })
  const follow = (): void => {
    expectChange()
    keeper.request()
  }
  const life = makeLifeWatch({
    line,
    way: () => (isUp() && path.carrier === null ? path.endpoint : null),
    measure: async (way, signal) => {
      const key = await readEchoKey(configDir)
      return await measureMappingLife(way, { home: config().hub.address, key, clock }, signal)
    },
    onMeasured: () => {
      judge.configure(config())
      follow()
    },
    clock,
    log,
  })
  const telling: Telling = {
    registered: parts.telling.registered,
    tell: (action, watch) => {
      parts.telling.tell(action, watch)
      // Another address is another NAT, perhaps of another carrier.
      if (action.kind === 'tell-mapping' && isElsewhere(action.change)) life.request()
    },
  }
  const hands = (parts.hands ?? makeHands)(
    {
      places,
      adapter,
      config,
      path,
      line,
      registering,
      bring: async (signal) => void (await bring(signal)),
      restore: keeper.request,
      follow,
      notice: judge.notice,
      telling,
      heardTime: clockGuard.heard,
      registrationMutex,
      clock,
      log,
    },
    signal,
  )
  const loop = makeLoop(config(), judge, hands, log)
  const rotations = makeKeyRotations(
    {
      expression: () => config().rotateKeys,
      isWell: () => isUp() && judge.look().watch.registration.registrar === 'reachable',
      rotate: () => {
        const { joined, takeKey: take } = settings
        return rotateKey({ places, adapter, registrationMutex, joined, registering: registering(), take, log })
      },
      note,
    },
    clock,
    log,
  )
  settings.onChange(() => {
    // Its names may lead elsewhere.
    path.hubLiterals = null
    loop.configure(config())
    rotations.configured()
    keeper.request()
  })
  return {
    settings,
    look: judge.look,
    read: makeReader({ clock, look: judge.look, adapter, warnings, config, events }),
    exchange: (incidents) =>
      registrationMutex.runExclusive(async () => {
        // It has no word for whom it does not know, and counts each such question.
        if (isUnknownAtHub(judge.look().watch)) return null
        const asked = { ...registering(), reason: 'incident', incidents, timeoutMs: ASK_MS } as const
        const { answer, problem } = await registerHome(asked, signal)
        if (problem !== null)
          log.info({ code: problem.code, why: problem.why }, 'the hub could not be told of incidents')
        return answer === null ? null : (answer.incidents ?? 'no-word')
      }),
    begin: async () => {
      const { joined, rotated } = settings
      settings.takeKey(await settleRotation({ adapter, joined, stateDir }, config().interface, rotated, log))
      keeper.request()
    },
    run: async (signal) => {
      await Promise.all([loop.run(signal), keeper.run(signal), life.run(signal), rotations.run(signal)])
    },
    offCarrier: async () => {
      try {
        const { endpoint } = path
        if (await leadOffCarrier(adapter, config(), runtimeDir, path))
          log.info({ endpoint }, 'the tunnel is led off the carrier')
      } catch (thrown) {
        log.warn({ why: reasonOf(thrown) }, 'the tunnel could not be led off the carrier')
      }
    },
    close: () => path.carrier?.close(),
  }
}

function isElsewhere({ from, to }: MappingChange): boolean {
  return from !== null && from.endpoint.address !== to.endpoint.address
}

/** The ledger goes on where the last agent left it. */
function ledgerFrom(events: Pick<EventLog, 'lastMapping'>): Ledger {
  const last = events.lastMapping()
  if (last === null) return { current: null, changes: 0 }
  return { current: { endpoint: { address: last.address, port: last.port }, since: null }, changes: last.changes }
}
