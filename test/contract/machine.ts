import { afterAll, beforeAll, expect } from 'vitest'
import type { Adapter } from '../../adapters/adapter.ts'
import { applyDesired } from '../../adapters/apply.ts'
import type { TunnelSpec } from '../../adapters/spec.ts'
import type { Plan, Step } from '../../adapters/step.ts'
import { homeSpec, hubSpec, type Keys } from './specs.ts'

/** An adapter in a process of its own. */
export interface OpenAdapter extends Adapter {
  /** Follows what the machine tells, until this adapter is closed. @returns null once all is told, or why it is not. */
  readonly hear: () => Promise<string | null>
  /** Waits until it told of a change more often than so. @returns how often; no more than that: it did not within 20 s. */
  readonly told: (after: number) => Promise<number>
  /** As SIGKILL does: nothing is finished, nothing is said. */
  readonly kill: () => Promise<void>
}

type Role = 'home' | 'hub'

/** What a kind of machine is capable of, known before one is there, since each case is a test. */
export interface Capabilities {
  /** Others are refused. */
  readonly roles: readonly Role[]
  /** It leads answers to visitors of published ports into the tunnel, and translates LANs that are known by other numbers. */
  readonly answersVisitors: boolean
  /** It leads what hosts here send to the internet into the tunnel. */
  readonly leadsOutgoing: boolean
  /** The machine makes its private key, and tells nobody. */
  readonly keysMadeThere: boolean
  /** What fails, or is cut off, is undone by the machine itself; else the next plan goes on from there. */
  readonly undoesFailures: boolean
  /** What was said to it can be read afterwards. */
  readonly tellsCommands: boolean
  /** Names of what somebody or a fault changes, while a tunnel of this role stands. */
  readonly drifts: Readonly<Record<Role, readonly string[]>>
  /** When it is killed, spread over the time that a whole apply takes; else for one that takes a tenth of a second. */
  readonly killedAfterMs?: readonly number[]
  /** After which of its steps it is killed in a usual run, each unless said otherwise; in a long one after each. */
  readonly kills?: 'each' | 'some'
  /**
   * Of a version whose newest neighbour gets all of it: in a usual run what depends on the version, which is how a change is
   * made, seen, refused and undone. In a long one all, as where nothing is said.
   */
  readonly breadth?: 'all' | 'of-a-version'
}

/** One machine with somebody else's things on it. */
export interface Machine {
  readonly keys: Keys
  /** A fresh process: it knows what the machine tells, and nothing from before. */
  readonly open: () => Promise<OpenAdapter>
  /** All that is somebody else's, as text: compared byte for byte. */
  readonly foreign: (interfaceName: string) => Promise<string>
  /** What is left of homeward, whatever it is (a process, a file, a setting); none after undo. */
  readonly leftovers: () => Promise<readonly string[]>
  /** Somebody else makes an interface of this name. Returns how it goes away. */
  readonly takeInterface: (name: string) => Promise<() => Promise<void>>
  /** Makes steps of this kind fail, until the function that it returns is called; null where that can't be done. */
  readonly breakStep: (kind: Step['kind']) => (() => Promise<() => Promise<void>>) | null
  /** Every command line that was run, as another user of the machine could see it. */
  readonly commandLines: () => Promise<string>
  /** Something that somebody or a fault changes, while a tunnel of this role stands. */
  readonly drifts: Readonly<Record<Role, Readonly<Record<string, (spec: TunnelSpec) => Promise<void>>>>>
  readonly close: () => Promise<void>
}

export const signal = (): AbortSignal => AbortSignal.timeout(60_000)

/** One machine under the contract, made before the tests of a `describe` and closed after them. */
export interface GivenMachine {
  /** Once it is there. */
  readonly machineOf: () => Machine
  readonly withAdapter: <Result>(use: (adapter: OpenAdapter) => Promise<Result>) => Promise<Result>
  readonly specOf: (role: Role) => TunnelSpec
  /** What a new process still finds to do. */
  readonly pending: (...desired: readonly TunnelSpec[]) => Promise<Plan>
  readonly bring: (...desired: readonly TunnelSpec[]) => Promise<readonly Step[]>
  readonly expectDone: (...desired: readonly TunnelSpec[]) => Promise<void>
  readonly expectNothingLeft: () => Promise<void>
}

export function givenMachine(
  start: () => Promise<Machine>,
  { keysMadeThere }: Pick<Capabilities, 'keysMadeThere'>,
): GivenMachine {
  let machine: Machine
  beforeAll(async () => {
    machine = await start()
  })
  afterAll(() => machine?.close())

  async function withAdapter<Result>(use: (adapter: OpenAdapter) => Promise<Result>): Promise<Result> {
    const adapter = await machine.open()
    try {
      return await use(adapter)
    } finally {
      await adapter.close()
    }
  }

  const pending: GivenMachine['pending'] = (...desired) =>
    withAdapter(async (adapter) => adapter.plan(await adapter.observe(signal()), desired))

  const expectDone: GivenMachine['expectDone'] = async (...desired) => {
    expect(await pending(...desired)).toMatchObject({ steps: [], refusals: [] })
  }

  return {
    machineOf: () => machine,
    withAdapter,
    specOf: (role) => {
      const spec = role === 'home' ? homeSpec(machine.keys) : hubSpec(machine.keys)
      return keysMadeThere ? { ...spec, publicKey: null } : spec
    },
    pending,
    bring: (...desired) => withAdapter((adapter) => applyDesired(adapter, desired, signal())),
    expectDone,
    expectNothingLeft: async () => {
      await expectDone()
      // A process ends a moment after its interface.
      await expect.poll(machine.leftovers).toEqual([])
    },
  }
}
