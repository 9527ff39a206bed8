import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { writeFailure } from '../../problems/write-failure.ts'
import { HostSchema } from '../../protocol/addresses.ts'
import { ReachedServiceSchema } from '../../protocol/messages.ts'
import { NameSchema } from '../../protocol/names.ts'
import { parseRange } from '../../protocol/publications.ts'
import { parseHostPort } from '../../wireguard/host-port.ts'
import { presharedKeyFrom, privateKeyFrom } from '../../wireguard/keys.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import { wgQuickText } from '../../wireguard/quick.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { Context } from '../context.ts'
import { isTunnelName, tunnelNameFor } from './config-file-name.ts'
import { type DeviceClient, deviceClient } from './device-client.ts'
import { deviceDns } from './device-dns.ts'
import { refuseUnkept } from './kept-to.ts'
import { durationIn } from '../text/duration.ts'
import { printFacts, tell } from '../output.ts'

export interface DeviceOptions {
  readonly conf?: string
  readonly qr?: boolean
  readonly svg?: string
  readonly home: readonly string[]
  readonly expires?: string
  readonly full?: boolean
  readonly exit?: string
  readonly to: readonly string[]
  readonly dns: readonly string[]
  readonly endpoint?: string
}

/**
 * `homeward device add NAME`. The keys are made here; the private one goes to where the person wants it, once, and
 * nowhere else.
 */
export async function deviceAdd(context: Context, name: string, options: DeviceOptions): Promise<void> {
  const what = `adding the device ${JSON.stringify(name)}`
  if (!v.is(NameSchema, name))
    throw new Problem('device-name-invalid', { what, why: 'the name is not one homeward takes' })
  const dns = deviceDns(options.dns, what)
  const endpoint = options.endpoint === undefined ? null : endpointIn(options.endpoint, what)
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
        why: `${option} ${JSON.stringify(given)} is no name that a home can have`,
      })
  const wish = {
    name,
    homes: options.home.length === 0 ? null : [...options.home],
    expiresInMs: options.expires === undefined ? null : durationIn(options.expires, '--expires'),
    full: options.full ?? false,
    exit: options.exit ?? null,
    to: to.length === 0 ? null : to,
  }
  const side = await deviceClient(context)
  const isShown = options.qr === true || options.svg !== undefined
  const conf = options.conf ?? (isShown ? null : `${tunnelNameFor(name)}.conf`)
  // Files are created before the hub hears of the device, so that no device exists whose file could not be written.
  const files = await takeFiles({ conf: conf === '-' ? null : conf, svg: options.svg ?? null }, what)
  try {
    const device = await makeDevice(side, wish, dns, endpoint)
    try {
      await fill(files.conf, async () => device.text)
      await fill(files.svg, async () => (await import('uqr')).renderSVG(device.text))
    } catch (thrown) {
      await side.remove(name).catch(() => undefined)
      throw writeFailure(what, files.conf?.path ?? files.svg?.path ?? '.', thrown)
    }
    const qr = options.qr === true ? (await import('uqr')).renderUnicodeCompact(device.text) : null
    report(context, name, device, files, { conf: conf === '-' ? device.text : null, qr })
  } catch (thrown) {
    await Promise.all(opened(files).map(({ path }) => rm(path, { force: true })))
    throw thrown
  } finally {
    await Promise.all(opened(files).map(({ handle }) => handle.close()))
  }
}

