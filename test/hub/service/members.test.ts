import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AddDeviceAnswer, RotateDeviceAnswer } from '../../../protocol/messages.ts'
import { PublicationSchema } from '../../../protocol/publications.ts'
import { presharedKeyFrom } from '../../../wireguard/keys.ts'
import { callRegistrar } from '../../../protocol/registrar-client.ts'
import { joinAs, type LoopbackHub, loopbackHub, newKey } from '../loopback-hub.ts'
import { register } from '../registrar/registrar-calls.ts'

/** A home over its registrar, and the hub's owner, who decides. */

let scene: LoopbackHub
beforeEach(async () => {
  scene = await loopbackHub()
})
afterEach(() => scene.close())

const LAN = '192.168.1.0/24'
const publish = (bearer: string, port: number) =>
  callRegistrar(scene.registrar, {
    what: 'publishing',
    method: 'POST',
    path: '/v1/publications',
    bearer,
    body: {
      version: 1,
      protocol: 'tcp',
      port,
      lastPort: port,
      address: '192.168.1.20',
      targetPort: 443,
      source: 'hide',
    },
    answer: PublicationSchema,
  })
const addDevice = (bearer: string, name: string, full: boolean) =>
  callRegistrar(scene.registrar, {
    what: 'adding a device',
    method: 'POST',
    path: '/v1/devices',
    bearer,
    body: {
      version: 1,
      name,
      publicKey: newKey(),
      presharedKey: presharedKeyFrom(new Uint8Array(32).fill(name.length)),
      full,
    },
    answer: AddDeviceAnswer,
  })
/** The refusal's own words. */
const whyNot = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked
  } catch (thrown) {
    const { code, why } = thrown as { code: string; why: string }
    return `${code}: ${why}`
  }
  return 'done'
}
const idIn = (why: string): string => /hub approve (r-[a-z2-7]{4})/.exec(why)?.[1] ?? 'none'

describe('a wish beyond the home’s rights', () => {
  test('is refused with the lines of its owner, who fulfils it by the first of them', async () => {
    const { bearer } = await joinAs(scene, 'cabin', [LAN])
    const why = await whyNot(publish(bearer, 443))
    expect(why).toMatch(/^right-missing: the hub says: .*cabin may not publish ports up to 1023/)
    expect(why).toContain('sudo homeward hub home cabin --may +publish-low')
    expect(await whyNot(publish(bearer, 443))).toContain(idIn(why))
    const asks = 'publish 443/tcp to 192.168.1.20:443'
    expect(scene.hub.members.requests()).toMatchObject([{ id: idIn(why), home: 'cabin', asks }])
    expect((await scene.hub.status()).notes).toContain(`cabin asks to ${asks}: sudo homeward hub approve ${idIn(why)}`)
    await scene.hub.members.approve(idIn(why))
    expect(scene.store.document.publications).toMatchObject([{ home: 'cabin', port: 443 }])
    expect(scene.hub.members.requests()).toEqual([])
    // That port, and no other.
    expect(await whyNot(publish(bearer, 80))).toContain('right-missing')
    expect(await whyNot(publish(bearer, 443))).toBe('done')
  })

  test('that is refused is no news, and its owner may think again', async () => {
    const { bearer } = await joinAs(scene, 'cabin', [LAN])
    const id = idIn(await whyNot(publish(bearer, 80)))
    await scene.hub.members.refuse(id)
    expect(idIn(await whyNot(publish(bearer, 80)))).toBe(id)
    expect(scene.hub.members.requests()).toEqual([])
    await scene.hub.members.approve(id)
    expect(scene.store.document.publications).toMatchObject([{ port: 80 }])
    await expect(scene.hub.members.approve(id)).rejects.toMatchObject({ code: 'request-missing' })
  })

  test('for a device is for the right, since the device’s keys are gone', async () => {
    const { bearer } = await joinAs(scene, 'cabin', [LAN])
    const why = await whyNot(addDevice(bearer, 'phone', true))
    expect(why).toContain('cabin may not let devices reach the internet through this hub')
    expect(scene.store.document.devices).toEqual([])
    await scene.hub.members.approve(idIn(why))
    expect(scene.hub.members.show('cabin').may).toEqual(['devices', 'publish', 'full'])
    expect(await whyNot(addDevice(bearer, 'phone', true))).toBe('done')
  })

  test('for another LAN waits, fails nothing, and is led to the home once it is approved', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin', [LAN])
    const moved = { publicKey: request.publicKey, lan: ['192.168.8.0/24'] }
    const answer = await register(scene, bearer, moved)
    expect(answer).toMatchObject({ waiting: ['192.168.8.0/24'], publicKey: request.publicKey })
    const { allowedIps } = scene.machine.spec?.peers[0] ?? { allowedIps: [] }
    expect(allowedIps).toEqual(['10.86.0.2/32', LAN])
    await register(scene, bearer, moved)
    const [waits, ...more] = scene.hub.members.requests()
    expect([waits?.asks, more]).toEqual(['announce 192.168.8.0/24', []])
    await scene.hub.members.approve(waits?.id ?? '')
    expect(scene.machine.spec?.peers[0]?.allowedIps).toEqual(['10.86.0.2/32', '192.168.8.0/24'])
    expect((await register(scene, bearer, moved)).waiting).toEqual([])
  })

  test('that cannot be fulfilled waits on, and says why', async () => {
    const { bearer } = await joinAs(scene, 'cabin', [LAN])
    const { bearer: other } = await joinAs(scene, 'lodge', ['192.168.7.0/24'])
    const id = idIn(await whyNot(publish(bearer, 443)))
    await scene.hub.members.give('lodge', { may: '+publish-low', quota: null })
    const theirs = {
      version: 1,
      protocol: 'tcp',
      port: 443,
      lastPort: 443,
      address: '192.168.7.9',
      targetPort: 443,
      source: 'hide',
    }
    await callRegistrar(scene.registrar, {
      what: 'publishing',
      method: 'POST',
      path: '/v1/publications',
      bearer: other,
      body: theirs,
      answer: PublicationSchema,
    })
    await expect(scene.hub.members.approve(id)).rejects.toMatchObject({ code: 'publication-exists' })
    expect(scene.hub.members.requests()).toMatchObject([{ id }])
  })
})

