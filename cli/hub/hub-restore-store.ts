import { dirname } from 'node:path'
import { hubPaths } from '../../hub/settings/paths.ts'
import { isDay } from '../../hub/store/days.ts'
import { prepareRestore, type StoreRestore } from '../../hub/store/restore-store.ts'
import { HOLDER, type Holder, takeSocket } from '../../hub/take-socket.ts'
import { Problem } from '../../problems/problem.ts'
import { makeFolder } from '../../system/files/atomic-file.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts, tell } from '../output.ts'

const WHAT = 'bringing back an older store'

/** How long to wait for the socket: a daemon that cannot read its store is started again and again, and ends at once. */
const WITHIN_MS = { command: 10_000, daemon: 10_000 }

/** `homeward hub restore-store`. */
export async function hubRestoreStore(
  context: Context,
  { generation }: { readonly generation: string },
): Promise<void> {
  const which = generationIn(generation)
  await orNoRoot(() =>
    whileNoHubRuns(hubPaths(context).socket, async () => {
      const restore = await prepareRestore(hubPaths(context).store, which)
      tell(planText(restore))
      if (!(await confirm(context, 'Go ahead?', WHAT))) return tell('Nothing was changed.')
      await restore.carryOut()
      const { carryOut: _, ...facts } = restore
      printFacts(context, facts, doneText)
    }),
  )
}

/** Holds the hub's socket during the act, so that nobody reads the store or writes it. @throws {Problem} `already-running`. */
async function whileNoHubRuns(socket: string, act: () => Promise<void>): Promise<void> {
  await makeFolder(dirname(socket))
  const held = await takeSocket(
    socket,
    async (verb) => {
      if (verb === HOLDER) return 'command' satisfies Holder
      throw new Problem('already-running', {
        what: 'answering a local command',
        why: 'an older store is being brought back',
        next: 'Try again when that is done',
      })
    },
    new AbortController().signal,
    WITHIN_MS,
  ).catch((thrown: unknown) => {
    if (!(thrown instanceof Problem) || thrown.code !== 'already-running') throw thrown
    throw new Problem('already-running', {
      what: WHAT,
      why: 'the hub runs, and writes its store',
      next: 'Stop it first: sudo systemctl stop homeward-hub. The tunnels stay up meanwhile',
    })
  })
  try {
    await act()
  } finally {
    await held.close()
  }
}

function planText({ from, keptAt, homes, devices, differences, aside }: StoreRestore): string {
  return [
    `homeward hub restore-store will bring back ${from}, kept at ${keptAt}:`,
    `  homes: ${listed(homes)}`,
    `  devices: ${listed(devices)}`,
    ...(differences === null
      ? ['What it lacks compared with the present store is unknown: that one cannot be read.']
      : [
          `These may connect again: ${listed(differences.returning)}`,
          `These no longer can: ${listed(differences.leaving)}`,
        ]),
    ...(aside === null ? [] : [`The present file stays as ${aside}.`]),
  ].join('\n')
}

function doneText({ homes, devices }: Omit<StoreRestore, 'carryOut'>): string {
  return `The store is back, with ${homes.length} homes and ${devices.length} devices.
Start the daemon: systemctl restart homeward-hub, or homeward hub run in the foreground.
A home that joined since has to join again: homeward hub invite HOME, then homeward join --again TOKEN there.`
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}

/** @throws {Problem} `wrong-usage`. */
function generationIn(text: string): 1 | 2 | string {
  if (text === '1' || text === '2') return text === '1' ? 1 : 2
  if (isDay(text)) return text
  throw new Problem('wrong-usage', {
    what: `reading --generation ${JSON.stringify(text)}`,
    why: 'expected 1, the newest, 2, the one from before much was removed, or a day such as 2026-12-01',
    next: 'Leave it out for the newest',
  })
}
