import { planLinux } from '../../../adapters/linux/plan.ts'
import { bundleFor } from '../../lab/host/bundle.ts'
import type { Host } from '../../lab/host/host.ts'
import type { OpenAdapter } from '../machine.ts'
import { type DriverProcess, type Drivers, driveAdapter, openDrivers } from '../driver.ts'

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
export function openLinuxAdapter(host: Host, options: LinuxProcessOptions): Promise<OpenAdapter> {
  return driveAdapter(startLinuxProcess(host, options), planLinux)
}

/** Fresh adapters on a host, where they may share a process. */
export function openLinuxAdapters(host: Host, options: LinuxProcessOptions): Drivers {
  return openDrivers(() => startLinuxProcess(host, options), planLinux)
}

function startLinuxProcess(host: Host, options: LinuxProcessOptions): DriverProcess {
  const { driver, privateKeyFile, presharedKeysFile, env = {}, wrapper = [] } = options
  const [command, ...args] = [...wrapper, process.execPath, driver, privateKeyFile, presharedKeysFile]
  const running = host.start(command, args, { env })
  return {
    write: (line) => running.write(line),
    waitForLine: (pattern, options) => running.waitForLine(pattern, options),
    stop: () => running.stop(),
    kill: async () => {
      await running.kill('SIGKILL')
      await running.exited
    },
  }
}
