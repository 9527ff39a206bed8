import { randomBytes } from 'node:crypto'
import type { GivenChannels } from './given-channels.ts'
import type { Alerting } from '../../alerts/alerting.ts'
import type { JoinAnswer, JoinRequest, LeaveRequest, RegisterAnswer, RegisterRequest } from '../../protocol/messages.ts'
import { proofOf } from '../../protocol/pickup.ts'
import { formatToken } from '../../protocol/token.ts'
import type { Log } from '../../system/process/log.ts'
import type { Clock } from '../../system/time/clock.ts'
import { invite, type InviteInput } from '../core/invitation.ts'
import { join } from '../core/joining.ts'
import { newestCertificate, toldSuccessions } from '../core/hand-over.ts'
import { sortedLan } from '../core/lan.ts'
import { namedTargets, outgoingOf } from '../core/publications.ts'
import type { ToldAddresses } from './told-addresses.ts'
import { register } from '../core/registration.ts'
import { pickUp, pickupOf } from '../core/pickup.ts'
import { leave, removeHome, type Removed } from '../core/removal.ts'
import { hashOf, type SecretHash, sameHash } from '../core/secret.ts'
import { type Home, homeNamed } from '../core/store-document.ts'
import { hubAddressIn } from '../core/tunnel-network.ts'
import type { Follow } from '../machine/follow.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { type Identities, machinesText, type Twice } from '../presence/kept/kept-identities.ts'
import type { HeartbeatResponder } from '../presence/heartbeat-responder.ts'
import type { Presences } from '../presence/presence.ts'
import type { PeerMonitor } from '../presence/peer-monitor.ts'
import type { PeerViewOf } from '../presence/peer-view.ts'
import type { RegistrationNote } from '../report/status.ts'
import type { OwnIdentity } from '../settings/own-identity.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import { hubView, joinAnswer } from './answers.ts'
import type { SourceMeasuring } from '../visitors/kept-sources.ts'
import type { Proving } from '../proving/proving.ts'
import type { GatheredHomes } from './gather-homes.ts'
import type { Update } from './update.ts'
import type { Wishes } from './wishes.ts'
import type { Visitors } from '../visitors/visitors.ts'

/** Operations on homes: they join, register, and leave. */
export interface Homes {
  /** The home of a bearer `HOME.SECRET`; null when there is none. Takes the same time for known and unknown homes. */
  readonly authenticate: (bearer: string) => Home | null
  readonly join: (request: JoinRequest) => Promise<JoinAnswer>
  /** @param from the address that the home's call came from. */
  readonly register: (caller: Home, request: RegisterRequest, from: string) => Promise<RegisterAnswer>
  readonly leave: (caller: Home, request: LeaveRequest) => Promise<void>
  /** Shows that the hub's certificate is the one that whoever has the code with this hash is looking for. */
  readonly provePickup: (hash: SecretHash) => string
  /** Gives the token that waits for this secret, once. */
  readonly pickUp: (secret: string) => Promise<string>
  readonly invite: (input: InviteInput) => Promise<Invitation>
  /** Removes a home, which is cut off when this ends. */
  readonly remove: (home: string) => Promise<Removed>
}

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

