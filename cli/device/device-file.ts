import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { writeFailure } from '../../problems/write-failure.ts'
import { HostSchema } from '../../protocol/addresses.ts'
import type { AddDeviceAnswer } from '../../protocol/messages.ts'
import { giveToOwner, inFolder } from '../../system/files/folder.ts'
import { parseHostPort } from '../../wireguard/host-port.ts'
import { type PresharedKey, type PrivateKey, presharedKeyFrom, privateKeyFrom } from '../../wireguard/keys.ts'
import { wgQuickText } from '../../wireguard/quick.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { Context } from '../context.ts'
import { printFacts, tell } from '../output.ts'
import { isTunnelName, tunnelNameFor } from './config-file-name.ts'
import { deviceDns } from './device-dns.ts'

/** Where a device's configuration goes, and what of it the hub does not decide. */
export interface FileOptions {
  readonly conf?: string
  readonly qr?: boolean
  readonly svg?: string
  readonly dns: readonly string[]
  readonly endpoint?: string
}

/** A device's configuration on its way to the person. */
interface DeviceFile {
  /** Fills the files with what the hub answered. @throws {Problem} `write-failed`. */
  readonly fill: (answer: AddDeviceAnswer, everything: boolean) => Promise<void>
  /** Shows what was filled in, with the private key where that goes to standard output. */
  readonly show: (context: Context) => Promise<void>
}

/** The keys of a device, made here; the private one is in what the person gets and nowhere else. */
interface DeviceKeys {
  readonly privateKey: PrivateKey
  readonly presharedKey: PresharedKey
}

export function newDeviceKeys(): DeviceKeys {
  return { privateKey: privateKeyFrom(randomBytes(32)), presharedKey: presharedKeyFrom(randomBytes(32)) }
}

/**
 * Makes the files, gives them to `use`, and removes them where that fails. They are created before the hub hears of the
 * keys, so that no device exists whose file could not be written.
 * @throws {Problem} `wrong-usage`, `file-exists`, `write-failed`, and what `use` throws.
 */
export async function withDeviceFile(
  name: string,
  keys: DeviceKeys,
  options: FileOptions,
  what: string,
  use: (file: DeviceFile) => Promise<void>,
): Promise<void> {
  const own = ownOptions(options, what)
  const isShown = options.qr === true || options.svg !== undefined
  const conf = options.conf ?? (isShown ? null : `${tunnelNameFor(name)}.conf`)
  const files = await takeFiles({ conf: conf === '-' ? null : conf, svg: options.svg ?? null }, what)
  const filled = { text: '', address: '' }
  try {
    await use({
      fill: async (answer, everything) => {
        filled.text = textOf(name, keys, answer, { everything, ...own })
        filled.address = answer.address
        try {
          await fill(files.conf, async () => filled.text)
          await fill(files.svg, async () => (await import('uqr')).renderSVG(filled.text))
        } catch (thrown) {
          throw writeFailure(what, files.conf?.path ?? files.svg?.path ?? '.', thrown)
        }
      },
      show: async (context) => {
        const qr = options.qr === true ? (await import('uqr')).renderUnicodeCompact(filled.text) : null
        report(context, name, filled, files, { conf: conf === '-' ? filled.text : null, qr })
      },
    })
  } catch (thrown) {
    await Promise.all(opened(files).map(({ path }) => rm(path, { force: true })))
    throw thrown
  } finally {
    await Promise.all(opened(files).map(({ handle }) => handle.close()))
  }
}

/** What the person decides of the file. */
interface OwnOptions {
  readonly dns: readonly string[]
  /** null: where the hub says. */
  readonly endpoint: Endpoint | null
}

/** @throws {Problem} `wrong-usage`. */
export function ownOptions({ dns, endpoint }: FileOptions, what: string): OwnOptions {
  return { dns: deviceDns(dns, what), endpoint: endpoint === undefined ? null : endpointIn(endpoint, what) }
}

