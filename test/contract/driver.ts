import { createInterface } from 'node:readline'
import type { Adapter, Description, TunnelRepair } from '../../adapters/adapter.ts'
import type { Observation } from '../../adapters/observation.ts'
import type { Step } from '../../adapters/step.ts'
import { isProblemCode } from '../../problems/catalogue.ts'
import { asProblem, Problem } from '../../problems/problem.ts'
import { type Follower, makeFollower } from './follower.ts'
import type { OpenAdapter } from './machine.ts'

/**
 * An adapter in a process of its own, asked by lines of JSON: it can be killed at any moment, as an agent can. This file has
 * both ends.
 */
type DriverRequest =
  | { readonly id: number; readonly verb: 'describe' }
  | { readonly id: number; readonly verb: 'observe'; readonly pace?: 'calm' }
  | { readonly id: number; readonly verb: 'execute'; readonly step: Step }
  | { readonly id: number; readonly verb: 'remedy'; readonly remedy: TunnelRepair }
  /** Follows what the machine tells, until another adapter answers; answered when all is told, or why not. */
  | { readonly id: number; readonly verb: 'follow' }
  /** Answered by how often a change was told, once that is more often than so. */
  | { readonly id: number; readonly verb: 'told'; readonly after: number }
  /** From here on another adapter answers, which knows nothing of this one. */
  | { readonly id: number; readonly verb: 'again' }

interface DriverReply {
  readonly id: number
  readonly answer?: unknown
  readonly problem?: { readonly code: string; readonly what: string; readonly why: string; readonly next: string }
}

/** The process's end: answers from standard input to standard output until that is closed. @param make a fresh one. */
export function serveDriver(make: () => Adapter): void {
  let adapter = make()
  let follower = makeFollower(adapter)
  const answerTo = async (request: DriverRequest): Promise<void> => {
    if (request.verb !== 'again') return await answer({ adapter, follower }, request)
    await follower.stop()
    await adapter.close()
    adapter = make()
    follower = makeFollower(adapter)
    console.log(JSON.stringify({ id: request.id } satisfies DriverReply))
  }
  createInterface({ input: process.stdin })
    .on('line', (line) => void answerTo(JSON.parse(line) as DriverRequest))
    .once('close', () => process.exit(0))
  console.log(JSON.stringify({ id: 0 } satisfies DriverReply))
}

/** The process, as far as the test's end needs it. */
export interface DriverProcess {
  readonly write: (line: string) => void
  /** The first line that matches. */
  readonly waitForLine: (pattern: RegExp, options?: { readonly timeoutMs?: number }) => Promise<RegExpExecArray>
  readonly stop: () => Promise<unknown>
  /** SIGKILL, and waits for the end. */
  readonly kill: () => Promise<void>
}

/** The test's end. @param plan is pure, and done here. */
export async function driveAdapter(running: DriverProcess, plan: Adapter['plan']): Promise<OpenAdapter> {
  const { adapter } = await drive(running, plan)
  return { ...adapter, close: async () => void (await running.stop()) }
}

/** Adapters one after the other. */
export interface Drivers {
  readonly open: () => Promise<OpenAdapter>
  readonly close: () => Promise<void>
}

/**
 * Each adapter is fresh, in the process of the one before if that was closed: a start of Node costs more than most of what is
 * tried. One that was killed took its process along.
 */
export function openDrivers(start: () => DriverProcess, plan: Adapter['plan']): Drivers {
  const idle: Driver[] = []
  return {
    open: async () => {
      const driver = idle.pop() ?? (await drive(start(), plan))
      const close = async (): Promise<void> => {
        await driver.ask('again')
        idle.push(driver)
      }
      return { ...driver.adapter, close }
    },
    close: async () => {
      await Promise.all(idle.map(({ running }) => running.stop()))
    },
  }
}

interface Driver {
  readonly running: DriverProcess
  readonly adapter: Omit<OpenAdapter, 'close'>
  readonly ask: (verb: 'again') => Promise<unknown>
}

async function drive(running: DriverProcess, plan: Adapter['plan']): Promise<Driver> {
  await running.waitForLine(/^{"id":0}$/)
  let last = 0
  const ask = async (request: DriverRequest): Promise<unknown> => {
    running.write(`${JSON.stringify(request)}\n`)
    return replyTo(running, request.id)
  }
  return {
    running,
    ask: (verb) => ask({ id: (last += 1), verb }),
    adapter: {
      describe: async () => (await ask({ id: (last += 1), verb: 'describe' })) as Description,
      observe: async (_signal, pace) =>
        (await ask({ id: (last += 1), verb: 'observe', ...(pace === undefined ? {} : { pace }) })) as Observation,
      plan,
      execute: async (step) => void (await ask({ id: (last += 1), verb: 'execute', step })),
      remedy: async (remedy) => void (await ask({ id: (last += 1), verb: 'remedy', remedy })),
      hear: async () => (await ask({ id: (last += 1), verb: 'follow' })) as string | null,
      told: async (after) => (await ask({ id: (last += 1), verb: 'told', after })) as number,
      kill: running.kill,
    },
  }
}

async function replyTo(running: DriverProcess, id: number): Promise<unknown> {
  const match = await running.waitForLine(new RegExp(`^{"id":${id}[,}].*$`), { timeoutMs: 90_000 })
  const { answer, problem } = JSON.parse(match[0]) as DriverReply
  if (problem === undefined) return answer
  const { code, ...details } = problem
  throw new Problem(isProblemCode(code) ? code : 'internal', details)
}

interface Served {
  readonly adapter: Adapter
  readonly follower: Follower
}

async function answer(served: Served, request: Exclude<DriverRequest, { verb: 'again' }>): Promise<void> {
  let reply: DriverReply
  try {
    reply = { id: request.id, answer: (await carryOut(served, request)) ?? null }
  } catch (thrown) {
    const { code, what, why, next } = asProblem(thrown, request.verb)
    reply = { id: request.id, problem: { code, what, why, next } }
  }
  console.log(JSON.stringify(reply))
}

function carryOut({ adapter, follower }: Served, request: Exclude<DriverRequest, { verb: 'again' }>): Promise<unknown> {
  const signal = AbortSignal.timeout(60_000)
  switch (request.verb) {
    case 'describe':
      return adapter.describe(signal)
    case 'observe':
      return adapter.observe(signal, request.pace)
    case 'execute':
      return adapter.execute(request.step, signal)
    case 'remedy':
      return adapter.remedy(request.remedy, signal)
    case 'follow':
      return follower.begin()
    case 'told':
      return follower.told(request.after, signal)
    default:
      return request satisfies never
  }
}
