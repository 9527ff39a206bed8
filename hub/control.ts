import { dirname } from 'node:path'
import * as v from 'valibot'
import type { Alerting } from '../alerts/alerting.ts'
import { CidrSchema } from '../protocol/addresses.ts'
import {
  AddDeviceRequest,
  type AddDeviceAnswer,
  type DeviceList,
  type RotateDeviceAnswer,
  RotateDeviceRequest,
} from '../protocol/messages.ts'
import {
  AddPublicationRequest,
  type ProofAnswer,
  type Publication,
  type PublicationList,
  type PublishedRange,
} from '../protocol/publications.ts'
import { PickupLockSchema } from '../protocol/pickup.ts'
import { Problem } from '../problems/problem.ts'
import { makeFolder } from '../system/files/atomic-file.ts'
import { askLocal, type LocalHandler, serveLocal } from '../system/sockets/local-socket.ts'
import type { Invitation } from './service/homes.ts'
import type { DeviceRequest, DeviceRotation, Hub } from './service/hub.ts'
import type { IdentityReport } from './report/identity-report.ts'
import type { RotateHow } from './service/identity-change.ts'
import type { Revocation } from './service/revoke-other.ts'
import type { ListedRequest, MemberFacts } from './rights/member-facts.ts'
import type { Gift } from './rights/gift.ts'
import type { InviteInput } from './core/invitation.ts'
import type { NetworkMove } from './core/move-network.ts'
import type { PublicationInput } from './core/publications.ts'
import type { Removed } from './core/removal.ts'
import type { HubStatus } from './report/status.ts'
import { type Holder, HOLDER } from './take-socket.ts'

/** Operations that the machine's owner can ask of the hub: over the socket, or of a hub opened for one command. */
export interface HubVerbs {
  readonly invite: { readonly input: InviteInput; readonly answer: Invitation }
  readonly remove: { readonly input: { readonly home: string }; readonly answer: Removed }
  readonly status: { readonly input: null; readonly answer: HubStatus }
  readonly reconcile: { readonly input: null; readonly answer: null }
  readonly 'network-preview': { readonly input: { readonly network: string }; readonly answer: NetworkMove }
  readonly 'device-add': { readonly input: DeviceRequest; readonly answer: AddDeviceAnswer }
  readonly 'device-rotate': { readonly input: DeviceRotation; readonly answer: RotateDeviceAnswer }
  readonly 'device-list': { readonly input: null; readonly answer: DeviceList }
  readonly 'publication-add': { readonly input: PublicationInput; readonly answer: Publication }
  readonly 'publication-list': { readonly input: null; readonly answer: PublicationList }
  readonly 'publication-check': { readonly input: PublishedRange; readonly answer: ProofAnswer }
  readonly 'publication-remove': { readonly input: PublishedRange; readonly answer: Publication }
  readonly 'home-show': { readonly input: { readonly home: string }; readonly answer: MemberFacts }
  readonly 'home-give': { readonly input: { readonly home: string } & Gift; readonly answer: MemberFacts }
  readonly 'revoke-other': {
    readonly input: { readonly home: string; readonly now: boolean; readonly expiresInMs: number }
    readonly answer: Revocation
  }
  readonly 'rotate-identity': { readonly input: RotateHow; readonly answer: IdentityReport }
  readonly identity: { readonly input: null; readonly answer: IdentityReport }
  readonly requests: { readonly input: null; readonly answer: readonly ListedRequest[] }
  readonly approve: { readonly input: { readonly id: string }; readonly answer: ListedRequest }
  readonly refuse: { readonly input: { readonly id: string }; readonly answer: ListedRequest }
  /** null: no daemon runs that could send it. */
  readonly 'alert-test': {
    readonly input: { readonly channel: string | null }
    readonly answer: Awaited<ReturnType<Alerting['test']>> | null
  }
  readonly 'alert-channels': { readonly input: null; readonly answer: ReturnType<Alerting['channels']> | null }
  readonly 'device-remove': { readonly input: { readonly name: string }; readonly answer: null }
}

