import type { Clock } from '../../../system/time/clock.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { configuredPeers } from '../uci/configured.ts'
import { type Connection, done } from '../ssh/exec.ts'
import { type Difference, differences } from '../observe/live.ts'
import { tunnelIn } from '../../tunnel-in.ts'
import type { OpenwrtObservation } from '../observe/observation.ts'
import type { Section } from '../uci/sections.ts'
import { answersScript } from '../include/answers.ts'
import { LOCK } from './change-script.ts'
import { restartInterface } from './restart-interface.ts'
import { wgSetPeer } from '../uci/wg-set.ts'

interface RunnerDeps {
  readonly connection: Pick<Connection, 'exec'>
  readonly clock: Clock
  readonly observe: (signal: AbortSignal) => Promise<OpenwrtObservation>
}

/** How long a router with little memory may take to load a firewall. */
const FIREWALL_MS = 30_000
const LOOK_AGAIN_MS = 200
/** How long netifd may take: for what it does by itself, where nothing suggests that it will, and after being told. */
const RESTART_MS = 6_000
const NOTICE_MS = 300
const RENEW_MS = 1_000
const IFUP_MS = 15_000

/** netifd says `up` when there is a device: this makes what is configured run, and verifies it. */
export function runner({ connection, clock, observe }: RunnerDeps) {
  /**
   * Tries each way of getting it to run, the gentlest first, until what runs is what is configured.
   * @param isRestarted netifd is already restarting the interface.
   * @param seen a look of just now.
   */
  async function makeRun(
    name: string,
    wanted: readonly Section[],
    placed: ReadonlySet<string>,
    isRestarted: boolean,
    signal: AbortSignal,
    seen: OpenwrtObservation | null = null,
  ): Promise<void> {
    let latest = seen
    let hasDevice = true
    const settle = async (atMostMs: number): Promise<readonly Difference[]> => {
      for (const until = clock.now() + atMostMs; ; await sleep(LOOK_AGAIN_MS, signal)) {
        const observed = latest ?? (await observe(signal))
        const left = differences(name, wanted, observed, placed)
        hasDevice = observed.devices.includes(name)
        latest = null
        if (left.length === 0 || clock.now() >= until) return left
        // netifd does none of these by itself.
        if (!left.includes('interface')) return left
      }
    }
    const exists = wanted.some((section) => section.config === 'network' && section.name === name)
    let left = await settle(isRestarted ? RESTART_MS : NOTICE_MS)
    if (left.includes('firewall')) {
      await done(connection.exec, 'fw4 -q reload', { signal, timeoutMs: FIREWALL_MS })
      left = await settle(NOTICE_MS)
    }
    if (left.includes('answers') && !left.includes('interface')) {
      await done(connection.exec, `${LOCK}\n${answersScript(wanted, name)}`, { signal, timeoutMs: FIREWALL_MS })
      left = await settle(NOTICE_MS)
    }
    if (left.length === 0) return
    if (left.every((one) => one === 'peers')) {
      await setPeers(name, configuredPeers(name, wanted), placed, signal)
      left = await settle(NOTICE_MS)
      if (left.length === 0) return
    }
    if (exists) {
      // What has no device is not renewed: somebody took it down, and netifd leaves it there.
      if (hasDevice) {
        await connection.exec(`ubus call network.interface.${name} renew`, { signal })
        left = await settle(RENEW_MS)
        if (left.length === 0) return
      }
      await done(connection.exec, restartInterface(name), { signal })
      left = await settle(IFUP_MS)
      if (left.length === 0) return
    }
    const { stdout } = await connection.exec(`ubus call network.interface.${name} status`, { signal })
    const code = /"code": *"(\w+)"/.exec(stdout)?.[1]
    throw new TypeError(
      exists
        ? `the router was told, and ${left.join(' and ')} of ${name} still differ${code === undefined ? '' : ` (netifd says ${code})`}: logread -e netifd says more`
        : `the interface ${name} does not go away`,
    )
  }

  /** Sets the running peers. The session survives this, which it would not survive with ifup. */
  async function setPeers(
    name: string,
    peers: ReturnType<typeof configuredPeers>,
    placed: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const running = tunnelIn(await observe(signal), name)?.peers ?? []
    const gone = running.filter(({ publicKey }) => !peers.some((peer) => peer.publicKey === publicKey))
    const commands = [
      ...gone.map(({ publicKey }) => `wg set ${name} peer '${publicKey}' remove`),
      ...peers.map((peer) =>
        wgSetPeer(
          name,
          placed.has(peer.publicKey) || !running.some(({ publicKey }) => publicKey === peer.publicKey)
            ? peer
            : { ...peer, endpoint: null },
        ),
      ),
    ]
    await done(connection.exec, commands.join(' && '), { signal })
  }

  return makeRun
}
