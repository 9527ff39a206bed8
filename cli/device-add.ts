import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { Problem, reasonOf } from '../problems/problem.ts'
import { NameSchema } from '../protocol/names.ts'
import { presharedKeyFrom, privateKeyFrom } from '../wireguard/keys.ts'
import { publicKeyOf } from '../wireguard/public-key.ts'
import { wgQuickText } from '../wireguard/quick.ts'
import type { Context } from './context.ts'
import { type DeviceSide, deviceSide } from './device-side.ts'
import { printFacts, tell } from './output.ts'

/** `homeward device add NAME`. The keys are made here; the private one goes into the file and nowhere else. */
export async function deviceAdd(context: Context, name: string, conf: string): Promise<void> {
  const what = `adding the device ${JSON.stringify(name)}`
  if (!v.is(NameSchema, name))
    throw new Problem('device-name-invalid', { what, why: 'the name is not one homeward takes' })
  const side = await deviceSide(context)
  if (conf === '-') {
    const { text, address } = await makeDevice(side, name)
    printFacts(context, { name, address, conf: text }, () => text)
    return
  }
  const path = resolve(conf)
  // Taken before the hub hears of the device, so that no device exists whose file could not be written.
  const file = await takeFile(path, what)
  try {
    const { text, address } = await makeDevice(side, name)
    await fill(file, text).catch(async (thrown: unknown) => {
      await side.remove(name).catch(() => undefined)
      throw new Problem('write-failed', { what: `writing ${path}`, why: reasonOf(thrown), cause: thrown })
    })
    tell(`Bring ${path} to the device and import it into its WireGuard app, then delete the file.`)
    printFacts(context, { name, address, file: path }, () => `${name} has ${address}; its configuration is ${path}`)
  } catch (thrown) {
    await rm(path, { force: true })
    throw thrown
  } finally {
    await file.close()
  }
}

async function makeDevice(
  side: DeviceSide,
  name: string,
): Promise<{ readonly text: string; readonly address: string }> {
  const privateKey = privateKeyFrom(randomBytes(32))
  const presharedKey = presharedKeyFrom(randomBytes(32))
  const answer = await side.add({ name, publicKey: publicKeyOf(privateKey), presharedKey })
  const { endpoint, allowedIps, keepaliveSeconds, mtu, hubPublicKey } = answer
  const text = wgQuickText({
    name,
    privateKey,
    address: `${answer.address}/32`,
    mtu,
    hub: { publicKey: hubPublicKey, presharedKey, endpoint, allowedIps, keepaliveSeconds },
  })
  return { text, address: answer.address }
}

/** @throws {Problem} `file-exists`, `write-failed`. */
async function takeFile(path: string, what: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST')
      throw new Problem('file-exists', { what, why: `${path} is there already`, cause: thrown })
    throw new Problem('write-failed', { what: `writing ${path}`, why: reasonOf(thrown), cause: thrown })
  }
}

async function fill(file: FileHandle, text: string): Promise<void> {
  await file.writeFile(text)
  await file.sync()
}
