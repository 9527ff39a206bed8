import { randomBytes } from 'node:crypto'
import type { Adapter } from '../../adapters/adapter.ts'
import type { TunnelSpec } from '../../adapters/spec.ts'
import { describeStep } from '../../adapters/describe-step.ts'
import type { Alerting } from '../../alerts/alerting.ts'
import { asProblem, Problem, reasonOf } from '../../problems/problem.ts'
import { prefixContains } from '../../protocol/addresses.ts'
import type {
  AlertTestAnswer,
  JoinAnswer,
  JoinRequest,
  LeaveRequest,
  RegisterAnswer,
  RegisterRequest,
} from '../../protocol/messages.ts'
import { formatToken } from '../../protocol/token.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { hubView, joinAnswer } from './answers.ts'
import type { Carriers } from '../carrier/carriers.ts'
import type { HubConfig } from '../settings/config.ts'
import { desiredTunnel } from '../machine/desired.ts'
import { type DeviceDesk, makeDeviceDesk } from './device-desk.ts'
import type { Asker, DeviceInput } from '../core/devices.ts'
import type { EchoResponder } from '../presence/echo-responder.ts'
import type { HeartbeatResponder } from '../presence/heartbeat-responder.ts'
import type { HeardOnce } from '../presence/heard-once.ts'
import { makeHomeSigns } from '../presence/home-signs.ts'
import type { Identity } from '../settings/identity.ts'
import { type Circumstances, invite, type InviteInput } from '../core/invitation.ts'
import { join } from '../core/joining.ts'
import type { Occupied } from '../core/lan.ts'
import { knock } from '../machine/knock.ts'
import type { Mappings } from '../presence/mappings.ts'
import { noteMappings } from '../presence/note-mappings.ts'
import { ledPorts } from '../core/led-ports.ts'
import { makePresences } from '../presence/presence.ts'
import { makePublishing, type Publishing } from './publishing.ts'
import { makeReconciler } from '../machine/reconciler.ts'
import { register } from '../core/registration.ts'
import { leave, removeHome, type Removed } from '../core/removal.ts'
import { hashOf, type SecretHash, sameHash } from '../core/secret.ts'
import type { SshPorts } from '../machine/ssh-ports.ts'
import { ONLY_22 } from '../core/led-ports.ts'
import { makeSessions } from '../machine/sessions.ts'
import { type HubStatus, hubStatus, type RegistrationNote } from '../report/status.ts'
import { type Change, type Home, homeNamed, type StoreDocument } from '../core/store-document.ts'
import type { Store } from '../store/store.ts'
import { hubAddressIn } from '../core/tunnel-network.ts'
import { freeAlternatePorts } from '../machine/served-ports.ts'
import { makeVisitors } from './visitors.ts'
import type { Whereabouts } from '../presence/whereabouts.ts'
import type { Witness } from '../presence/witness.ts'
import type { WordOf } from '../presence/word.ts'

/** All the hub does, whoever asks: the registrar for homes, the socket for the machine's owner. */
export interface Hub extends Omit<DeviceDesk, 'expireDevices'> {
  readonly config: HubConfig
  /** Who a bearer `HOME.SECRET` is; null when it is nobody. Takes the same time for known and unknown homes. */
  readonly authenticate: (bearer: string) => Home | null
  readonly join: (request: JoinRequest) => Promise<JoinAnswer>
  /** @param from the address that the home's call came from. */
  readonly register: (caller: Home, request: RegisterRequest, from: string) => Promise<RegisterAnswer>
  readonly leave: (caller: Home, request: LeaveRequest) => Promise<void>
  /** A test by the hub's channels. @throws {Problem} `channel-missing`, `rate-limited`. */
  readonly testAlerts: (caller: Home, channel: string | null) => Promise<AlertTestAnswer>
  readonly invite: (input: InviteInput) => Promise<Invitation>
  /** The home is cut off when this ends. */
  readonly remove: (home: string) => Promise<Removed>
  readonly publications: Publishing
  readonly status: () => Promise<HubStatus>
  readonly document: () => StoreDocument
  /** Brings interface and firewall to what they should be. @throws {Problem} */
  readonly reconcile: () => Promise<void>
  /** The same for timers: a problem goes to the log, and the next time tries again. */
  readonly reconcileOrLog: () => Promise<void>
  /** Whether the witness saw every peer that there should be. */
  readonly isComplete: () => boolean
  /** Notes where everybody is, and how that changed for homes, and calls back those whose session was lost. Never throws. */
  readonly callBack: () => Promise<void>
  /** Notices SSH servers of this machine; a publication that covers one yields. Never throws. */
  readonly lookForSsh: () => Promise<void>
  /** @throws {Problem} `config-invalid` when these settings would take homes or devices their addresses. */
  readonly refuseSettings: (config: HubConfig) => void
  /** Takes other settings; the machine follows with the next reconcile. */
  readonly reconfigure: (config: HubConfig) => void
  readonly close: () => Promise<void>
}

