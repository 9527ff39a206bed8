import { readFile } from 'node:fs/promises'
import type { MovedPeer, NetworkMove } from '../../hub/core/move-network.ts'
import { withNetwork } from '../../hub/settings/config.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { Problem } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { sleep } from '../../system/time/sleep.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { needsText } from '../device/needs-text.ts'
import { printFacts, tell } from '../output.ts'
import { askThisHub } from '../side/hub-session.ts'

/** How long the daemon is waited for: it looks at hub.yaml every two seconds. */
const TAKEN_WITHIN_MS = 30_000
const ASK_EVERY_MS = 500

/**
 * `homeward hub init --network CIDR` on a hub that has another one: shows who gets which address, writes hub.yaml, and
 * waits until the hub has taken it. Homes follow by themselves.
 * @throws {Problem} `network-not-followed`, `lan-overlaps`, `network-full`: then nothing was changed.
 */
export async function changeNetwork(context: Context, network: string): Promise<void> {
  const what = 'giving the tunnel another network'
  const { answer: move } = await askThisHub(context, 'network-preview', { network })
  tell(moveText(move))
  if (!(await confirm(context, 'Go ahead?', what))) return tell('Nothing was changed.')
  const { config } = hubPaths(context)
  await writeFileAtomic(config, withNetwork(await readFile(config, 'utf8'), network))
  await untilTaken(context, network, what)
  await askThisHub(context, 'reconcile', null)
  const { devices } = (await askThisHub(context, 'device-list', null)).answer
  const outdated = devices.flatMap(({ name, needs }) => (needs === null ? [] : [{ name, needs }]))
  printFacts(context, { changed: true, network, homes: move.homes, devices: outdated }, () =>
    [
      `The tunnel’s network is ${network} now. Homes follow by themselves, within seconds where their agent runs: homeward hub status.`,
      ...outdated.map(({ name, needs }) => needsText(name, needs)),
    ].join('\n'),
  )
}

/** @throws {Problem} `config-invalid` when the hub does not take hub.yaml, `no-answer` when it does nothing. */
async function untilTaken(context: Context, network: string, what: string): Promise<void> {
  const until = performance.now() + TAKEN_WITHIN_MS
  for (;;) {
    const { hub, warnings = [] } = (await askThisHub(context, 'status', null)).answer
    if (hub.network === network) return
    const refused = warnings.find((warning) => warning.startsWith('hub.yaml is not in force'))
    if (refused !== undefined) throw new Problem('config-invalid', { what, why: refused })
    if (performance.now() > until)
      throw new Problem('no-answer', { what, why: 'hub.yaml is written, and the daemon has not taken it yet' })
    await sleep(ASK_EVERY_MS)
  }
}

function moveText({ from, to, homes, devices }: NetworkMove): string {
  const line = ({ name, from, to }: MovedPeer, what: string): string => `  ${what} ${name}: ${to} instead of ${from}`
  return [
    `The tunnel’s network becomes ${to} instead of ${from}:`,
    ...homes.map((home) => line(home, 'home')),
    ...devices.map((device) => `${line(device, 'device')}; it needs a new file`),
  ].join('\n')
}
