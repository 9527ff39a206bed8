import { rm } from 'node:fs/promises'
import { tryCommand } from '../../system/process/run-command.ts'
import { sleep } from '../../system/time/sleep.ts'
import { createDisk, wipeDisk, writeHosts } from './host/disk.ts'
import { createHost, type Host } from './host/host.ts'
import { makeLabFolder, removeLeftovers } from './host/leftovers.ts'
import { type Namespace, openNamespace } from './host/namespace.ts'
import { type Link, linkCommand, type Plug, plugCommands } from './host/wiring.ts'

interface HostPlan {
  readonly name: string
  /** A shell script, rendered again at every boot, before the cables are plugged in. */
  readonly boot?: () => string
  /** Whatever the host starts by itself once it is on the network. */
  readonly service?: (host: Host) => Promise<void>
}

export interface RebootOptions {
  /** How long it stays off. */
  readonly offMs?: number
  /** False: it comes back without its configuration, secrets and state. */
  readonly keepDisk?: boolean
}

export interface Lab {
  /** Holds the hosts' disks; gone after `close`. */
  readonly folder: string
  readonly hosts: ReadonlyMap<string, Host>
  /** Names every host resolves. */
  readonly names: ReadonlyMap<string, readonly string[]>
  /** Switches hosts on, all at once, in the order given. */
  addHosts(plans: readonly HostPlan[]): Promise<readonly Host[]>
  /** Lays cables, all at once, and starts the services of the hosts they reach. */
  connect(links: readonly Link[]): Promise<void>
  /** Points names elsewhere, on every host. A name may have several addresses. */
  setNames(names: Readonly<Record<string, readonly string[]>>): Promise<void>
  /** Power off, power on: processes, /run, interfaces, firewall and connection tables are new; disk and cables stay. */
  reboot(host: Host, options?: RebootOptions): Promise<void>
  close(): Promise<void>
}

interface Machine {
  readonly plan: HostPlan
  readonly host: Host
  namespace: Namespace | undefined
}

/** Above whatever a namespace numbers by itself. */
const FIRST_INDEX = 1000

/** An empty laboratory. Whatever happens to this process, nothing of it stays but a folder the next one removes. */
export async function createLab(): Promise<Lab> {
  await removeLeftovers()
  const folder = await makeLabFolder()
  const machines = new Map<string, Machine>()
  const hosts = new Map<string, Host>()
  const names = new Map<string, readonly string[]>()
  const links: Link[] = []
  let closed: Promise<void> | undefined

  function machineOf(host: Host): Machine {
    const machine = machines.get(host.name)
    if (machine?.host !== host) throw new Error(`${host.name} is no host of this laboratory`)
    return machine
  }

  async function addHost(plan: HostPlan): Promise<Host> {
    if (machines.has(plan.name)) throw new Error(`this laboratory already has a host named ${plan.name}`)
    const disk = createDisk(folder, plan.name)
    const host = createHost(plan.name, await disk, () => {
      if (machine.namespace === undefined) throw new Error(`${plan.name} is switched off`)
      return machine.namespace
    })
    const machine: Machine = { plan, host, namespace: undefined }
    machines.set(plan.name, machine)
    hosts.set(plan.name, host)
    await powerOn(machine)
    return host
  }

  async function powerOn(machine: Machine): Promise<void> {
    const { disk, name } = machine.host
    await writeHosts(disk, names)
    machine.namespace = await openNamespace(name, disk, folder)
    const script = machine.plan.boot?.()
    if (script !== undefined) await machine.host.shell(script)
  }

  /** Links lie in the order they were laid; none is ever taken away. */
  const indexOf = (link: Link) => FIRST_INDEX + 2 * links.indexOf(link)

  async function plugIn(laid: readonly Link[]): Promise<void> {
    await ipBatch(laid.map((link) => linkCommand(link, indexOf(link))).join('\n'))
    const reached = new Set(laid.flat().map((plug) => plug.host))
    await Promise.all(
      [...reached].map((host) => {
        const own = laid.flat().filter((plug) => plug.host === host)
        return host.run('ip', ['-batch', '-'], { input: own.map(plugCommands).join('') })
      }),
    )
  }

  async function startServices(started: readonly Host[]): Promise<void> {
    await Promise.all(started.map(async (host) => machineOf(host).plan.service?.(host)))
  }

  return {
    folder,
    hosts,
    names,
    async addHosts(plans) {
      // All of them have settled before anyone can close the laboratory over a failed one.
      const added = await Promise.allSettled(plans.map(addHost))
      return added.map((host) => {
        if (host.status === 'rejected') throw host.reason
        return host.value
      })
    },

    async connect(laid) {
      const newcomers = new Set(laid.flat().map((plug) => plug.host))
      for (const plug of links.flat()) newcomers.delete(plug.host)
      links.push(...laid)
      await plugIn(laid)
      await startServices([...newcomers])
    },

    async setNames(changed) {
      for (const [name, addresses] of Object.entries(changed)) names.set(name, addresses)
      await Promise.all([...hosts.values()].map((host) => writeHosts(host.disk, names)))
    },

    async reboot(host, { offMs = 0, keepDisk = true } = {}) {
      const machine = machineOf(host)
      const cables = links.filter((link) => link.some((plug) => plug.host === host))
      // The kernel removes a dead namespace's interfaces when it finds time; the other ends must go now.
      await host.run('ip', ['-batch', '-'], { input: cables.map((link) => unplugCommand(link, host)).join('') })
      await machine.namespace?.end()
      machine.namespace = undefined
      if (!keepDisk) await wipeDisk(host.disk)
      await sleep(offMs)
      await powerOn(machine)
      await plugIn(cables)
      await startServices([host])
    },

    close: () => (closed ??= closeAll([...machines.values()], folder)),
  }
}

function unplugCommand(link: Link, host: Host): string {
  const plug = link.find((end: Plug) => end.host === host)
  return plug === undefined ? '' : `link del dev ${plug.interface}\n`
}

async function closeAll(machines: readonly Machine[], folder: string): Promise<void> {
  const ends = await Promise.allSettled(machines.map(async (machine) => machine.namespace?.end()))
  await rm(folder, { recursive: true, force: true })
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

async function ipBatch(commands: string): Promise<void> {
  const { exitCode, stderr } = await tryCommand('ip', ['-batch', '-'], { input: commands })
  if (exitCode !== 0) throw new Error(`laying the laboratory's cables failed: ${stderr.trim()}`)
}
