import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RotateHow } from '../../../hub/service/identity-change.ts'
import { readIdentity } from '../../../hub/settings/identity.ts'
import { openIdentity } from '../../../hub/settings/own-identity.ts'
import { hubPaths } from '../../../hub/settings/paths.ts'
import { DeviceList } from '../../../protocol/messages.ts'
import { callRegistrar } from '../../../protocol/registrar-client.ts'
import { hashOfKey, successorsOf } from '../../../protocol/succession.ts'
import { presharedKeyFrom } from '../../../wireguard/keys.ts'
import { joinAs, type LoopbackHub, loopbackHub, newKey } from '../loopback-hub.ts'
import { register } from '../registrar/registrar-calls.ts'

/** A whole hub that changes its own key and certificate, and homes that ask it over TLS. */

let scene: LoopbackHub
let folder: string
beforeEach(async () => {
  scene = await loopbackHub()
  folder = dirname(scene.identity.files.privateKey.path)
})
afterEach(() => scene.close())

const rotate = (when: RotateHow['when'], leaveBehind = false) => scene.hub.identity.rotate({ when, leaveBehind })
const paths = () => hubPaths({ configDir: folder, stateDir: folder, runtimeDir: folder })
const laterFiles = async () => (await readdir(folder)).filter((name) => /^(hub|tls)\./.test(name) && name.length > 20)
const hubKey = () => scene.machine.spec?.publicKey
const list = (bearer: string, certificate = scene.registrar.certificate) =>
  callRegistrar({ ...scene.registrar, certificate }, { method: 'GET', path: '/v1/devices', bearer, answer: DeviceList })

describe('another key and certificate', () => {
  test('are told to homes that do not trust them yet, and taken when all of them do', async () => {
    const pin = scene.identity.fingerprint
    const before = scene.identity.publicKey
    const { bearer, request } = await joinAs(scene, 'cabin')
    const says = { publicKey: request.publicKey, trusts: pin }
    expect(await register(scene, bearer, says)).toMatchObject({ certificate: pin })
    expect((await register(scene, bearer, says)).identity).toBeUndefined()

    const { next, homes } = await rotate('announce')
    expect(homes).toEqual([{ name: 'cabin', standing: 'waiting' }])
    const { identity } = await register(scene, bearer, says)
    const [successor] = successorsOf(pin, identity?.successions ?? [])
    expect(successor).toEqual({
      certificate: next?.certificate,
      keyHash: hashOfKey(identity?.publicKeys[1] ?? before),
    })
    expect(identity?.publicKeys).toEqual([before, next?.publicKey])
    await scene.hub.recoverSessions()
    expect([hubKey(), scene.identity.fingerprint]).toEqual([before, pin])

    await register(scene, bearer, { ...says, trusts: next?.certificate ?? '' })
    await scene.hub.recoverSessions()
    await expect.poll(hubKey).toBe(next?.publicKey)
    expect(scene.identity.fingerprint).toBe(next?.certificate)
    expect(scene.hub.identity.report()).toMatchObject({ next: null, homes: [{ standing: 'confirmed' }] })
    expect((await scene.audit()).filter(({ act }) => act === 'identity').map(({ what }) => what)).toEqual([
      'the next key and certificate are announced',
      'changed to the next key and certificate',
    ])
  })

  test('lie in 0600 files, and the earlier ones go', async () => {
    await rotate('now')
    const first = await laterFiles()
    expect(first).toHaveLength(3)
    for (const name of first) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    expect(scene.identity.files.privateKey.path).toBe(paths().privateKey.replace('hub.key', first[0] ?? ''))
    await rotate('now')
    const second = await laterFiles()
    expect(second).toHaveLength(3)
    expect(second.filter((name) => first.includes(name))).toEqual([])
    expect(await readIdentity(paths())).toMatchObject({ publicKey: scene.identity.publicKey })
  })

  test('are found by whoever pins an earlier certificate, and by nobody whom nothing leads there', async () => {
    const pin = scene.identity.fingerprint
    const { bearer } = await joinAs(scene, 'cabin')
    await register(scene, bearer, { publicKey: scene.store.document.homes[0]?.publicKey ?? newKey(), trusts: pin })
    await rotate('now')
    await rotate('now')
    const seen: string[] = []
    await callRegistrar(scene.registrar, {
      method: 'GET',
      path: '/v1/devices',
      bearer,
      answer: DeviceList,
      onCertificate: (certificate) => seen.push(certificate),
    })
    expect(seen).toEqual([scene.identity.fingerprint])
    await expect(list(bearer, '00'.repeat(32))).rejects.toMatchObject({ code: 'certificate-mismatch' })
    await rotate('stolen')
    await expect(list(bearer)).rejects.toMatchObject({ code: 'certificate-mismatch' })
  })

  test('cut nobody off that cannot follow without their owner’s word', async () => {
    const before = scene.identity.publicKey
    await joinAs(scene, 'cabin')
    await expect(rotate('now')).rejects.toMatchObject({ code: 'homes-left-behind' })
    expect((await rotate('announce')).homes).toEqual([{ name: 'cabin', standing: 'older' }])
    expect((await scene.hub.status()).notes.join()).toContain('too old, or not heard since the upgrade: cabin')
    await scene.hub.recoverSessions()
    await expect(rotate('now')).rejects.toMatchObject({ code: 'homes-left-behind' })
    expect(hubKey()).toBe(before)
    scene.clock.turn(60_000)
    expect((await rotate('announce', true)).publicKey).not.toBe(before)
    expect((await scene.hub.status()).notes.join()).toContain('cabin has not followed the hub')
  })

  test('are taken back', async () => {
    const before = scene.identity.publicKey
    const { bearer, request } = await joinAs(scene, 'cabin')
    const says = { publicKey: request.publicKey, trusts: scene.identity.fingerprint }
    await register(scene, bearer, says)
    // One that has not confirmed.
    await joinAs(scene, 'lodge')
    const { next } = await rotate('announce')
    await register(scene, bearer, { ...says, trusts: next?.certificate ?? '' })
    await rotate('cancel')
    await scene.hub.recoverSessions()
    expect([hubKey(), await laterFiles()]).toEqual([before, []])
    const { identity } = await register(scene, bearer, { ...says, trusts: next?.certificate ?? '' })
    expect(identity).toEqual({ successions: [], publicKeys: [before] })
    await expect(rotate('cancel')).rejects.toMatchObject({ code: 'no-hand-over' })
  })

  test('are named at devices whose files have the earlier one, until they have others', async () => {
    const add = (name: string) =>
      scene.hub.addDevice(null, {
        name,
        publicKey: newKey(),
        presharedKey: presharedKeyFrom(new Uint8Array(32).fill(1)),
      })
    const needs = () => scene.hub.listDevices(null).devices.map((one) => [one.name, one.needs?.hubPublicKey ?? null])
    await add('phone')
    expect(needs()).toEqual([['phone', null]])
    const { publicKey } = await rotate('now')
    expect((await add('laptop')).hubPublicKey).toBe(publicKey)
    expect(needs()).toEqual([
      ['phone', publicKey],
      ['laptop', null],
    ])
    expect((await scene.hub.status()).notes.join()).toContain(`phone needs a new file (PublicKey = ${publicKey}, `)
    const keys = { name: 'phone', publicKey: newKey(), presharedKey: presharedKeyFrom(new Uint8Array(32).fill(2)) }
    await scene.hub.rotateDevice(null, { ...keys, preview: false })
    expect(needs().map(([, key]) => key)).toEqual([null, null])
  })
})