export type DeviceRequest = DeviceInput

export interface Invitation {
  readonly home: string
  /** A secret. */
  readonly token: string
  readonly address: string
  readonly lan: readonly string[]
  readonly expiresAt: string
  /** The home exists: the join will give it a new key. */
  readonly known: boolean
}

export interface HubParts {
  readonly config: HubConfig
  readonly identity: Identity
  readonly store: Store
  readonly adapter: Adapter
  readonly witness: Witness
  readonly whereabouts: Whereabouts
  readonly mappings: Mappings
  readonly heardOnce: HeardOnce
  /** null where no daemon runs. */
  readonly heartbeats: HeartbeatResponder | null
  /** null where no daemon runs, as above. */
  readonly carriers: Carriers | null
  /** null where no daemon runs. */
  readonly echoes: EchoResponder | null
  readonly word: WordOf
  /** Who tells people; null where no daemon runs. */
  readonly alerting: Pick<Alerting, 'sign' | 'note' | 'take' | 'test'> | null
  readonly ownNetworks: (tunnelInterface: string) => readonly Occupied[]
  readonly servedPorts: (protocol: 'tcp' | 'udp') => Promise<ReadonlySet<number>>
  /** Without it 22 alone. */
  readonly ssh?: SshPorts
  readonly clock: Clock
  readonly log: Log
}

/** Where nobody looks for them. */
const NO_SSH: SshPorts = {
  ports: () => ONLY_22,
  look: async () => undefined,
  settled: async () => undefined,
  close: async () => undefined,
}

/** A test goes to people: nobody shall be able to flood them. */
const MOST_TESTS = 10

/** Compared with when there is no such home, so that this costs what a wrong secret costs. */
const NOBODY: SecretHash = hashOf(randomBytes(32).toString('hex'))