export interface HomesDeps {
  readonly settings: Pick<Settings, 'current'>
  readonly identity: Pick<OwnIdentity, 'publicKey' | 'fingerprint' | 'handOver'>
  readonly store: Pick<Store, 'document'>
  readonly update: Update
  readonly wishes: Pick<Wishes, 'note'>
  readonly machine: Pick<Follow, 'alternatePorts' | 'reconcileOrLog' | 'follow' | 'followKey' | 'resetPeer'>
  readonly peerMonitor: Pick<PeerMonitor, 'statsOf' | 'look'>
  /** null where no daemon runs. */
  readonly heartbeats: Pick<HeartbeatResponder, 'heardSeconds'> | null
  readonly presences: Pick<Presences, 'expect'>
  readonly identities: Pick<Identities, 'registered' | 'twice'>
  readonly audit: Pick<AuditLog, 'note'>
  readonly visitors: Pick<Visitors, 'heard' | 'isWanted' | 'isReady' | 'told'>
  readonly measuring: Pick<SourceMeasuring, 'all'>
  /** null where no daemon runs. */
  readonly proving: Pick<Proving, 'toldTo'> | null
  readonly viewOf: PeerViewOf
  /** Homes that wait for the moment at which the hub changes its key. */
  readonly gathered: Pick<GatheredHomes, 'hold'>
  /** null where no daemon runs. */
  readonly alerting: Pick<Alerting, 'take'> | null
  readonly givenChannels: Pick<GivenChannels, 'tell'>
  /** The last registration of each home. */
  readonly registrations: Map<string, RegistrationNote>
  /** Where the hub is reached, as each home has heard. */
  readonly told: Pick<ToldAddresses, 'tell'>
  /** Of this homeward. Default: homes are not told. */
  readonly version?: string
  /** Looks at everybody, in addition to the look of each second. Never throws. */
  readonly recoverSessions: () => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** A hash to compare with when there is no such home, so that this takes as long as a wrong secret. */
const NOBODY: SecretHash = hashOf(randomBytes(32).toString('hex'))

/** Reasons of a home to register which say that its networks may have changed. */
const MAY_MOVE_ANSWERS: ReadonlySet<RegisterRequest['reason']> = new Set(['start', 'configuration', 'mapping-changed'])

export function makeHomes(deps: HomesDeps): Homes {
  const { settings, identity, store, update, machine, peerMonitor, heartbeats, visitors, registrations, clock, log } =
    deps

  /** Brings the machine to what the home needs, before the home is answered. */
  async function follow(home: Home, why: { readonly reset: boolean; readonly changed: boolean }): Promise<void> {
    if (why.reset) {
      if (await machine.resetPeer(home)) await deps.recoverSessions()
    } else if (why.changed || peerMonitor.statsOf(home.publicKey) === null) {
      await machine.reconcileOrLog()
      await peerMonitor.look()
      if (why.changed) await deps.recoverSessions()
    }
  }

  /** @returns the machines of a home that has two; null: one, as far as is known. */
  function noteMachine(home: Home, machine: RegisterRequest['machine'], from: string): Twice | null {
    const isNews = machine !== undefined && deps.identities.registered(home, machine, from)
    const twice = deps.identities.twice(home)
    if (isNews && twice !== null) {
      const what = machinesText(twice)
      log.warn({ home: home.name, machines: twice.machines }, 'two machines register as one home')
      deps.audit.note([{ home: home.name, by: 'home', act: 'shared', what: `its identity: ${what}`.slice(0, 400) }])
    }
    return twice
  }

  /** What a home is told of the hub's identity, where it trusts another certificate than the newest. */
  function identityFor(trusts: string | undefined): Pick<RegisterAnswer, 'identity'> {
    const { handOver, publicKey } = identity
    if (trusts === undefined || trusts === newestCertificate(handOver)) return {}
    const publicKeys = [publicKey, ...(handOver.next === null ? [] : [handOver.next.publicKey])]
    return { identity: { successions: toldSuccessions(handOver), publicKeys } }
  }

  function tokenFor(home: string, joinSecret: string): string {
    const { addresses, port } = settings.current
    return formatToken({
      home,
      addresses,
      port,
      hubPublicKey: identity.publicKey,
      certificate: identity.fingerprint,
      joinSecret,
    })
  }

  return {
    authenticate: (bearer) => {
      const dot = bearer.indexOf('.')
      const home = homeNamed(store.document, bearer.slice(0, Math.max(0, dot)))
      const secret = hashOf(bearer.slice(dot + 1))
      const isPresent = sameHash(secret, home?.secretHash ?? NOBODY)
      const isNext = sameHash(secret, home?.nextSecretHash ?? NOBODY)
      if (home === null || isPresent) return isPresent ? home : null
      return isNext ? { ...home, secretHash: secret } : null
    },

    join: async (request) => {
      const { result, changed } = await update(
        (document, now) => join(document, request, identity.publicKey, now),
        'home',
      )
      const { home, repeated } = result
      if (changed) {
        registrations.delete(home.name)
        log.info({ home: home.name, address: home.address, lan: home.lan }, 'a home joined')
        await machine.reconcileOrLog()
      } else if (repeated) {
        log.info({ home: home.name }, 'a home asked for its join again')
      }
      return joinAnswer(home, settings.current, identity.publicKey, machine.alternatePorts)
    },

    register: async (caller, request, from) => {
      // Whatever becomes of the rest: a copy must not stay unseen by asking for what is refused.
      const twice = noteMachine(caller, request.machine, from)
      const { result, changed } = await update(
        (document, now) => register(document, caller, request, identity.publicKey, now),
        'home',
      )
      const { home, waiting } = result
      if (waiting.length > 0) await deps.wishes.note(home.name, { kind: 'lan', lan: sortedLan(request.lan) })
      const count = (registrations.get(home.name)?.count ?? 0) + 1
      const runs = request.runs ?? null
      registrations.set(home.name, { at: clock.wall().toISOString(), monotonic: clock.now(), count, runs })
      const { reason, lastMapping, listenPort, mtu } = request
      // One each ten minutes and home is no news.
      const level = reason === 'periodic' && !changed ? 'debug' : 'info'
      log[level]({ home: home.name, reason, lastMapping, listenPort, mtu, changed }, 'a home registered')
      const wasReady = visitors.isReady(home.name)
      visitors.heard(home.name, request.visitors, request.outgoing)
      // The home begins to answer visitors, or may answer them by another way than before. Nobody waits for it.
      if (request.visitors && (!wasReady || MAY_MOVE_ANSWERS.has(reason))) void deps.measuring.all(home.name)
      if (request.nextPublicKey === undefined) machine.followKey(caller.publicKey, home.publicKey)
      await follow(home, { reset: request.reset, changed })
      const seen = await deps.viewOf(home, from)
      const view = hubView(peerMonitor.statsOf(home.publicKey), heartbeats?.heardSeconds(home.address) ?? null, seen)
      const { publicKey } = home
      visitors.told(home.name)
      deps.presences.expect(home.name, request.heartbeatSeconds)
      const incidents =
        request.incidents === undefined ? undefined : await deps.alerting?.take(home.name, request.incidents)
      // Only then the home waits long enough, and for nothing that it needs.
      if (request.reason === 'asked') await deps.gathered.hold(home.name)
      return {
        view,
        publicKey,
        secretAwaited: request.nextSecretHash !== undefined && home.nextSecretHash === request.nextSecretHash,
        ...(incidents === undefined ? {} : { incidents }),
        alternatePorts: [...machine.alternatePorts],
        waiting: [...waiting],
        shared: twice !== null,
        visitors: visitors.isWanted(home.name),
        named: namedTargets(store.document, home.name),
        ...(deps.proving === null ? {} : { published: deps.proving.toldTo(home.name) }),
        outgoing: outgoingOf(store.document, home.name),
        ...deps.givenChannels.tell(home.name),
        ...deps.told.tell(home.name),
        ...identityFor(request.trusts),
        certificate: identity.fingerprint,
        hubTime: clock.wall().toISOString(),
        ...(deps.version === undefined ? {} : { runs: deps.version }),
        place: {
          address: home.address,
          network: settings.current.network,
          hubAddress: hubAddressIn(settings.current.network),
        },
      }
    },

    leave: async (caller, request) => {
      const { result } = await update((document) => leave(document, caller, request), 'home')
      registrations.delete(caller.name)
      log.info({ home: caller.name, reopenInvite: request.reopenInvite, devices: result.devices }, 'a home left')
      await machine.reconcileOrLog()
    },

    invite: async (input) => {
      const joinSecret = randomBytes(32).toString('base64url')
      const { result } = await update((document, now) => invite(document, input, hashOf(joinSecret), now))
      const { home, address, lan, expiresAt } = result.invite
      log.info({ home, address, lan, expiresAt, known: result.known }, 'a home was invited')
      const token = tokenFor(home, joinSecret)
      return { home, token, address, lan, expiresAt, known: result.known }
    },

    provePickup: (hash) => proofOf(pickupOf(store.document, hash).pickup, identity.fingerprint),

    pickUp: async (secret) => {
      const joinSecret = randomBytes(32).toString('base64url')
      const { result } = await update(
        (document, { now }) => pickUp(document, hashOf(secret), hashOf(joinSecret), now),
        'home',
      )
      log.info({ home: result.home }, 'a token was picked up')
      return tokenFor(result.home, joinSecret)
    },

    remove: async (name) => {
      const { result } = await update((document, { now }) => removeHome(document, name, now))
      registrations.delete(name)
      log.info({ home: name, devices: result.devices }, 'a home was removed')
      await machine.follow(null, `the home ${name} is removed from the store`)
      return result
    },
  }
}
