import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { UPGRADE } from '../../problems/upgrade.ts'
import { NameSchema } from '../../protocol/names.ts'
import { sleep } from '../../system/time/sleep.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import type { Context } from '../context.ts'
import { tell } from '../output.ts'
import { deviceClient } from './device-client.ts'
import { type FileOptions, newDeviceKeys, withDeviceFile } from './device-file.ts'

/** How often the hub is told of the keys where its answer is lost: told twice of the same ones it changes nothing. */
const MOST_ATTEMPTS = 3
const BETWEEN_ATTEMPTS_MS = 2_000

/**
 * `homeward device rotate NAME`: new keys for a device that is there. The new file is written, and shown to people,
 * before the old key ends: whoever is connected by that very device sees it still.
 */
export async function deviceRotate(context: Context, name: string, options: FileOptions): Promise<void> {
  const what = `rotating the key of the device ${JSON.stringify(name)}`
  // Checked here too, since the name becomes part of a path.
  if (!v.is(NameSchema, name)) throw new Problem('device-name-invalid', { what, why: 'it is not a valid name' })
  const side = await deviceClient(context)
  const keys = newDeviceKeys()
  const told = { name, publicKey: publicKeyOf(keys.privateKey), presharedKey: keys.presharedKey }
  await withDeviceFile(name, keys, options, what, async (file) => {
    const answer = await side.rotate({ ...told, preview: true }).catch((thrown: unknown) => {
      throw ofOlderHub(thrown, what)
    })
    await file.fill(answer, answer.everything)
    if (!context.json) await file.show(context)
    await untilAnswered(() => side.rotate({ ...told, preview: false }))
    if (context.json) await file.show(context)
    tell(`The old key of ${name} no longer works.`)
  })
}

async function untilAnswered(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ask()
      return
    } catch (thrown) {
      const isLost = thrown instanceof Problem && thrown.code === 'hub-unreachable'
      if (!isLost || attempt === MOST_ATTEMPTS) throw thrown
      await sleep(BETWEEN_ATTEMPTS_MS)
    }
  }
}

/** A hub from before there was a rotation has nothing at that address. */
function ofOlderHub(thrown: unknown, what: string): unknown {
  if (!(thrown instanceof Problem) || thrown.code !== 'request-invalid') return thrown
  return new Problem('answer-invalid', {
    what,
    why: `the hub does not know how: ${thrown.why}`,
    next: `Upgrade homeward on the hub (${UPGRADE}), or remove the device and add it again`,
    cause: thrown,
  })
}
