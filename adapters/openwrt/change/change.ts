import { randomBytes } from 'node:crypto'
import { quoted } from '../../../problems/printable.ts'
import { asProblem, Problem } from '../../../problems/problem.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { type PrivateKey, parsePrivateKey } from '../../../wireguard/keys.ts'
import { enrolWriter, isAtWork, retireWriter, type Writer } from '../../router/writer.ts'
import { applyScript, END, FORGET, keepScript, revertScript, STATUS, SWEEP } from './change-script.ts'
import { toObservation } from '../observe/convert.ts'
import { type Connection, Refused } from '../ssh/exec.ts'
import { flashFull } from '../flash/flash-full.ts'
import { look, type Look } from '../observe/look.ts'
import { runner } from './make-run.ts'
import type { OpenwrtObservation } from '../observe/observation.ts'
import { isInterface, keyOf, PRIVATE_KEY, type Section, tunnelOf } from '../uci/sections.ts'
import type { Outcome } from '../ssh/ssh.ts'
import { digest, FOLDER, type Include, tunnelInclude } from '../include/include.ts'
import { includeLines } from '../include/put-include.ts'
import { unconfirmedApply } from '../uci/luci-apply.ts'
import { stage, type StagedStep } from './stage.ts'
import { batchLines } from '../uci/uci-text.ts'

/**
 * A change of a router's configuration: steps are gathered, committed all at once, and undone by the router itself
 * unless it is told to keep them. One at a time.
 */
export interface Change {
  readonly arm: (tunnels: readonly string[], seconds: number, signal: AbortSignal) => Promise<void>
  readonly isArmed: () => boolean
  readonly gather: (step: StagedStep) => void
  readonly activate: (signal: AbortSignal) => Promise<void>
  /** Keeps the change, once the router is proven in order over a new connection. */
  readonly keep: (signal: AbortSignal) => Promise<void>
  readonly revert: (signal: AbortSignal) => Promise<void>
  /** Undoes what a process that is gone had changed and not kept, and removes what it left; true when there was something. */
  readonly recover: (seen: Look, signal: AbortSignal) => Promise<boolean>
  /** Closes; what is not kept is the router's to undo from here on. */
  readonly close: () => void
}

export interface ChangeDeps {
  /** The router as its owner named it. */
  readonly host: string
  readonly connection: Connection
  readonly clock: Clock
  /** Reads the private half of a key. */
  readonly privateKey: (publicKey: string) => Promise<string>
}

interface Armed {
  readonly tunnels: readonly string[]
  readonly seconds: number
  readonly token: string
  readonly writer: Writer
  /** All sections that were there, anybody's. */
  readonly found: readonly Section[]
  /** The sections that shall be there. */
  wanted: readonly Section[]
  /** The files of rules that were there. */
  readonly includes: OpenwrtObservation['includes']
  /** Those that shall be there. */
  rules: readonly Include[]
  /** Keys of peers that must send to their configured endpoint. */
  readonly placed: Set<string>
  /** Whether the router was told, so that there may be something to undo. */
  isTold: boolean
}

/** How long a router with little memory may take to commit, to load a firewall and to make an interface. */
const APPLY_MS = 30_000
const NOTHING_BEGUN: readonly number[] = [STATUS.pending, STATUS.full, STATUS.earlier, STATUS.unconfirmed]