/** @throws {Problem} `wrong-usage`. */
function endpointIn(text: string, what: string): Endpoint {
  const found = parseHostPort(text)
  if (found !== null && v.is(HostSchema, found.host)) return { address: found.host, port: found.port }
  const why = `--endpoint takes HOST:PORT, such as vps.example.org:443 or [2001:db8::1]:443, and ${JSON.stringify(text)} is none`
  throw new Problem('wrong-usage', { what, why })
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

/** WireGuard takes the file's name for the tunnel's, and not every name that a device may have. */
function tellOfName(device: string, path: string): void {
  const file = basename(path).replace(/\.conf$/, '')
  if (file === device && isTunnelName(file)) return
  if (!isTunnelName(file))
    tell(
      `WireGuard takes the file’s name for the tunnel, with at most 15 letters, digits and _ = + . - before .conf: rename ${basename(path)} before you import it, to ${tunnelNameFor(device)}.conf for example.`,
    )
  else if (file === tunnelNameFor(device))
    tell(`WireGuard takes names of at most 15 characters: the file is ${file}.conf, the device is ${device} as before.`)
}

interface MadeDevice {
  readonly text: string
  readonly address: string
}

/** @param shown the text for standard output: it contains the private key. */
function report(
  context: Context,
  name: string,
  { address }: MadeDevice,
  files: Files,
  shown: { readonly conf: string | null; readonly qr: string | null },
): void {
  if (files.conf !== null) tellOfName(name, files.conf.path)
  for (const { path } of opened(files))
    tell(`Bring ${path} to the device and import it into its WireGuard app, then delete the file.`)
  if (shown.qr !== null) tell('Scan it with the WireGuard app: it is shown once, and kept nowhere.')
  const facts = {
    name,
    address,
    ...(files.conf === null ? {} : { file: files.conf.path }),
    ...(files.svg === null ? {} : { svg: files.svg.path }),
    ...(shown.conf === null ? {} : { conf: shown.conf }),
    ...(shown.qr === null ? {} : { qr: shown.qr }),
  }
  printFacts(context, facts, () => {
    const said = [shown.conf, shown.qr].filter((text) => text !== null)
    if (said.length > 0) return said.join('\n')
    const where = opened(files).map(({ path }) => path)
    return `${name} has ${address}; its configuration is ${where.join(' and ')}`
  })
}

async function makeDevice(
  side: DeviceClient,
  wish: {
    readonly name: string
    readonly homes: string[] | null
    readonly expiresInMs: number | null
    readonly full: boolean
    readonly exit: string | null
    readonly to: ReachedService[] | null
  },
  dns: readonly string[],
  dialled: Endpoint | null,
): Promise<MadeDevice> {
  const privateKey = privateKeyFrom(randomBytes(32))
  const presharedKey = presharedKeyFrom(randomBytes(32))
  const answer = await side.add({ ...wish, publicKey: publicKeyOf(privateKey), presharedKey })
  const { allowedIps, keepaliveSeconds, mtu, hubPublicKey } = answer
  try {
    refuseUnkept(answer, wish.to?.length ?? null)
  } catch (thrown) {
    await side.remove(wish.name)
    throw thrown
  }
  const text = wgQuickText({
    name: wish.name,
    privateKey,
    address: `${answer.address}/32`,
    mtu,
    dns,
    hub: {
      publicKey: hubPublicKey,
      presharedKey,
      endpoint: dialled ?? answer.endpoint,
      // IPv6 goes into the tunnel and ends there: outside it, IPv6 would show where the device is.
      allowedIps: wish.full || wish.exit !== null ? ['0.0.0.0/0', '::/0'] : allowedIps,
      keepaliveSeconds,
    },
  })
  return { text, address: answer.address }
}

interface TakenFile {
  readonly path: string
  readonly handle: FileHandle
}

interface Files {
  readonly conf: TakenFile | null
  readonly svg: TakenFile | null
}

/** @throws {Problem} `file-exists`, `write-failed`; then none of the files is there. */
async function takeFiles(
  { conf, svg }: { readonly conf: string | null; readonly svg: string | null },
  what: string,
): Promise<Files> {
  const first = conf === null ? null : await takeFile(resolve(conf), what)
  try {
    return { conf: first, svg: svg === null ? null : await takeFile(resolve(svg), what) }
  } catch (thrown) {
    await first?.handle.close()
    if (first !== null) await rm(first.path, { force: true })
    throw thrown
  }
}

async function takeFile(path: string, what: string): Promise<TakenFile> {
  try {
    return { path, handle: await open(path, 'wx', 0o600) }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST')
      throw new Problem('file-exists', { what, why: `${path} is there already`, cause: thrown })
    throw writeFailure(`writing ${path}`, path, thrown)
  }
}

function opened({ conf, svg }: Files): readonly TakenFile[] {
  return [conf, svg].filter((file) => file !== null)
}

async function fill(file: TakenFile | null, text: () => Promise<string>): Promise<void> {
  if (file === null) return
  await file.handle.writeFile(await text())
  await file.handle.sync()
}