test('who did what is noted once, with who it was', async () => {
  const { bearer } = await joinAs(scene, 'cabin', [LAN])
  const id = idIn(await whyNot(publish(bearer, 443)))
  await whyNot(publish(bearer, 443))
  await addDevice(bearer, 'phone', false)
  await scene.hub.members.approve(id)
  await scene.hub.members.give('cabin', { may: '+full', quota: null })
  const entries = await scene.audit()
  expect(entries.map(({ home, by, act }) => [home, by, act].join(' '))).toEqual([
    'cabin hub invited',
    'cabin home joined',
    'cabin home refused',
    'cabin home asked',
    'cabin home device-added',
    'cabin hub published',
    'cabin hub rights',
  ])
  expect(entries[2]).toMatchObject({ code: 'right-missing' })
  expect(JSON.stringify(entries)).not.toContain(bearer.slice('cabin.'.length))
})

describe('the owner', () => {
  test('sees what a home may, and what of it is used', async () => {
    const { bearer } = await joinAs(scene, 'cabin', [LAN])
    await addDevice(bearer, 'phone', false)
    await publish(bearer, 8443)
    expect(scene.hub.members.show('cabin')).toEqual({
      home: 'cabin',
      joined: true,
      may: ['devices', 'publish'],
      quota: { devices: 50, ports: 20_000, prefixes: 8 },
      used: { devices: 1, ports: 1, prefixes: 1 },
      lan: [LAN],
      granted: [LAN],
      requests: [],
    })
    expect(() => scene.hub.members.show('barn')).toThrow(expect.objectContaining({ code: 'home-missing' }))
  })

  test('gives rights with an invitation, before somebody joins by it, and to a home', async () => {
    const invitation = { home: 'cabin', lan: [], expiresInMs: 60_000, may: 'publish', quota: 'devices=2' }
    await scene.hub.invite(invitation)
    expect(scene.hub.members.show('cabin')).toMatchObject({ joined: false, may: ['publish'], quota: { devices: 2 } })
    expect((await scene.hub.members.give('cabin', { may: '+exit', quota: null })).may).toEqual(['publish', 'exit'])
    await expect(scene.hub.invite({ ...invitation, may: 'root' })).rejects.toMatchObject({ code: 'wrong-usage' })
    await expect(scene.hub.members.give('cabin', { may: null, quota: 'x' })).rejects.toMatchObject({
      code: 'wrong-usage',
    })
    await expect(scene.hub.members.give('barn', { may: 'all', quota: null })).rejects.toMatchObject({
      code: 'home-missing',
    })
  })

  test('finds them unchanged with a home that joins again', async () => {
    await joinAs(scene, 'cabin', [LAN])
    await scene.hub.members.give('cabin', { may: 'all', quota: 'ports=1' })
    const before = scene.hub.members.show('cabin')
    await joinAs(scene, 'cabin', [LAN])
    expect(scene.hub.members.show('cabin')).toEqual(before)
  })
})

describe('a device whose key its home rotates', () => {
  const rotate = (bearer: string, publicKey: string, preview: boolean) =>
    callRegistrar(scene.registrar, {
      what: 'rotating',
      method: 'POST',
      path: '/v1/devices/phone/key',
      bearer,
      body: { version: 1, publicKey, presharedKey: presharedKeyFrom(new Uint8Array(32).fill(7)), preview },
      answer: RotateDeviceAnswer,
    })
  const keys = () => scene.machine.spec?.peers.map(({ publicKey }) => publicKey) ?? []

  test('has one peer, that of the new key, once the home said so; the owner is told', async () => {
    const { bearer } = await joinAs(scene, 'cabin', [LAN])
    const added = await addDevice(bearer, 'phone', false)
    const [old] = scene.store.document.devices
    const next = newKey()
    expect(await rotate(bearer, next, true)).toEqual({ ...added, everything: false })
    expect(keys()).toContain(old?.publicKey)
    expect(await rotate(bearer, next, false)).toEqual({ ...added, everything: false })
    expect(keys()).toContain(next)
    expect(keys()).not.toContain(old?.publicKey)
    expect((await scene.audit()).map(({ act }) => act)).toContain('device-rotated')
  })

  test('waits for the owner where the home lost the right to add it', async () => {
    const { bearer } = await joinAs(scene, 'cabin', [LAN])
    await addDevice(bearer, 'phone', false)
    await scene.hub.members.give('cabin', { may: '-devices', quota: null })
    const why = await whyNot(rotate(bearer, newKey(), false))
    expect(why).toContain('cabin may not add devices')
    await scene.hub.members.approve(idIn(why))
    expect(await whyNot(rotate(bearer, newKey(), false))).toBe('done')
  })
})
