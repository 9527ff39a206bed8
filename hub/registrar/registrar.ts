import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import * as v from 'valibot'
import { asProblem, Problem } from '../../problems/problem.ts'
import { ArrivalsRequest } from '../../protocol/arrivals.ts'
import {
  AddDeviceRequest,
  AlertTestRequest,
  JoinRequest,
  LeaveRequest,
  RegisterRequest,
  RotateDeviceRequest,
} from '../../protocol/messages.ts'
import { PickupRequest } from '../../protocol/pickup.ts'
import { AddPublicationRequest, parseRange, type PublishedRange } from '../../protocol/publications.ts'
import { DrillEndRequest, DrillRequest } from '../../protocol/drill.ts'
import type { Log } from '../../system/process/log.ts'
import type { Authentication } from './authentication.ts'
import type { Hub } from '../service/hub.ts'
import type { CallBudget, CallKind } from './call-budget.ts'
import { refusalOf, type RefusalStatus } from './refusal.ts'
import { SecretHashSchema } from '../core/secret.ts'
import type { Home } from '../core/store-document.ts'

type RegistrarHub = Pick<
  Hub,
  | 'join'
  | 'provePickup'
  | 'pickUp'
  | 'register'
  | 'leave'
  | 'addDevice'
  | 'removeDevice'
  | 'rotateDevice'
  | 'listDevices'
  | 'testAlerts'
  | 'publications'
  | 'identity'
  | 'arrivals'
  | 'drills'
>
type Call = Context<{ Bindings: HttpBindings }>

/** The largest body: a join with 32 prefixes has 1 KiB, a report of eight long outages 40. */
const LARGEST_BODY = 64 * 1024

