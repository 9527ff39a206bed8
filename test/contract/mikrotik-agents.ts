import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planMikrotik } from '../../adapters/mikrotik/plan.ts'
import type { RouterAccess } from '../../adapters/mikrotik/api.ts'
import { bundleFor } from '../lab/bundle.ts'
import { createLineLog } from '../lab/line-log.ts'
import type { OpenAdapter } from './adapter-contract.ts'
import { type DriverProcess, driveAdapter } from './driver.ts'
import type { MikrotikDriverOptions } from './mikrotik-driver.ts'

/** Starts MikroTik adapters in processes of their own, one after the other, with a state folder in common as agents have. */
export async function mikrotikAgents(
  access: Omit<RouterAccess, 'password'>,
  password: string,
  rollbackSeconds: number,
): Promise<{ readonly open: () => Promise<OpenAdapter>; readonly close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-contract-'))
  const [optionsFile, passwordFile] = [join(folder, 'options.json'), join(folder, 'password')]
  const options: MikrotikDriverOptions = { ...access, stateDir: join(folder, 'state'), rollbackSeconds }
  await writeFile(optionsFile, JSON.stringify(options))
  await writeFile(passwordFile, password, { mode: 0o600 })
  const driver = await bundleFor(folder, new URL('./mikrotik-driver.ts', import.meta.url))
  return {
    open: () =>
      driveAdapter(startProcess([driver, optionsFile, passwordFile]), (observed, desired) =>
        planMikrotik(observed, desired, { host: access.host, rollbackSeconds }),
      ),
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

function startProcess(args: readonly string[]): DriverProcess {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines = createLineLog()
  let said = ''
  child.stdin.on('error', () => undefined)
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8')
    child[stream].on('data', (chunk: string) => {
      lines.add(stream, chunk)
      if (stream === 'stderr') said += chunk
    })
  }
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => {
      lines.end()
      resolve()
    })
  })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await exited
  }
  return {
    write: (line) => child.stdin.write(line),
    waitForLine: (pattern, waiting) =>
      lines.waitFor(pattern, { ...waiting, describe: () => `the adapter’s process: ${said}` }),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}