export function makeChange({ host, connection, clock, privateKey }: ChangeDeps): Change {
  let armed: Armed | null = null

  const disarm = (): void => {
    if (armed !== null) retireWriter(armed.writer)
    armed = null
  }

  const required = (): Armed => {
    if (armed === null) throw new TypeError('nothing is armed')
    return armed
  }

  async function observe(signal: AbortSignal): Promise<OpenwrtObservation> {
    return toObservation(await look(connection.ask, signal), clock.wall().getTime() / 1_000)
  }

  const makeRun = runner({ connection, clock, observe })

  async function activate(signal: AbortSignal): Promise<void> {
    const { tunnels, seconds, token, writer, found, wanted, placed, includes } = required()
    // One that uci's file does not name is removed as the change begins.
    const named = new Set(found.map(({ options }) => options['path']))
    const rules = required().rules.filter((one) => !isWhole(one, includes) || !named.has(`${FOLDER}/${one.name}`))
    const keys = await newPrivateKeys(found, wanted)
    let seen: OpenwrtObservation | null = null
    const lines = batchLines(found, wanted, (publicKey) => {
      const key = keys.get(publicKey)
      if (key === undefined) throw new TypeError('a key is wanted that is not here')
      return key
    })
    if (lines.length > 0 || rules.length > 0) {
      required().isTold = true
      const script = applyScript(
        tunnels,
        token,
        // The first tunnel also by itself: a homeward that knew one tunnel on a machine reads it.
        JSON.stringify({ ...writer, interface: tunnels[0], interfaces: tunnels }),
        seconds,
        rules.length,
      )
      const told = [...lines, ...rules.flatMap(includeLines), END]
      const tell = (): Promise<Outcome> =>
        connection.exec(script, { signal, stdin: `${told.join('\n')}\n`, timeoutMs: APPLY_MS })
      let outcome = await tell()
      // The earlier change is of an agent that was killed just before: what was seen is true again once it is undone.
      if (outcome.code === STATUS.earlier && (await recover(await look(connection.ask, signal), signal)))
        outcome = await tell()
      // None of the change was begun, and there is nothing to undo.
      if (NOTHING_BEGUN.includes(outcome.code)) required().isTold = false
      if (outcome.code === STATUS.full) throw flashFull('changing the configuration', '/etc/config', outcome.stdout)
      if (outcome.code === STATUS.pending)
        throw new Problem('router-changes-pending', {
          what: 'changing the configuration',
          why: 'meanwhile somebody began to change it, and did not commit that yet',
        })
      if (outcome.code === STATUS.unconfirmed) {
        const [refusal] = unconfirmedApply(outcome.stdout)
        if (refusal !== undefined) throw new Problem(refusal.code, { what: 'changing the configuration', ...refusal })
      }
      if (outcome.code !== 0) throw new Refused(outcome)
      seen = await observe(signal)
      refuseUnlessTaken(seen, wanted, rules)
    }
    const isRestarted = lines.some((line) => !/wireguard_|homeward_/.test(line))
    const gone = interfacesIn(found).filter((name) => !tunnels.includes(name) && !interfacesIn(wanted).includes(name))
    for (const name of gone) await makeRun(name, wanted, placed, true, signal)
    for (const name of tunnels) await makeRun(name, wanted, placed, isRestarted, signal, seen)
  }

  /** Checks the result: `uci batch` succeeds whatever it was told, and a file may have been full. */
  function refuseUnlessTaken(
    { sections, includes }: OpenwrtObservation,
    wanted: readonly Section[],
    rules: readonly Include[],
  ): void {
    const left = batchLines(ownOf(sections), ownOf(wanted), () => parsePrivateKey(Buffer.alloc(32).toString('base64')))
    if (left.length > 0)
      throw new TypeError(`the router did not take it all: ${left[0]?.replace(/=.*/, '')} is not as it was told`)
    const missing = rules.find((one) => !isWhole(one, includes))
    if (missing !== undefined) throw new TypeError(`the router did not take it all: ${missing.name} is not whole`)
  }

  /** The private keys to be written; the others are not read. */
  async function newPrivateKeys(
    found: readonly Section[],
    wanted: readonly Section[],
  ): Promise<ReadonlyMap<string, PrivateKey>> {
    const before = new Map(found.map((section) => [keyOf(section), section.options[PRIVATE_KEY]]))
    const fresh = wanted.flatMap((section) => {
      const key = section.options[PRIVATE_KEY]
      return typeof key === 'string' && key !== before.get(keyOf(section)) ? [key] : []
    })
    return new Map(await Promise.all(fresh.map(async (key) => [key, parsePrivateKey(await privateKey(key))] as const)))
  }

  async function revert(signal: AbortSignal): Promise<void> {
    if (armed === null) return
    const { tunnels, token, isTold } = armed
    disarm()
    if (isTold) await takeBack(tunnels, token, signal)
  }

  async function takeBack(tunnels: readonly string[], token: string, signal: AbortSignal): Promise<void> {
    const outcome = await connection.ask(revertScript(tunnels, token), { signal, timeoutMs: APPLY_MS })
    if (outcome.code === STATUS.full)
      throw flashFull(
        `taking a change back on the router ${host}`,
        '/etc/config',
        outcome.stdout,
        'what runs there is left alone, and it tries again by itself',
      )
    if (outcome.code !== 0) throw new Refused(outcome)
    const { sections } = await observe(signal)
    for (const name of tunnels) await makeRun(name, sections, new Set(), true, signal)
  }

  async function recover(seen: Look, signal: AbortSignal): Promise<boolean> {
    const [token = '', ...more] = seen.part('pending').split('\n')
    // No change is under way: the router restarted in one. What was seen of it is not there any more.
    if (token.startsWith('/')) {
      await connection.ask(SWEEP, { signal })
      return true
    }
    const writer = more.find((line) => line.startsWith('{')) ?? ''
    if (!/^[0-9a-f]{16}$/.test(token) || armed?.token === token) return false
    const by = writerIn(writer)
    if (by === null || (await isAtWork(by))) return false
    try {
      await takeBack(by.interfaces, token, signal)
    } catch (thrown) {
      throw cutOff(thrown)
    }
    return true
  }

  return {
    isArmed: () => armed !== null,

    arm: async (tunnels, seconds, signal) => {
      if (armed !== null) await revert(signal)
      const { sections, includes } = await observe(signal)
      armed = {
        tunnels,
        seconds,
        token: randomBytes(8).toString('hex'),
        writer: await enrolWriter(),
        found: sections,
        wanted: sections,
        includes,
        rules: [],
        placed: new Set(),
        isTold: false,
      }
    },

    gather: (step) => {
      const change = required()
      change.wanted = stage(change.wanted, step)
      if (step.kind === 'set-firewall') change.rules = step.tunnels.map(tunnelInclude)
      if (step.kind === 'set-peers') for (const peer of step.peers) change.placed.add(peer.publicKey)
    },

    activate,

    keep: async (signal) => {
      const { token, isTold, wanted } = required()
      const proof = await connection.fresh(signal)
      try {
        if (isTold) {
          const outcome = await proof.exec(keepScript(token), { signal, timeoutMs: APPLY_MS })
          if (outcome.code === STATUS.undone)
            throw new TypeError('the router has undone the change already: the time for it was over')
          if (outcome.code !== 0) throw new Refused(outcome)
        }
        if (ownOf(wanted).length === 0) await proof.exec(FORGET, { signal })
      } finally {
        proof.close()
      }
      disarm()
    },

    revert,

    recover,

    close: disarm,
  }
}

