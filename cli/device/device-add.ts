import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { ReachedServiceSchema } from '../../protocol/messages.ts'
import { NameSchema } from '../../protocol/names.ts'
import { parseRange } from '../../protocol/publications.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import type { Context } from '../context.ts'
import { durationIn } from '../text/duration.ts'
import { deviceClient } from './device-client.ts'
import { type FileOptions, newDeviceKeys, ownOptions, withDeviceFile } from './device-file.ts'
import { refuseUnkept } from './kept-to.ts'

export interface DeviceOptions extends FileOptions {
  readonly home: readonly string[]
  readonly expires?: string
  readonly full?: boolean
  readonly exit?: string
  readonly to: readonly string[]
}

/**
 * `homeward device add NAME`. The keys are made here; the private one goes to where the person wants it, once, and
 * nowhere else.
 */
export async function deviceAdd(context: Context, name: string, options: DeviceOptions): Promise<void> {
  const what = `adding the device ${JSON.stringify(name)}`
  const wish = wishIn(name, options, what)
  const side = await deviceClient(context)
  const keys = newDeviceKeys()
  await withDeviceFile(name, keys, options, what, async (file) => {
    const { presharedKey } = keys
    const answer = await side.add({ ...wish, publicKey: publicKeyOf(keys.privateKey), presharedKey })
    try {
      refuseUnkept(answer, wish.to?.length ?? null)
      await file.fill(answer, wish.full || wish.exit !== null)
    } catch (thrown) {
      await side.remove(name).catch(() => undefined)
      throw thrown
    }
    await file.show(context)
  })
}

/** @throws {Problem} `device-name-invalid`, `home-name-invalid`, `wrong-usage`. */
function wishIn(name: string, options: DeviceOptions, what: string) {
  if (!v.is(NameSchema, name)) throw new Problem('device-name-invalid', { what, why: 'it is not a valid name' })
  ownOptions(options, what)
  if (options.full === true && options.exit !== undefined)
    throw new Problem('wrong-usage', {
      what,
      why: '--full leads through the hub, --exit through a home: give one of them',
    })
  const to = options.to.map((text) => serviceIn(text, what))
  if (to.length > 0 && (options.full === true || options.exit !== undefined))
    throw new Problem('wrong-usage', {
      what,
      why: '--to lets the device reach those services and nothing else: leave out --full and --exit',
    })
  for (const [option, given] of [
    ...options.home.map((one) => ['--home', one] as const),
    ...(options.exit === undefined ? [] : [['--exit', options.exit] as const]),
  ])
    if (!v.is(NameSchema, given))
      throw new Problem('home-name-invalid', {
        what,
        why: `${option} ${JSON.stringify(given)} is not a valid name for a home`,
      })
  return {
    name,
    homes: options.home.length === 0 ? null : [...options.home],
    expiresInMs: options.expires === undefined ? null : durationIn(options.expires, '--expires'),
    full: options.full ?? false,
    exit: options.exit ?? null,
    to: to.length === 0 ? null : to,
  }
}

type ReachedService = v.InferOutput<typeof ReachedServiceSchema>

/** `192.168.1.50:554/tcp`, `192.168.1.50:8000-8010/udp`. @throws {Problem} `wrong-usage`. */
function serviceIn(text: string, what: string): ReachedService {
  const [, address = '', ports = ''] = /^([^:]+):(.+)$/.exec(text) ?? []
  const service = { address, ...parseRange(ports) }
  if (v.is(ReachedServiceSchema, service)) return service
  const why = `--to takes ADDRESS:PORT/tcp, such as 192.168.1.50:554/tcp, and ${JSON.stringify(text)} is none`
  throw new Problem('wrong-usage', { what, why })
}
