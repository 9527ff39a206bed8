/**
 * Loaded before a daemon (`node --expose-gc --import`): its clock runs as the real one until SIGUSR2, then it is ahead by
 * the milliseconds in the file that MOVABLE_CLOCK names, and every timer due by then fires once, as after a suspend. What
 * the heap holds after all garbage is collected, in bytes, is written beside it (`.heap`). The kernel's clocks, WireGuard's
 * and AbortSignal.timeout's stay as they are.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { performance } from 'node:perf_hooks'
import timers from 'node:timers'
import waiting from 'node:timers/promises'

/** What Node 20 and 22 keep in a timer (lib/internal/timers.js); refresh() starts it anew by `_idleTimeout`. */
interface Kept extends NodeJS.Timeout {
  _idleTimeout: number
  _destroyed: boolean
}

const path = process.env['MOVABLE_CLOCK']
if (path === undefined) throw new Error('the movable clock has no file: set MOVABLE_CLOCK')

let aheadMs = 0
const realNow = Date.now.bind(Date)
const realMonotonic = performance.now.bind(performance)
const RealDate = Date
const realHrtime = process.hrtime.bind(process)
const realBigint = process.hrtime.bigint.bind(process.hrtime)
const now = () => realMonotonic() + aheadMs
performance.now = now

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given: [], caller) =>
    Reflect.construct(target, given.length === 0 ? [realNow() + aheadMs] : given, caller) as Date,
  get: (target, name, receiver) =>
    name === 'now' ? () => realNow() + aheadMs : (Reflect.get(target, name, receiver) as unknown),
})
process.hrtime = Object.assign(
  (since?: [number, number]): [number, number] => {
    const [seconds, nanoseconds] = realHrtime()
    const all = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds) + BigInt(aheadMs) * 1_000_000n
    const from = since === undefined ? 0n : BigInt(since[0]) * 1_000_000_000n + BigInt(since[1])
    return [Number((all - from) / 1_000_000_000n), Number((all - from) % 1_000_000_000n)]
  },
  { bigint: () => realBigint() + BigInt(aheadMs) * 1_000_000n },
)

/** Weakly, so that the clock itself keeps nothing alive that the daemon has let go. */
const kept = new Map<number, WeakRef<Kept>>()
const gone = new FinalizationRegistry<number>((id) => kept.delete(id))
let nextId = 0

function keep(timer: NodeJS.Timeout): NodeJS.Timeout {
  const held = timer as Kept
  const delayMs = held._idleTimeout
  let dueMs = now() + delayMs
  const refresh = held.refresh.bind(held)
  const id = nextId++
  dueOf.set(held, () => dueMs)
  held.refresh = () => {
    held._idleTimeout = delayMs
    dueMs = now() + delayMs
    return refresh()
  }
  sooner.set(held, (leftMs) => {
    held._idleTimeout = leftMs
    refresh()
  })
  kept.set(id, new WeakRef(held))
  gone.register(held, id)
  return timer
}
const dueOf = new WeakMap<Kept, () => number>()
const sooner = new WeakMap<Kept, (leftMs: number) => void>()

function patch<Start extends typeof setTimeout | typeof setInterval>(start: Start): Start {
  const patched = (...given: Parameters<Start>) =>
    keep((start as (...args: Parameters<Start>) => NodeJS.Timeout)(...given))
  return Object.assign(patched, start)
}
globalThis.setTimeout = patch(setTimeout)
globalThis.setInterval = patch(setInterval)
timers.setTimeout = globalThis.setTimeout
timers.setInterval = globalThis.setInterval
waiting.setTimeout = async <T>(
  delayMs?: number,
  value?: T,
  { signal, ref = true }: { signal?: AbortSignal | undefined; ref?: boolean | undefined } = {},
) => {
  const aborted = () =>
    Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), {
      name: 'AbortError',
      code: 'ABORT_ERR',
    })
  if (signal?.aborted === true) throw aborted()
  return new Promise<T>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(aborted())
    }
    const timer = globalThis.setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve(value as T)
    }, delayMs)
    if (!ref) timer.unref()
    signal?.addEventListener('abort', stop, { once: true })
  })
}
syncBuiltinESMExports()

process.on('SIGUSR2', () => {
  aheadMs += Number(readFileSync(path, 'utf8'))
  for (const [id, weak] of kept) {
    const timer = weak.deref()
    // One that has fired or was cleared is in no list any more.
    if (timer === undefined || timer._destroyed) kept.delete(id)
    else sooner.get(timer)?.(Math.max(1, Math.ceil((dueOf.get(timer)?.() ?? 0) - now())))
  }
  globalThis.gc?.()
  writeFileSync(`${path}.new`, String(process.memoryUsage().heapUsed))
  renameSync(`${path}.new`, `${path}.heap`)
})
