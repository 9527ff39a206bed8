import { branchSignal } from '../system/time/branch-signal.ts'
import { type Log, makeLog } from '../system/process/log.ts'
import { keepHeapSmall } from '../system/process/small-heap.ts'
import { orNoRoot } from './or-no-root.ts'

/** How long an ended daemon's leftovers may take: an SMTP connection, a name that is being resolved. */
const LEFTOVERS_MS = 300
/** How long ending may take, below the units' TimeoutStopSec: a hang is logged, and does not delay the shutdown. */
const LATEST_MS = 10_000

/**
 * Runs a daemon until SIGTERM or SIGINT, or until it ends; the tunnel stays. The process is gone within moments then:
 * not even process.exit() ends a process whose getaddrinfo still waits (libuv joins its threads), and on a line that is
 * down that takes half a minute.
 */
export async function runDaemon(
  role: 'agent' | 'hub',
  act: (log: Log, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  keepHeapSmall()
  const log = makeLog(role)
  const { signal, end } = branchSignal()
  let told: NodeJS.Signals | null = null
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => {
      told = name
      end()
      setTimeout(() => {
        log.error(`the ${role} did not end within ${LATEST_MS / 1_000} s, and is cut off`)
        leave(told)
      }, LATEST_MS).unref()
    })
  // An unforeseen failure is logged, then left to systemd, which starts the daemon again. The tunnel stays.
  process.on('uncaughtException', (error) => {
    log.fatal({ stack: error.stack }, error.message)
    process.exit(1)
  })
  try {
    await orNoRoot(() => act(log, signal))
  } finally {
    setTimeout(() => leave(told), LEFTOVERS_MS).unref()
  }
}

/** Ends by the signal that came, if any, which systemd counts as clean too (systemd.service(5), SuccessExitStatus). */
function leave(told: NodeJS.Signals | null): void {
  if (told !== null) {
    process.removeAllListeners(told)
    process.kill(process.pid, told)
  }
  // No signal came, or this is process 1 of a container, to which the kernel lets none through (pid_namespaces(7)).
  setTimeout(() => process.exit(), 100)
}