function textOf(
  name: string,
  { privateKey, presharedKey }: DeviceKeys,
  { address, mtu, hubPublicKey, allowedIps, keepaliveSeconds, endpoint }: AddDeviceAnswer,
  own: OwnOptions & { readonly everything: boolean },
): string {
  return wgQuickText({
    name,
    privateKey,
    address: `${address}/32`,
    mtu,
    dns: own.dns,
    hub: {
      publicKey: hubPublicKey,
      presharedKey,
      endpoint: own.endpoint ?? endpoint,
      // IPv6 goes into the tunnel and ends there: outside it, IPv6 would show where the device is.
      allowedIps: own.everything ? ['0.0.0.0/0', '::/0'] : allowedIps,
      keepaliveSeconds,
    },
  })
}

/** @throws {Problem} `wrong-usage`. */
function endpointIn(text: string, what: string): Endpoint {
  const found = parseHostPort(text)
  if (found !== null && v.is(HostSchema, found.host)) return { address: found.host, port: found.port }
  const why = `--endpoint takes HOST:PORT, such as vps.example.org:443 or [2001:db8::1]:443, and ${JSON.stringify(text)} is none`
  throw new Problem('wrong-usage', { what, why })
}

/** @param shown the text for standard output: it contains the private key. */
function report(
  context: Context,
  name: string,
  { address }: { readonly address: string },
  files: Files,
  shown: { readonly conf: string | null; readonly qr: string | null },
): void {
  if (files.conf !== null) tellOfName(name, files.conf.path)
  for (const { path } of opened(files))
    tell(`Copy ${path} to the device and import it into the WireGuard app there, then delete the file.`)
  if (shown.qr !== null) tell('Scan it with the WireGuard app: it is shown only once, and not stored.')
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

/** WireGuard takes the file's name for the tunnel's, and not every name that a device may have. */
function tellOfName(device: string, path: string): void {
  const file = basename(path).replace(/\.conf$/, '')
  if (file === device && isTunnelName(file)) return
  if (!isTunnelName(file))
    tell(
      `WireGuard names the tunnel after the file, with at most 15 letters, digits and _ = + . - before .conf: rename ${basename(path)} before you import it, to ${tunnelNameFor(device)}.conf for example.`,
    )
  else if (file === tunnelNameFor(device))
    tell(`WireGuard takes names of at most 15 characters: the file is ${file}.conf, the device is ${device} as before.`)
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

/**
 * Creates a file that was not there, in a folder that is held meanwhile. Called by sudo in the person's own folder, it is
 * theirs; in any other it stays root's: who may run this command as root must not get a file where root's programs read.
 */
async function takeFile(path: string, what: string): Promise<TakenFile> {
  try {
    return await inFolder(dirname(path), async (folder) => {
      // O_EXCL follows no link (open(2)), and the handle is of what was made here, whatever the name is a moment later.
      const handle = await open(folder.at(basename(path)), 'wx', 0o600)
      try {
        if (folder.owner?.uid === sudoUid()) await giveToOwner(handle, folder)
      } catch (thrown) {
        await handle.close()
        await rm(folder.at(basename(path)), { force: true })
        throw thrown
      }
      return { path, handle }
    })
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST')
      throw new Problem('file-exists', { what, why: `${path} is there already`, cause: thrown })
    throw writeFailure(`writing ${path}`, path, thrown)
  }
}

/** Who called sudo (sudo(8), SUDO_UID); null: nobody, or root. */
function sudoUid(): number | null {
  const uid = process.env['SUDO_UID']
  return uid !== undefined && /^[1-9]\d{0,9}$/.test(uid) ? Number(uid) : null
}

function opened({ conf, svg }: Files): readonly TakenFile[] {
  return [conf, svg].filter((file) => file !== null)
}

async function fill(file: TakenFile | null, text: () => Promise<string>): Promise<void> {
  if (file === null) return
  await file.handle.writeFile(await text())
  await file.handle.sync()
}
