import { readEvents } from '../../agent/memory/event-log.ts'
import type { HomeEvent } from '../../agent/memory/events.ts'
import type { Status } from '../../agent/report/status.ts'
import type { HubStatus } from '../../hub/report/status.ts'
import { askLocal } from '../../system/sockets/local-socket.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Host } from '../lab/host/host.ts'
import type { Picture } from '../lab/picture.ts'
import type { LabProcess } from '../lab/host/process.ts'

/** Makes the hub and starts its daemon. */
export async function startHub(picture: Picture, address = picture.hubAddress): Promise<LabProcess> {
  await picture.hub.homeward(['hub', 'init', '--address', address, '--yes'])
  return await runHub(picture)
}

/** @param env for its environment, such as whom to trust. */
export async function runHub({ hub }: Picture, env: Readonly<Record<string, string>> = {}): Promise<LabProcess> {
  const daemon = hub.startHomeward(['hub', 'run'], { env })
  await daemon.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
  return daemon
}

/**
 * Invites a home that may do all there is: what one may not is in test/hub/rights. Asks the daemon, where one runs and
 * nothing more is wanted, as `statusOf` does.
 */
export async function inviteHome({ hub }: Picture, name = 'cabin', more: readonly string[] = []): Promise<string> {
  const [may, quota] = ['all', `ports=${2 * 65_535},prefixes=32`]
  const input = { home: name, lan: [], expiresInMs: 24 * 3_600_000, may, quota }
  const reply = more.length > 0 ? null : await askLocal(socketOf(hub, 'hub.sock'), 'invite', input)
  if (reply !== null) return (reply.answer as { readonly token: string }).token
  return (await hub.homeward(['hub', 'invite', name, '--may', may, '--quota', quota, ...more])).stdout.trim()
}

/** Starts the agent and waits until it says that the tunnel is up. */
export async function startAgent(host: Host, timeoutMs = 120_000): Promise<LabProcess> {
  const agent = host.startHomeward(['run'])
  await agent.waitForLine(/the tunnel is up/, { timeoutMs })
  return agent
}

/**
 * What `homeward status --json` prints, asked without a program: whoever waits asks often, and a program of Node's costs a
 * busy machine more than what is waited for.
 * @throws when the agent does not answer.
 */
export async function statusOf(host: Host): Promise<Status> {
  return (await askDaemon(host, 'agent.sock')) as Status
}

/** What the hub's daemon says of itself, as `homeward hub status --json` prints it. @throws when it does not answer. */
export async function hubStatusOf(host: Host): Promise<HubStatus> {
  return (await askDaemon(host, 'hub.sock')) as HubStatus
}

/** What the home remembers, oldest first, as `homeward events --json` prints it. */
export async function eventsOf(host: Host): Promise<readonly HomeEvent[]> {
  return await readEvents(host.disk.stateDir)
}

async function askDaemon(host: Host, socket: string): Promise<unknown> {
  const reply = await askLocal(socketOf(host, socket), 'status', null)
  if (reply === null) throw new Error(`on ${host.name} nobody answers at ${socket}`)
  return reply.answer
}

/** The runtime folder is in the host's mount namespace. */
function socketOf(host: Host, socket: string): string {
  return `/proc/${host.pid}/root/run/homeward/${socket}`
}

/** Asks until the answer is as wanted. @throws with the last status when that takes too long. */
export async function waitForStatus(
  host: Host,
  isWanted: (status: Status) => boolean,
  timeoutMs = 120_000,
): Promise<Status> {
  const until = performance.now() + timeoutMs
  for (;;) {
    // An agent that is just beginning is asked again.
    const status = await statusOf(host).catch((thrown: unknown) => {
      if (performance.now() > until) throw thrown
      return null
    })
    if (status !== null && isWanted(status)) return status
    if (performance.now() > until)
      throw new Error(`after ${timeoutMs / 1_000} s the status is still ${JSON.stringify(status)}`)
    await sleep(250)
  }
}

/** Everything of the machine that homeward could have touched, as text to compare. */
export async function machineState(host: Host): Promise<string> {
  const { configDir, stateDir } = host.disk
  const { stdout } = await host.shell(`
ip -d link
ip -4 addr
ip -4 route show table all
ip rule
ip -6 rule
nft list ruleset
cat /proc/sys/net/ipv4/ip_forward
ls -lR ${configDir} ${stateDir}
ls /var/run/wireguard 2>/dev/null || true
`)
  return stdout
}

/** Ends with 0 and no steps when the machine is as agent.yaml wants it. */
export async function plannedSteps(host: Host): Promise<readonly unknown[]> {
  const { stdout } = await host.homeward(['plan', '--json'], { allowFailure: true })
  return (JSON.parse(stdout) as { readonly steps: readonly unknown[] }).steps
}

/** The problem a failed command reports with --json. */
export async function problemOf(
  host: Host,
  args: readonly string[],
  timeoutMs = 120_000,
): Promise<{ readonly exitCode: number; readonly code: string; readonly message: string; readonly stderr: string }> {
  const { exitCode, stdout, stderr } = await host.homeward([...args, '--json'], { allowFailure: true, timeoutMs })
  const line = stdout.split('\n').find((text) => text.startsWith('{"error"')) ?? '{"error":{}}'
  const { error } = JSON.parse(line) as { error: { code?: string; message?: string } }
  return { exitCode, code: error.code ?? 'none', message: error.message ?? '', stderr }
}