/** The problem of a change that was cut off and cannot be taken back; a router that does not answer is just that. */
function cutOff(thrown: unknown): unknown {
  const { code, what, why, next } = asProblem(thrown, 'taking back a change that was cut off')
  if (code !== 'internal' && code !== 'router-flash-full') return thrown
  const said = thrown instanceof Refused ? `the router says: ${quoted(thrown.routerWords)}` : why
  const details = { what, why: said, cause: thrown, ...(code === 'internal' ? {} : { next }) }
  return new Problem('router-change-cut-off', details)
}

/** Reads a writer, which only we write, whole or not at all. */
function writerIn(line: string): (Writer & { readonly interfaces: readonly string[] }) | null {
  try {
    const writer = JSON.parse(line) as Writer & { readonly interface: string; readonly interfaces?: readonly string[] }
    const interfaces = writer.interfaces ?? [writer.interface]
    return interfaces.every((name) => /^[a-z][a-z0-9_]{0,14}$/.test(name)) ? { ...writer, interfaces } : null
  } catch {
    return null
  }
}

/** Whether a file of rules is there, as it should be. */
function isWhole({ name, text }: Include, includes: OpenwrtObservation['includes']): boolean {
  return includes.some(({ path, sha256 }) => path === `${FOLDER}/${name}` && sha256 === digest(text))
}

/** The names of our interfaces. */
function interfacesIn(sections: readonly Section[]): readonly string[] {
  return ownOf(sections)
    .filter(isInterface)
    .map(({ name }) => name)
}

function ownOf(sections: readonly Section[]): readonly Section[] {
  return sections.filter((section) => tunnelOf(section) !== null)
}
