import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import * as v from 'valibot'
import type { ProblemCode } from '../problems/catalogue.ts'
import { asProblem, Problem } from '../problems/problem.ts'
import { AddDeviceRequest, JoinRequest, LeaveRequest, RegisterRequest } from '../protocol/messages.ts'
import type { Clock } from '../system/clock.ts'
import type { Log } from '../system/log.ts'
import type { Hub } from './hub.ts'
import type { Home } from './store-document.ts'
import { makeWrongSecrets, sourceOf } from './wrong-secrets.ts'

type RegistrarHub = Pick<
  Hub,
  'authenticate' | 'join' | 'register' | 'leave' | 'addDevice' | 'removeDevice' | 'listDevices'
>
type Call = Context<{ Bindings: HttpBindings }>
type Status = 400 | 401 | 403 | 404 | 409 | 410 | 413 | 429 | 500 | 503

/** A join with 32 prefixes has 1 KiB. */
const LARGEST_BODY = 16 * 1024

/** What each problem is in HTTP; whatever is not here is a fault of ours. */
const STATUS: Partial<Record<ProblemCode, Status>> = {
  'request-invalid': 400,
  'prefix-invalid': 400,
  'device-name-invalid': 400,
  'home-unknown': 401,
  'token-unknown': 403,
  'device-missing': 404,
  'lan-overlaps': 409,
  'device-exists': 409,
  'network-full': 409,
  'token-expired': 410,
  'token-used': 410,
  'body-too-large': 413,
  'rate-limited': 429,
  'write-failed': 503,
}

/** The endpoints of docs/protocol.md. Everything that comes in is checked here; nothing that goes out holds a secret. */
export function registrarApp(hub: RegistrarHub, clock: Clock, log: Log): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const wrongSecrets = makeWrongSecrets()

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
    const answer = await hub.join(request).catch((thrown: unknown) => {
      if (thrown instanceof Problem && thrown.code === 'token-unknown') throw wrongSecret(call, thrown)
      throw thrown
    })
    return call.json(answer)
  })

  app.post('/v1/register', async (call) => {
    const home = callerOf(call)
    return call.json(await hub.register(home, await bodyOf(call, RegisterRequest)))
  })

  app.get('/v1/devices', (call) => call.json(hub.listDevices(callerOf(call))))

  app.post('/v1/devices', async (call) => {
    const home = callerOf(call)
    return call.json(await hub.addDevice(home, await bodyOf(call, AddDeviceRequest)))
  })

  app.delete('/v1/devices/:name', async (call) => {
    await hub.removeDevice(callerOf(call), call.req.param('name'))
    return call.json({ done: true })
  })

  app.post('/v1/leave', async (call) => {
    const home = callerOf(call)
    await hub.leave(home, await bodyOf(call, LeaveRequest))
    return call.json({ done: true })
  })

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

  /** @throws {Problem} `home-unknown`, `rate-limited`. Right secrets are never counted, so a shared address harms nobody. */
  function callerOf(call: Call): Home {
    const [, bearer = ''] = /^Bearer ([\x21-\x7e]{1,128})$/.exec(call.req.header('authorization') ?? '') ?? []
    const home = hub.authenticate(bearer)
    if (home !== null) return home
    const why = 'the hub knows no home with this secret'
    throw wrongSecret(call, new Problem('home-unknown', { what: 'asking the hub', why }))
  }

  function wrongSecret(call: Call, problem: Problem): Problem {
    const address = call.env.incoming.socket.remoteAddress ?? ''
    const { count, tooMany } = wrongSecrets.count(address, clock.now())
    // Two lines a minute and source at most, whatever comes.
    if (count === 1) log.warn({ source: sourceOf(address), code: problem.code }, 'a wrong secret')
    if (!tooMany) return problem
    const why = `too many wrong secrets came from ${sourceOf(address)}`
    const limited = new Problem('rate-limited', { what: problem.what, why })
    return limited
  }
}

/** @throws {Problem} `request-invalid` that names the field and what belongs there, never what was there. */
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
  // valibot's own messages quote what came; only messages of ours, which have nothing expected, are repeated.
  const why = issue.expected === null ? `${field}: ${issue.message}` : `${field} must be ${issue.expected}`
  throw new Problem('request-invalid', { what, why })
}

function refuse(call: Call, problem: Problem, status: Status = STATUS[problem.code] ?? 500): Response {
  // Why something failed inside the hub is for its log, not for whoever asks.
  const why = status === 500 ? 'the hub could not do it; its log says why' : problem.why
  return call.json({ error: { code: problem.code, why, next: problem.next } }, status)
}