export function makeHub(parts: HubParts): Hub {
  const { identity, store, adapter, witness, heartbeats, echoes, carriers, alerting, ssh = NO_SSH, clock, log } = parts
  const presences = makePresences(parts)
  const signs = alerting === null ? null : makeHomeSigns(alerting, witness, presences, clock)
  const registrations = new Map<string, RegistrationNote>()
  const sessions = makeSessions({
    ...parts,
    reconciler: () => reconciler,
    interfaceName: () => config.interface,
    knock,
  })
  const visitors = makeVisitors()
  let { config } = parts
  let alternatePorts: readonly number[] = []
  let sshSeen = ssh.ports()
  /** When the last tests were. */
  let tested: readonly number[] = []
  const reconciler = makeReconciler({
    adapter,
    desired,
    onStep: (step) => {
      log.info({ step: step.kind }, describeStep(step))
      if (step.kind === 'set-peers') sessions.beginAnew(step.peers)
    },
  })
  const followFor = (asker: Asker, done: string): Promise<void> =>
    asker === null ? reconcileFor(done) : reconcileOrLog()
  const devices = makeDeviceDesk({
    config: () => config,
    publicKey: identity.publicKey,
    store,
    update: (act) => change((now) => (document) => act(document, now)),
    follow: followFor,
    followOrLog: reconcileOrLog,
    sighting: witness.sighting,
    today: clock.wall,
    log,
  })
  serve()

  /** Tells those who answer homes by themselves whom to answer from now on. */
  function serve(): void {
    visitors.serve(store.document)
    heartbeats?.serve(hubAddressIn(config.network), store.document.homes, visitors.isNews)
    echoes?.serve(store.document.homes)
    carriers?.serve(store.document.homes, config.port)
  }

  /** Changes the store; when something changed, the machine follows before this ends. */
  async function change<Result>(
    make: (circumstances: Circumstances) => (document: Store['document']) => Change<Result>,
  ) {
    const own = parts.ownNetworks(config.interface)
    const act = make({ network: config.network, own, now: clock.wall() })
    // Judged inside: others' changes may come between the call and its turn.
    let changed = false
    const result = await store.update((document) => {
      const [next, result] = act(document)
      changed = next !== document
      return [next, result] as const
    })
    if (changed) serve()
    return { result, changed }
  }

  async function desired(): Promise<TunnelSpec> {
    alternatePorts = await portsToTake()
    // What WireGuard learned by itself must not be replaced by what is remembered: looked at just before.
    await witness.look()
    return desiredTunnel(config, identity.publicKey, store.document, alternatePorts, sessions.placeOf, ssh.ports())
  }

  /** Those of the last run; where none has ended, as without a daemon, what a run would find. */
  async function warnings(): Promise<readonly string[]> {
    if (reconciler.warnings !== null) return reconciler.warnings
    try {
      const observed = await adapter.observe(config.interface, AbortSignal.timeout(10_000))
      return adapter.plan(observed, await desired()).warnings
    } catch {
      // A machine that cannot be looked at has a problem, which reconciling reports.
      return []
    }
  }

  async function reconcileOrLog(): Promise<void> {
    const before = reconciler.problem?.message
    const warned = reconciler.warnings ?? []
    try {
      await reconciler.reconcile()
      for (const warning of reconciler.warnings ?? []) if (!warned.includes(warning)) log.warn(warning)
      if (before !== undefined) log.info('interface and firewall are as they should be again')
    } catch (thrown) {
      const { code, message } = asProblem(thrown, 'reconciling')
      // It is tried again every half minute: said once, until it changes.
      if (message !== before) log.error({ code }, message)
    }
  }

  /** For the owner at the hub, who wants to know when the machine did not follow. */
  async function reconcileFor(done: string): Promise<void> {
    try {
      await reconciler.reconcile()
    } catch (thrown) {
      const { code, what, why, next } = asProblem(thrown, 'reconciling')
      throw new Problem(code, { what, why: `${done}, but the machine did not follow: ${why}`, next, cause: thrown })
    }
  }

  async function callBack(): Promise<void> {
    await devices
      .expireDevices()
      .catch((thrown: unknown) => log.error({ why: reasonOf(thrown) }, 'a device could not be removed'))
    await presences.note(store.document.homes)
    signs?.look(store.document.homes)
    await noteMappings(store.document.homes, parts)
    await sessions.callBack()
  }

  /** The home's peer begins anew. */
  async function resetPeer(home: Home): Promise<void> {
    if (!(await sessions.forget(home))) return
    await reconcileOrLog()
    await witness.look()
    await callBack()
  }

  async function portsToTake(): Promise<readonly number[]> {
    const published = ledPorts(store.document.publications, ssh.ports()).ports.filter(
      ({ protocol }) => protocol === 'udp',
    )
    const served = await parts.servedPorts('udp')
    return freeAlternatePorts(config, new Set([...served, ...published.map(({ port }) => port)]))
  }

  return {
    get config() {
      return config
    },

    authenticate: (bearer) => {
      const dot = bearer.indexOf('.')
      const home = homeNamed(store.document, bearer.slice(0, Math.max(0, dot)))
      const right = sameHash(hashOf(bearer.slice(dot + 1)), home?.secretHash ?? NOBODY)
      return right ? home : null
    },

    join: async (request) => {
      const { result, changed } = await change((now) => (document) => join(document, request, identity.publicKey, now))
      const { home, repeated } = result
      if (changed) {
        registrations.delete(home.name)
        log.info({ home: home.name, address: home.address, lan: home.lan }, 'a home joined')
        await reconcileOrLog()
      } else if (repeated) {
        log.info({ home: home.name }, 'a home asked for its join again')
      }
      return joinAnswer(home, config, identity.publicKey, alternatePorts)
    },

    register: async (caller, request, from) => {
      const { result: home, changed } = await change(
        (now) => (document) => register(document, caller, request, identity.publicKey, now),
      )
      const count = (registrations.get(home.name)?.count ?? 0) + 1
      registrations.set(home.name, { at: clock.wall().toISOString(), monotonic: clock.now(), count })
      const { reason, lastMapping, listenPort, mtu } = request
      log.info({ home: home.name, reason, lastMapping, listenPort, mtu, changed }, 'a home registered')
      visitors.heard(home.name, request.visitors)
      if (request.nextPublicKey === undefined) sessions.followKey(caller.publicKey, home.publicKey)
      if (request.reset) await resetPeer(home)
      else if (changed || witness.sighting(home.publicKey) === null) {
        await reconcileOrLog()
        await witness.look()
        if (changed) await callBack()
      }
      const word = await parts.word(home, from)
      const view = hubView(witness.sighting(home.publicKey), heartbeats?.heardSeconds(home.address) ?? null, word)
      const { publicKey } = home
      presences.expect(home.name, request.heartbeatSeconds)
      const incidents = request.incidents === undefined ? undefined : await alerting?.take(home.name, request.incidents)
      return {
        view,
        publicKey,
        ...(incidents === undefined ? {} : { incidents }),
        alternatePorts: [...alternatePorts],
        visitors: visitors.isWanted(home.name),
        hubTime: clock.wall().toISOString(),
      }
    },

    leave: async (caller, request) => {
      const { result } = await change(() => (document) => leave(document, caller, request))
      registrations.delete(caller.name)
      log.info({ home: caller.name, reopenInvite: request.reopenInvite, devices: result.devices }, 'a home left')
      await reconcileOrLog()
    },

    testAlerts: async (caller, channel) => {
      const what = `testing the hub’s channels for ${caller.name}`
      tested = tested.filter((at) => clock.now() - at < 60_000)
      if (tested.length >= MOST_TESTS)
        throw new Problem('rate-limited', { what, why: `there were ${MOST_TESTS} within a minute` })
      tested = [...tested, clock.now()]
      return { channels: [...((await alerting?.test(channel)) ?? [])] }
    },

    invite: async (input) => {
      const joinSecret = randomBytes(32).toString('base64url')
      const { result } = await change((now) => (document) => invite(document, input, hashOf(joinSecret), now))
      const { home, address, lan, expiresAt } = result.invite
      log.info({ home, address, lan, expiresAt, known: result.known }, 'a home was invited')
      const token = formatToken({
        home,
        addresses: config.addresses,
        port: config.port,
        hubPublicKey: identity.publicKey,
        certificate: identity.fingerprint,
        joinSecret,
      })
      return { home, token, address, lan, expiresAt, known: result.known }
    },

    remove: async (name) => {
      const { result } = await change(
        ({ now }) =>
          (document) =>
            removeHome(document, name, now),
      )
      registrations.delete(name)
      log.info({ home: name, devices: result.devices }, 'a home was removed')
      await reconcileFor(`the home ${name} is removed from the store`)
      return result
    },

    addDevice: devices.addDevice,
    removeDevice: devices.removeDevice,
    listDevices: devices.listDevices,

    publications: makePublishing({
      config: () => config,
      store,
      update: (act) =>
        change(
          ({ now }) =>
            (document) =>
              act(document, now),
        ),
      adapter,
      reconciler,
      follow: followFor,
      served: parts.servedPorts,
      ssh,
      proof: (home) => ({
        home,
        hubProblem: () => reconciler.problem?.message ?? null,
        heardSeconds: () => heartbeats?.heardSeconds(home.address) ?? null,
        isReady: () => (heartbeats === null ? null : visitors.isReady(home.name)),
        clock,
      }),
      log,
    }),

    document: () => store.document,

    status: async () =>
      hubStatus({
        config,
        identity,
        document: store.document,
        // A machine that cannot say what it is has a problem, which reconciling reports.
        machine: await adapter.describe(AbortSignal.timeout(10_000)).catch(() => null),
        witness,
        heartbeats,
        presences,
        carriers,
        mappings: parts.mappings,
        registrations,
        alternatePorts: await portsToTake(),
        sshPorts: ssh.ports(),
        problem: reconciler.problem,
        warnings: await warnings(),
        now: clock.now(),
        today: clock.wall(),
      }),

    reconcile: reconciler.reconcile,
    reconcileOrLog,
    isComplete: sessions.isComplete,
    callBack,

    lookForSsh: async () => {
      await ssh.look()
      if (ssh.ports() === sshSeen) return
      sshSeen = ssh.ports()
      await reconcileOrLog()
    },

    refuseSettings: (next) => {
      const lost = [...store.document.homes, ...store.document.devices].find(
        ({ address }) => !prefixContains(next.network, address) || address === hubAddressIn(next.network),
      )
      if (lost !== undefined)
        throw new Problem('config-invalid', {
          what: 'taking the new settings',
          why: `network: ${lost.name} has ${lost.address} of ${config.network}, which ${next.network} does not leave to it`,
        })
    },

    reconfigure: (next) => {
      config = next
      serve()
    },

    close: async () => {
      heartbeats?.close()
      echoes?.close()
      carriers?.close()
      await ssh.close()
      await reconciler.settled()
      await parts.mappings.save('now')
      await adapter.close()
    },
  }
}
