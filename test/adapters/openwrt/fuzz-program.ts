import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { applyDesired } from '../../../adapters/apply.ts'
import { openwrtAdapter } from '../../../adapters/openwrt/openwrt.ts'
import type { HostKey } from '../../../adapters/openwrt/ssh/host-key.ts'
import { asProblem } from '../../../problems/problem.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { only } from '../only.ts'

/**
 * The adapter behind a line that goes bad, as a program on the laboratory's Pi: told by lines of JSON what to bring the router
 * to and what happens to the line meanwhile. Argument: a file with its options.
 */
export interface FuzzOptions {
  readonly host: string
  readonly hostKey: HostKey
  readonly loginFile: string
  readonly keyFile: string
  readonly rollbackSeconds: number
}

/** Once, when so many bytes have come from the router. */
export interface LineFault {
  readonly kind: 'none' | 'cut' | 'garbage' | 'stall'
  readonly afterBytes: number
}

export interface FuzzRequest {
  readonly id: number
  readonly goal: TunnelSpec | null
  readonly fault: LineFault
}

export interface FuzzAnswer {
  readonly id: number
  /** That came from the router. */
  readonly bytes: number
  /** Whether the line went bad before all was done. */
  readonly isStruck: boolean
  /** null: carried out. */
  readonly problem: { readonly code: string; readonly why: string } | null
  readonly isSettled: boolean
  /** Errors that nobody caught, since the program began. */
  readonly strays: readonly string[]
  /** Connections that are left when all was closed. */
  readonly sockets: number
}

/** Far above the sum of all deadlines of one plan with one silent session. */
const UNSETTLED_MS = 120_000
const STALL_MS = 2_000

const { host, hostKey, loginFile, keyFile, rollbackSeconds } = JSON.parse(
  readFileSync(process.argv[2] ?? '', 'utf8'),
) as FuzzOptions
const strays: string[] = []
process.on('uncaughtException', (thrown) => void strays.push(thrown.stack ?? String(thrown)))
process.on('unhandledRejection', (thrown) => void strays.push(`unhandled: ${String(thrown)}`))

let fault: LineFault = { kind: 'none', afterBytes: 0 }
let seen = 0
const open = new Set<Socket>()

const relay = createServer((near) => {
  const far = connect(22, host)
  const both = [near, far]
  for (const socket of both) {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      open.delete(socket)
      for (const other of both) other.destroy()
    })
  }
  near.on('data', (chunk) => void far.write(chunk))
  far.on('data', (chunk: Buffer) => {
    seen += chunk.length
    const kind = seen < fault.afterBytes ? 'none' : fault.kind
    if (kind !== 'none') fault = { kind: 'none', afterBytes: 0 }
    if (kind === 'none') near.write(chunk)
    else if (kind === 'cut') near.destroy()
    else if (kind === 'garbage') near.write(randomBytes(chunk.length))
    else {
      far.pause()
      setTimeout(() => {
        near.write(chunk)
        far.resume()
      }, STALL_MS)
    }
  })
})
relay.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ id: 0 })))
createInterface({ input: process.stdin }).on('line', (line) => void answer(JSON.parse(line) as FuzzRequest))

async function answer({ id, goal, fault: asked }: FuzzRequest): Promise<void> {
  const adapter = openwrtAdapter({
    host: '127.0.0.1',
    port: (relay.address() as { port: number }).port,
    user: 'root',
    hostKey,
    login: async () => ({ kind: 'key', key: readFileSync(loginFile, 'utf8') }),
    privateKey: async () => readFileSync(keyFile, 'utf8').trim(),
    clock: systemClock,
    rollbackSeconds,
  })
  seen = 0
  fault = asked
  const applying = applyDesired(adapter, only(goal), AbortSignal.timeout(90_000)).then(
    () => null,
    (thrown: unknown) => asProblem(thrown, 'bringing the router there'),
  )
  const settled = await Promise.race([applying, sleep(UNSETTLED_MS).then(() => 'unsettled' as const)])
  const isStruck = asked.kind !== 'none' && fault.kind === 'none'
  const bytes = seen
  fault = { kind: 'none', afterBytes: 0 }
  await adapter.close()
  for (const until = Date.now() + 30_000; open.size > 0 && Date.now() < until; ) await sleep(20)
  const problem = settled === null || settled === 'unsettled' ? null : { code: settled.code, why: settled.why }
  const said: FuzzAnswer = {
    id,
    bytes,
    isStruck,
    problem,
    isSettled: settled !== 'unsettled',
    strays,
    sockets: open.size,
  }
  console.log(JSON.stringify(said))
}