export type HubVerb = keyof HubVerbs
type Handlers = { readonly [Verb in HubVerb]: (hub: Hub, input: unknown) => Promise<HubVerbs[Verb]['answer']> }

/** How often to try: each attempt ends at the socket, or at another process that holds it for a moment. */
const MOST_ATTEMPTS = 10

/** How long an answer may take: an apply may take a minute. */
const ANSWER_TIMEOUT_MS = 90_000

const InviteSchema = v.object({
  home: v.string(),
  lan: v.array(CidrSchema),
  expiresInMs: v.pipe(v.number(), v.integer(), v.minValue(1)),
  // Words, which the operation reads: it knows what the home has already.
  may: v.optional(v.nullable(v.string()), null),
  quota: v.optional(v.nullable(v.string()), null),
  pickup: v.optional(v.nullable(PickupLockSchema), null),
})
const GiftSchema = v.object({ home: v.string(), may: v.nullable(v.string()), quota: v.nullable(v.string()) })
const RevokeSchema = v.object({ home: v.string(), now: v.boolean(), expiresInMs: InviteSchema.entries.expiresInMs })
const RotateSchema = v.object({
  when: v.picklist(['announce', 'now', 'cancel', 'stolen']),
  leaveBehind: v.boolean(),
})
const RequestIdSchema = v.object({ id: v.string() })
// The operations check names, and give the better message.
const DeviceSchema = v.object({ ...v.omit(AddDeviceRequest, ['version']).entries, name: v.string() })
const RotationSchema = v.object({ ...v.omit(RotateDeviceRequest, ['version']).entries, name: v.string() })

const PublicationInputSchema = v.object({
  ...v.omit(AddPublicationRequest, ['version']).entries,
  home: v.optional(v.nullable(v.string()), null),
})
const PublishedRangeSchema = v.pick(AddPublicationRequest, ['protocol', 'port', 'lastPort'])

const handlers: Handlers = {
  invite: (hub, input) => hub.invite(v.parse(InviteSchema, input)),
  'network-preview': (hub, input) => hub.previewNetwork(v.parse(v.object({ network: CidrSchema }), input).network),
  remove: (hub, input) => hub.remove(v.parse(v.object({ home: v.string() }), input).home),
  status: (hub) => hub.status(),
  reconcile: async (hub) => {
    await hub.reconcile()
    return null
  },
  'device-add': (hub, input) => hub.addDevice(null, v.parse(DeviceSchema, input)),
  'device-rotate': (hub, input) => hub.rotateDevice(null, v.parse(RotationSchema, input)),
  'publication-add': (hub, input) => hub.publications.add(null, v.parse(PublicationInputSchema, input)),
  'publication-list': async (hub) => hub.publications.list(null),
  'publication-check': (hub, input) => hub.publications.check(null, v.parse(PublishedRangeSchema, input)),
  'publication-remove': (hub, input) => hub.publications.remove(null, v.parse(PublishedRangeSchema, input)),
  'device-list': async (hub) => hub.listDevices(null),
  'home-show': async (hub, input) => hub.members.show(v.parse(v.object({ home: v.string() }), input).home),
  'home-give': (hub, input) => {
    const { home, ...gift } = v.parse(GiftSchema, input)
    return hub.members.give(home, gift)
  },
  'revoke-other': (hub, input) => hub.revokeOther(v.parse(RevokeSchema, input)),
  'rotate-identity': (hub, input) => hub.identity.rotate(v.parse(RotateSchema, input)),
  identity: async (hub) => hub.identity.report(),
  requests: async (hub) => hub.members.requests(),
  approve: (hub, input) => hub.members.approve(v.parse(RequestIdSchema, input).id),
  refuse: (hub, input) => hub.members.refuse(v.parse(RequestIdSchema, input).id),
  'alert-test': (hub, input) =>
    hub.testOwnAlerts(v.parse(v.object({ channel: v.nullable(v.string()) }), input).channel),
  'alert-channels': async (hub) => hub.alertChannels(),
  'device-remove': async (hub, input) => {
    await hub.removeDevice(null, v.parse(v.object({ name: v.string() }), input).name)
    return null
  },
}

