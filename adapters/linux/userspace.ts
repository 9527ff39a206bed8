import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { type SocketOwner, socketOwner } from './socket-owner.ts'
import { Problem } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'

const PROGRAM = 'wireguard-go'

/** How long wireguard-go may take to open its socket: 5 ms on an idle x86-64 machine, more on a small busy one. */
const DEADLINE_MS = 5_000
const POLL_MS = 10
const GRACE_MS = 500

/** The socket on which wireguard-go answers `wg` (wireguard.com/xplatform). */
function socketPath(interfaceName: string): string {
  return `/var/run/wireguard/${interfaceName}.sock`
}

/**
 * Starts a wireguard-go that outlives us, and waits until it answers. A socket that a killed one left is no hindrance:
 * the new one tries the socket, and takes its place when nobody answers. Nobody may change owner or mode of the socket
 * later: wireguard-go watches that file, and takes any change for the wish that it should end (seen with 0.0.20220316).
 * So one that root starts belongs to the service's user from the beginning, where there is that.
 * @throws {Problem} `no-wireguard`, `step-failed`.
 */
export async function startWireguardGo(interfaceName: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const what = `starting wireguard-go for ${interfaceName}`
  const [program, args] = commandFor(await socketOwner(), interfaceName)
  const daemon = spawn(program, args, {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: {
      PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
      // The process must stay our child until it answers, so that its early end is seen.
      WG_PROCESS_FOREGROUND: '1',
    },
  })
  try {
    await once(daemon, 'spawn')
  } catch (thrown) {
    throw new Problem('no-wireguard', { what, why: 'the program could not be started', cause: thrown })
  }
  daemon.unref()
  let until = clock.now() + DEADLINE_MS
  // The process ended early, perhaps because of another one whose starter was killed: that one may be about to answer.
  daemon.once('exit', () => {
    until = Math.min(until, clock.now() + GRACE_MS)
  })
  while (!(await answers(interfaceName))) {
    signal.throwIfAborted()
    if (clock.now() > until) {
      daemon.kill('SIGKILL')
      throw new Problem('step-failed', {
        what,
        why:
          daemon.exitCode === null
            ? `it did not answer within ${DEADLINE_MS / 1000} s`
            : `it ended at once with status ${daemon.exitCode}`,
        next: `See what it says: WG_PROCESS_FOREGROUND=1 LOG_LEVEL=verbose wireguard-go ${interfaceName}`,
      })
    }
    await sleep(POLL_MS, signal)
  }
}

/** setpriv(1) is part of Debian's util-linux, which is on every machine; the one capability is what the services have. */
function commandFor(owner: SocketOwner | null, interfaceName: string): [string, string[]] {
  if (owner === null) return [PROGRAM, [interfaceName]]
  const { uid, gid } = owner
  const rights = ['--clear-groups', '--inh-caps=+net_admin', '--ambient-caps=+net_admin']
  return ['setpriv', [`--reuid=${uid}`, `--regid=${gid}`, ...rights, PROGRAM, interfaceName]]
}

/** Waits, after the interface was removed, until its wireguard-go has noticed and ended, and removes its socket. */
export async function awaitWireguardGoEnd(interfaceName: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const until = clock.now() + DEADLINE_MS
  while (await answers(interfaceName)) {
    signal.throwIfAborted()
    if (clock.now() > until)
      throw new Problem('step-failed', {
        what: `ending wireguard-go for ${interfaceName}`,
        why: `it still answers after ${DEADLINE_MS / 1000} s`,
        next: `End it by hand: it is the process that holds ${socketPath(interfaceName)}`,
      })
    await sleep(POLL_MS, signal)
  }
  // A socket that a killed process left hinders nobody, so it may stay when it cannot be removed.
  await rm(socketPath(interfaceName), { force: true }).catch(() => undefined)
}

function answers(interfaceName: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath(interfaceName))
    const settle = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', settle(true)).once('error', settle(false))
  })
}