/** The endpoints of docs/protocol.md. All input is checked here; no output holds a secret. */
export function registrarApp(
  hub: RegistrarHub,
  authentication: Authentication,
  budget: CallBudget,
  log: Log,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()

  app.use(
    bodyLimit({
      maxSize: LARGEST_BODY,
      onError: (call) => {
        const why = `the body has more than ${LARGEST_BODY} bytes`
        return refuse(call as Call, new Problem('body-too-large', { what: 'reading the request', why }))
      },
    }),
  )

  app.post('/v1/join', async (call) => {
    const request = await bodyOf(call, JoinRequest)
    const answer = await hub.join(request).catch((thrown: unknown) => raiseCounted(call, thrown))
    return call.json(answer)
  })

  // For whoever has the code of a cloud-init: first the hub shows that it is the one, then the token is given, once.
  app.get('/v1/pickup/:hash', (call) => {
    const hash = v.safeParse(SecretHashSchema, call.req.param('hash'))
    if (!hash.success)
      throw new Problem('request-invalid', { what: 'reading the request', why: 'the address names no code' })
    try {
      return call.json({ proof: hub.provePickup(hash.output) })
    } catch (thrown) {
      return raiseCounted(call, thrown)
    }
  })

  app.post('/v1/pickup', async (call) => {
    const { secret } = await bodyOf(call, PickupRequest)
    const token = await hub.pickUp(secret).catch((thrown: unknown) => raiseCounted(call, thrown))
    return call.json({ token })
  })

  app.post('/v1/register', async (call) => {
    return await forHome(call, 'register', async (home) =>
      hub.register(home, await bodyOf(call, RegisterRequest), addressOf(call)),
    )
  })

  app.get('/v1/devices', (call) => forHome(call, 'list', async (home) => hub.listDevices(home)))

  app.post('/v1/devices', async (call) => {
    return await forHome(call, 'change', async (home) => hub.addDevice(home, await bodyOf(call, AddDeviceRequest)))
  })

  app.post('/v1/devices/:name/key', async (call) => {
    return await forHome(call, 'change', async (home) => {
      const name = call.req.param('name')
      return await hub.rotateDevice(home, { ...(await bodyOf(call, RotateDeviceRequest)), name })
    })
  })

  app.delete('/v1/devices/:name', async (call) => {
    return await forHome(call, 'change', async (home) => {
      await hub.removeDevice(home, call.req.param('name'))
      return { done: true }
    })
  })

  app.get('/v1/publications', (call) => forHome(call, 'list', async (home) => hub.publications.list(home)))

  app.post('/v1/publications', async (call) => {
    return await forHome(call, 'change', async (home) =>
      hub.publications.add(home, await bodyOf(call, AddPublicationRequest)),
    )
  })

  app.delete('/v1/publications/:protocol/:ports', async (call) => {
    return await forHome(call, 'change', (home) => hub.publications.remove(home, rangeOf(call.req.param())))
  })

  app.post('/v1/publications/:protocol/:ports/check', async (call) => {
    return await forHome(call, 'check', (home) => hub.publications.check(home, rangeOf(call.req.param())))
  })

  app.post('/v1/alerts/test', async (call) => {
    return await forHome(call, 'alert-test', async (home) => {
      const { channel } = await bodyOf(call, AlertTestRequest)
      return await hub.testAlerts(home, channel)
    })
  })

  app.post('/v1/drill', async (call) => {
    return await forHome(call, 'drill', async (home) => hub.drills.begin(home, await bodyOf(call, DrillRequest)))
  })

  app.post('/v1/drill/end', async (call) => {
    return await forHome(call, 'drill', async (home) => {
      const { result } = await bodyOf(call, DrillEndRequest)
      return await hub.drills.end(home, result)
    })
  })

  app.post('/v1/arrivals', async (call) => {
    return await forHome(call, 'arrivals', async (home) => {
      const { nonce } = await bodyOf(call, ArrivalsRequest)
      return await hub.arrivals(home, nonce, addressOf(call))
    })
  })

  app.post('/v1/leave', async (call) => {
    const home = callerOf(call)
    await hub.leave(home, await bodyOf(call, LeaveRequest))
    return call.json({ done: true })
  })

  // For homes that pin an earlier certificate: they tell this hub nothing before it has shown that it is theirs.
  app.get('/v1/identity', (call) => call.json({ successions: hub.identity.successions() }))

  app.notFound((call) => {
    const why = 'the registrar has nothing at this address'
    return refuse(call, new Problem('request-invalid', { what: 'reading the request', why }), 404)
  })

  app.onError((thrown, call) => {
    const problem = asProblem(thrown, 'answering the request')
    if (problem.code === 'internal' || problem.code === 'write-failed')
      log.error({ code: problem.code, path: call.req.path, stack: thrown.stack }, problem.message)
    return refuse(call, problem)
  })

  return app

  /** Counts a secret that the hub does not know. @throws {Problem} the same, or `rate-limited`. */
  function raiseCounted(call: Call, thrown: unknown): never {
    const isUnknown = thrown instanceof Problem && thrown.code === 'token-unknown'
    throw isUnknown ? authentication.wrongSecret(addressOf(call), thrown) : thrown
  }

  /** Answers a home's call out of its budget. @throws {Problem} the call's own, `home-unknown`, `rate-limited`. */
  async function forHome(call: Call, kind: CallKind, answer: (home: Home) => Promise<object>): Promise<Response> {
    const home = callerOf(call)
    // As a daemon that has stopped: no answer, and the connection ends.
    if (hub.drills.isMuted(home)) {
      call.env.incoming.socket.destroy()
      return call.body(null)
    }
    return call.json(await budget.spend(home.name, kind, () => answer(home)))
  }

  /** @throws {Problem} `home-unknown`, `rate-limited`. */
  function callerOf(call: Call): Home {
    return authentication.homeOf(call.req.header('authorization'), addressOf(call))
  }
}

/** @throws {Problem} `request-invalid`. */
function rangeOf({ protocol, ports }: { readonly protocol: string; readonly ports: string }): PublishedRange {
  const range = parseRange(`${ports}/${protocol}`)
  if (range !== null) return range
  throw new Problem('request-invalid', { what: 'reading the request', why: 'the address names no ports' })
}

/** The address that the call comes from; empty when its connection is gone already. */
function addressOf(call: Call): string {
  return call.env.incoming.socket.remoteAddress ?? ''
}

/** @throws {Problem} `request-invalid` that names the field and its expected content, never the actual content. */
async function bodyOf<const Schema extends v.GenericSchema>(
  call: Call,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const what = 'reading the request'
  const body = await call.req.json<unknown>().catch(() => {
    throw new Problem('request-invalid', { what, why: 'its body is not JSON, or ended early' })
  })
  const result = v.safeParse(schema, body)
  if (result.success) return result.output
  const [issue] = result.issues
  const field = issue.path?.map((item) => String(item.key)).join('.') ?? 'the body'
  // valibot's own messages quote the input; only messages of ours, which have nothing expected, are repeated.
  const why =
    issue.type === 'max_length' && Array.isArray(issue.input)
      ? `${field} has ${issue.input.length} entries, and ${issue.requirement as number} are the most`
      : issue.expected === null
        ? `${field}: ${issue.message}`
        : `${field} must be ${issue.expected}`
  throw new Problem('request-invalid', { what, why })
}

function refuse(call: Call, problem: Problem, as?: RefusalStatus): Response {
  const { status, body } = refusalOf(problem, as)
  return call.json(body, status)
}