function controlHandler(hub: Hub): LocalHandler {
  return async (verb, input) => {
    if (!Object.hasOwn(handlers, verb))
      throw new Problem('request-invalid', { what: 'answering a local command', why: 'the daemon does not know it' })
    return await handlers[verb as HubVerb](hub, input)
  }
}

export interface Asked<Verb extends HubVerb> {
  readonly answer: HubVerbs[Verb]['answer']
  /** False: no daemon ran, so that this process did the work. */
  readonly daemon: boolean
}

/**
 * Asks the running daemon. Where none runs, opens the hub in this process for one command, holding the daemon's socket,
 * so that the store has one writer at any time; others that ask meanwhile are answered through it.
 */
export async function askHub<Verb extends HubVerb>(
  socket: string,
  verb: Verb,
  input: HubVerbs[Verb]['input'],
  open: () => Promise<WithHub>,
): Promise<Asked<Verb>> {
  for (let attempt = 1; ; attempt += 1) {
    const asked = await askLocal(socket, verb, input, ANSWER_TIMEOUT_MS)
    // The other end is this same program, behind a socket that only root and the service's user may open.
    if (asked !== null) return { answer: asked.answer as HubVerbs[Verb]['answer'], daemon: true }
    try {
      return { answer: await openedHere(socket, open, ({ hub }) => handlers[verb](hub, input)), daemon: false }
    } catch (thrown) {
      // Somebody took the socket between the question and the attempt, and will answer.
      if (!(thrown instanceof Problem) || thrown.code !== 'already-running' || attempt === MOST_ATTEMPTS) throw thrown
    }
  }
}

/** Opens the hub once the socket is held, and closes both. */
async function openedHere<Answer>(
  socket: string,
  open: () => Promise<WithHub>,
  use: (opened: WithHub) => Promise<Answer>,
): Promise<Answer> {
  const listener = startupGate('command', open)
  await makeFolder(dirname(socket))
  const server = await serveLocal(socket, 0o600, listener.handler)
  try {
    return await use(await listener.open())
  } finally {
    await server.close()
    await listener.close()
  }
}

/** Asks the running daemon only; null: none runs. @throws {Problem} the daemon's own, or `no-answer`. */
export async function askHubDaemon<Verb extends HubVerb>(
  socket: string,
  verb: Verb,
  input: HubVerbs[Verb]['input'],
): Promise<HubVerbs[Verb]['answer'] | null> {
  const asked = await askLocal(socket, verb, input, ANSWER_TIMEOUT_MS)
  return asked === null ? null : (asked.answer as HubVerbs[Verb]['answer'])
}

interface WithHub {
  readonly hub: Hub
}

interface StartupGate<Opened extends WithHub> {
  /** Makes questions wait until the hub is open. */
  readonly handler: LocalHandler
  readonly open: () => Promise<Opened>
  readonly close: () => Promise<void>
}

/**
 * Opens the hub after the socket: only its holder may read the store, yet questions may come before that, and who holds
 * it is said at once.
 */
export function startupGate<Opened extends WithHub>(holder: Holder, open: () => Promise<Opened>): StartupGate<Opened> {
  let begin: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    begin = resolve
  }).then(open)
  // Whoever opens hears of a failure; a mere waiter must not end the process.
  opened.catch(() => undefined)
  return {
    handler: async (verb, input) => (verb === HOLDER ? holder : controlHandler((await opened).hub)(verb, input)),
    open: () => {
      begin()
      return opened
    },
    close: async () => {
      const { hub } = await opened.catch(() => ({ hub: null }))
      await hub?.close()
    },
  }
}
