import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import * as v from 'valibot'
import { withAddress } from '../../hub/settings/config.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { Problem } from '../../problems/problem.ts'
import { HostSchema } from '../../protocol/addresses.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { askThisHub } from '../side/hub-session.ts'

/** The daemon looks at hub.yaml every two seconds, and asks each home with its next heartbeat. */
const HEARD_WITHIN_MS = 40_000
const ASK_EVERY_MS = 500

/**
 * `homeward hub move HOST`: homes know the present and the coming address then, and find the hub at either.
 * @throws {Problem} `address-invalid`, `config-invalid`.
 */
export async function hubMove(context: Context, given: string): Promise<void> {
  const what = `telling homes of ${given}`
  const host = v.safeParse(HostSchema, given)
  if (!host.success) throw new Problem('address-invalid', { what, why: 'it is no address or host name' })
  const before = (await askThisHub(context, 'status', null)).answer
  if (!before.hub.addresses.includes(host.output)) {
    const { config } = hubPaths(context)
    await writeFileAtomic(config, withAddress(await readFile(config, 'utf8'), host.output))
  }
  const { know, others } = await whoHeard(context, host.output, what)
  const { devices } = before
  const facts = { host: host.output, know, others, devices: devices.map(({ name }) => name) }
  printFacts(context, facts, ({ know, others, devices }) =>
    [
      `hub.yaml has ${host.output} too. These homes know it: ${know.join(', ') || 'none yet'}.`,
      ...(others.length === 0
        ? []
        : [
            `These hear it when they register next, within ten minutes where they run: ${others.join(', ')}. Run this again to see.`,
          ]),
      'Then make a backup here (homeward backup), put it back on the new machine (homeward restore), and end this hub: homes find it there by themselves.',
      ...(devices.length === 0 || before.hub.addresses.some((one) => isIP(one) === 0)
        ? []
        : [
            `Devices know the hub by the address in their files: ${devices.join(', ')} need new ones then (homeward device rotate NAME). With a name as the first of addresses in hub.yaml they would not.`,
          ]),
    ].join('\n'),
  )
}

/** Waits until all homes that are there have heard. @throws {Problem} `config-invalid`. */
async function whoHeard(
  context: Context,
  host: string,
  what: string,
): Promise<{ readonly know: readonly string[]; readonly others: readonly string[] }> {
  const until = performance.now() + HEARD_WITHIN_MS
  for (;;) {
    const { hub, homes, warnings = [] } = (await askThisHub(context, 'status', null)).answer
    const refused = warnings.find((warning) => warning.startsWith('hub.yaml is not in force'))
    if (refused !== undefined) throw new Problem('config-invalid', { what, why: refused })
    const isTaken = hub.addresses.includes(host)
    const know = homes.filter(({ registration }) => isTaken && registration?.knowsAddresses === true)
    const others = homes.filter((home) => !know.includes(home))
    const isAll = isTaken && others.every(({ connected }) => !connected)
    if (isAll || performance.now() > until)
      return { know: know.map(({ name }) => name), others: others.map(({ name }) => name) }
    await sleep(ASK_EVERY_MS)
  }
}
