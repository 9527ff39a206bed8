import type { Description, Observation } from '../../adapters/adapter.ts'
import { planLinux } from '../../adapters/linux/plan.ts'
import { isProblemCode } from '../../problems/catalogue.ts'
import { Problem } from '../../problems/problem.ts'
import { bundleFor } from '../lab/bundle.ts'
import type { Host } from '../lab/host.ts'
import type { LabProcess } from '../lab/process.ts'
import type { OpenAdapter } from './adapter-contract.ts'
import type { DriverReply, DriverRequest } from './linux-driver.ts'

export interface LinuxProcessOptions {
  /** A bundle of linux-driver.ts. */
  readonly driver: string
  readonly privateKeyFile: string
  readonly presharedKeysFile: string
  readonly env?: Readonly<Record<string, string>>
  readonly wrapper?: readonly string[]
}

/** @param folder the laboratory's, gone with it. */
export function bundleDriver(folder: string): Promise<string> {
  return bundleFor(folder, new URL('./linux-driver.ts', import.meta.url))
}

/** The linux adapter in a fresh process on a host. */
export async function openLinuxAdapter(host: Host, options: LinuxProcessOptions): Promise<OpenAdapter> {
  const { driver, privateKeyFile, presharedKeysFile, env = {}, wrapper = [] } = options
  const [command, ...args] = [...wrapper, process.execPath, driver, privateKeyFile, presharedKeysFile]
  const running = host.start(command, args, { env })
  await running.waitForLine(/^{"id":0}$/)
  let last = 0
  const ask = async (request: DriverRequest): Promise<unknown> => {
    running.write(`${JSON.stringify(request)}\n`)
    return replyTo(running, request.id)
  }
  return {
    describe: async () => (await ask({ id: (last += 1), verb: 'describe' })) as Description,
    observe: async (name) => (await ask({ id: (last += 1), verb: 'observe', interface: name })) as Observation,
    plan: planLinux,
    execute: async (step) => void (await ask({ id: (last += 1), verb: 'execute', step })),
    remedy: async (remedy) => void (await ask({ id: (last += 1), verb: 'remedy', remedy })),
    close: async () => void (await running.stop()),
    kill: async () => {
      await running.kill('SIGKILL')
      await running.exited
    },
  }
}

async function replyTo(running: LabProcess, id: number): Promise<unknown> {
  const match = await running.waitForLine(new RegExp(`^{"id":${id}[,}].*$`), { timeoutMs: 40_000 })
  const { answer, problem } = JSON.parse(match[0]) as DriverReply
  if (problem === undefined) return answer
  const { code, ...details } = problem
  throw new Problem(isProblemCode(code) ? code : 'internal', details)
}