describe('a hub that is cut off', () => {
  const key = async () => (await openIdentity(paths())).publicKey

  test('before the next identity is announced has the present one, and clears up', async () => {
    const before = scene.identity.publicKey
    await scene.identity.draft(['203.0.113.10'])
    expect(await key()).toBe(before)
    expect(await laterFiles()).toHaveLength(3)
    await rotate('announce')
    // With nobody to wait for.
    expect(await laterFiles()).toHaveLength(3)
    expect(await key()).toBe(scene.identity.publicKey)
  })

  test('between the document and the machine has the next one, to which the machine comes', async () => {
    await joinAs(scene, 'cabin')
    const { next } = await rotate('announce')
    const { handOver } = scene.identity
    const changed = {
      ...handOver,
      present: { certificate: next?.certificate, publicKey: next?.publicKey, since: '2026-11-30T10:00:00.000Z' },
      successions: [handOver.next?.succession],
      next: null,
    }
    await writeFile(paths().handOver, JSON.stringify(changed))
    expect(await key()).toBe(next?.publicKey)
  })

  test('with a damaged document and a damaged copy says so, rather than be a stranger to its homes', async () => {
    await rotate('now')
    const whole = await readFile(paths().handOver, 'utf8')
    await writeFile(paths().handOver, whole.slice(0, 90))
    expect(await key()).toBe(scene.identity.publicKey)
    await writeFile(paths().handOverCopy, whole.slice(0, 90))
    await expect(openIdentity(paths())).rejects.toMatchObject({ code: 'config-invalid' })
    await expect(readIdentity(paths())).rejects.toMatchObject({ code: 'config-invalid' })
  })

  test('reads its present keys where the first ones are damaged', async () => {
    await rotate('now')
    const later = scene.identity.publicKey
    for (const path of [paths().privateKey, paths().tlsKey, paths().certificate]) await writeFile(path, '')
    expect(await key()).toBe(later)
    expect(await readIdentity(paths())).toMatchObject({ fingerprint: scene.identity.fingerprint })
  })

  test('and set up again with other keys knows nothing of the hand-over', async () => {
    await rotate('now')
    const later = scene.identity.publicKey
    const { makeCertificate } = await import('../../../hub/settings/certificate.ts')
    await writeFile(paths().certificate, makeCertificate(['203.0.113.10']).certificate)
    expect(await key()).not.toBe(later)
  })
})
