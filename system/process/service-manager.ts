import { fstatSync, writeSync } from 'node:fs'
import { oneLine } from '../../problems/printable.ts'
import { reasonOf } from '../../problems/problem.ts'
import { sleep } from '../time/sleep.ts'
import type { Log } from './log.ts'
import { runCommand } from './run-command.ts'

/** A daemon, as the service manager may ask for it. */
export interface Served {
  /** What it was started for is done, or is known not to be possible now. */
  readonly isSettled: () => boolean
  /** Its work goes on: the loop that matters turned lately. That timers fire proves nothing of that. */
  readonly isTurning: () => boolean
  /** One line for `systemctl status`. */
  readonly text: () => string
}

/** Ready at the latest after this, whatever is not known yet: a start that lasts is no failed start. */
const READY_MS = 30_000
const GLANCE_MS = 200
/** Of a watchdog's time between two signs of life: two may get lost (sd_watchdog_enabled(3) asks for half). */
const PART = 1 / 3

/** Names the descriptor on which the unit's ExecStart= left the daemon a datagram socket, connected to the service manager. */
const SOCKET_FD = 'HOMEWARD_NOTIFY_FD'

/**
 * Tells the service manager that the daemon is ready, and then, where it has a watchdog, that its loop turns, until the
 * signal ends it. Does nothing where no service manager asks for that: in the foreground, in a container.
 */
export async function tellServiceManager({ isSettled, isTurning, text }: Served, log: Log, signal: AbortSignal) {
  if ((process.env['NOTIFY_SOCKET'] ?? '') === '') return
  for (const until = performance.now() + READY_MS; !isSettled() && performance.now() < until && !signal.aborted; )
    await sleep(GLANCE_MS, signal)
  if (signal.aborted) return
  await notify('READY=1')
  const everyMs = (Number(process.env['WATCHDOG_USEC'] ?? 0) / 1_000) * PART
  if (!(everyMs > 0)) return
  while (!signal.aborted) {
    await sleep(everyMs, signal)
    if (isTurning() && !signal.aborted) await notify('WATCHDOG=1')
  }

  async function notify(what: string): Promise<void> {
    try {
      await send([what, `STATUS=${oneLine(text())}`], signal)
    } catch (thrown) {
      if (!signal.aborted) log.warn({ why: reasonOf(thrown) }, 'the service manager could not be told of this service')
    }
  }
}

/**
 * By the socket that was left, which never blocks: a process for each sign of life would cost more, and only what the daemon
 * itself sends counts with NotifyAccess=main (sd_notify(3)). Else by systemd-notify(1), since Node has no datagrams of AF_UNIX.
 */
async function send(words: readonly string[], signal: AbortSignal): Promise<void> {
  const fd = Number(process.env[SOCKET_FD])
  if (Number.isInteger(fd) && fd > 2 && fstatSync(fd).isSocket()) writeSync(fd, words.join('\n'))
  else await runCommand('systemd-notify', words, { signal })
}
