import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { reasonOf } from '../../../problems/problem.ts'
import { parseRange, type PublishedRange } from '../../../protocol/publications.ts'
import { writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { readJsonFile } from '../../../system/files/json-file.ts'
import type { Log } from '../../../system/process/log.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { type KeptPorts, NONE_BUT_22 } from '../../core/forwarded-ports.ts'
import { type Listener, tcpListeners, udpListeners } from './listeners.ts'
import { ownerOf } from './port-owner.ts'
import { readSshPorts, type SshPorts } from './ssh-ports.ts'
import { nextWatched, type WatchedPorts, yieldedIn } from './yielding.ts'

/** The ports of this machine that publications leave to its own programs: ssh, and whoever else listens since. */
export interface KeptPortsOf extends SshPorts {
  readonly kept: () => KeptPorts
  /** Looks at published ports for programs that listen there. @returns what changed by it. Never throws. */
  readonly lookFor: (published: readonly PublishedRange[]) => Promise<readonly PortYield[]>
}

/** A published port that was left to a program of this machine, or leads home again. */
export interface PortYield {
  readonly protocol: PublishedRange['protocol']
  readonly port: number
  readonly to: 'program' | 'home'
  /** The program, where it can be found out. */
  readonly program: string | null
}

export interface KeptPortsDeps {
  readonly path: string
  /** Addresses of this machine at which no visitor comes: its own in the tunnel. */
  readonly notFor: () => string
  readonly ssh: SshPorts
  readonly clock: Clock
  readonly log: Log
  readonly listeners?: () => Promise<Readonly<Record<PublishedRange['protocol'], readonly Listener[]>>>
  /** Ports that the kernel gives to whoever asks for any: one that has such a port came there by chance. */
  readonly chance?: () => Promise<Pick<PublishedRange, 'port' | 'lastPort'>>
}

/** Ports where nobody looks. */
export const NOTHING_KEPT_BUT_22: KeptPortsOf = {
  ports: () => NONE_BUT_22.ssh,
  kept: () => NONE_BUT_22,
  look: async () => undefined,
  lookFor: async () => [],
  settled: async () => undefined,
  close: async () => undefined,
}

/** Opens the memory of ports that were left to programs, so that none is taken back for a reboot. */
export async function openKeptPorts(deps: KeptPortsDeps): Promise<KeptPortsOf> {
  const { path, ssh, clock, log, listeners = allListeners, chance = readChance } = deps
  const begun = clock.now()
  let watched: WatchedPorts = new Map(
    (await readYielded(path)).map((port) => [port, { since: begun, lastSeen: begun, yielded: true }]),
  )
  let kept: KeptPorts = { ssh: ssh.ports(), listeners: yieldedIn(watched) }

  async function save(): Promise<void> {
    await writeFileAtomic(path, `${JSON.stringify([...kept.listeners])}\n`).catch((thrown: unknown) =>
      log.warn({ path, why: reasonOf(thrown) }, 'ports that are left to programs could not be written down'),
    )
  }

  return {
    ...ssh,
    kept: () => {
      if (kept.ssh !== ssh.ports()) kept = { ...kept, ssh: ssh.ports() }
      return kept
    },
    lookFor: async (published) => {
      const [found, byChance] = await Promise.all([listeners(), chance()])
      const isPublished = (text: string): boolean => {
        const one = parseRange(text)
        return one !== null && published.some((range) => range.protocol === one.protocol && isWithin(one.port, range))
      }
      const listening = (['tcp', 'udp'] as const).flatMap((protocol) =>
        found[protocol]
          .filter(({ address, port }) => !isWithin(port, byChance) && meetsVisitors(address, deps.notFor()))
          .filter(({ port }) => protocol === 'udp' || !ssh.ports().has(port))
          .map(({ port }) => `${port}/${protocol}`),
      )
      watched = nextWatched(watched, new Set(listening), isPublished, clock.now())
      const [before, after] = [kept.listeners, yieldedIn(watched)]
      const changes = [
        ...[...after].filter((one) => !before.has(one)).map((one) => ({ one, to: 'program' as const })),
        ...[...before].filter((one) => !after.has(one)).map((one) => ({ one, to: 'home' as const })),
      ]
      if (changes.length === 0) return []
      kept = { ...kept, listeners: after }
      await save()
      return await Promise.all(changes.map(({ one, to }) => describe(one, to)))
    },
  }
}

/** What publications leave to programs, as it is on the disk: for commands beside the daemon. */
export async function readKeptPorts(paths: {
  readonly sshPorts: string
  readonly keptPorts: string
}): Promise<KeptPorts> {
  return { ssh: await readSshPorts(paths.sshPorts), listeners: new Set(await readYielded(paths.keptPorts)) }
}

const FileSchema = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(20))),
  v.transform((ports) => ports.filter((port) => parseRange(port) !== null)),
)

async function readYielded(path: string): Promise<readonly string[]> {
  return (await readJsonFile(path, FileSchema)) ?? []
}

async function describe(text: string, to: PortYield['to']): Promise<PortYield> {
  const { protocol, port } = parseRange(text) ?? { protocol: 'tcp' as const, port: 0 }
  return { protocol, port, to, program: to === 'program' ? await ownerOf(protocol, port) : null }
}

/** Whether visitors, who come over IPv4, could mean this socket. `::` takes both families, unless it says otherwise. */
function meetsVisitors(address: string, notFor: string): boolean {
  return address === '::' || (!address.includes(':') && address !== notFor)
}

function isWithin(one: number, { port, lastPort }: Pick<PublishedRange, 'port' | 'lastPort'>): boolean {
  return one >= port && one <= lastPort
}

async function allListeners(): Promise<Readonly<Record<PublishedRange['protocol'], readonly Listener[]>>> {
  const [tcp, udp] = await Promise.all([tcpListeners(), udpListeners()].map((all) => all.catch(() => [])))
  return { tcp: tcp ?? [], udp: udp ?? [] }
}

/** Reads ip(7), ip_local_port_range. */
async function readChance(): Promise<Pick<PublishedRange, 'port' | 'lastPort'>> {
  const text = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '')
  const [port, lastPort] = text.trim().split(/\s+/).map(Number)
  return { port: port || 32_768, lastPort: lastPort || 60_999 }
}
