import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Problem } from '../../../problems/problem.ts'
import { AddDeviceAnswer, DeviceList, Done } from '../../../protocol/messages.ts'
import { type Call, callRegistrar } from '../../../protocol/registrar-client.ts'
import { presharedKeyFrom } from '../../../wireguard/keys.ts'
import { joinAs, joinRequestFor, type LoopbackHub, loopbackHub, newKey, newSecret } from '../loopback-hub.ts'
import { codeOf, join, register } from './registrar-calls.ts'

let scene: LoopbackHub
beforeEach(async () => {
  scene = await loopbackHub()
})
afterEach(() => scene.close())

const peerKeys = (): readonly string[] => (scene.machine.spec?.peers ?? []).map((peer) => peer.publicKey)

describe('a home that joins', () => {
  test('is a peer of the machine with its LAN when it is answered, and told all it needs', async () => {
    const { request, answer } = await joinAs(scene, 'cabin', ['192.168.1.0/24'])
    expect(answer).toMatchObject({
      home: 'cabin',
      address: '10.86.0.2',
      network: '10.86.0.0/24',
      hubAddress: '10.86.0.1',
      port: 51_820,
      // 53 is somebody else's on this machine.
      alternatePorts: [4500, 443],
      lan: ['192.168.1.0/24'],
    })
    expect(scene.machine.spec?.peers).toEqual([
      {
        publicKey: request.publicKey,
        presharedKeyId: null,
        endpoint: null,
        allowedIps: ['10.86.0.2/32', '192.168.1.0/24'],
        keepaliveSeconds: 0,
      },
    ])
    expect(scene.machine.spec?.routes).toEqual([{ prefix: '192.168.1.0/24', mtu: null }])
  })

  test('with more networks than a hub takes is told how many there are, the limit and what to do', async () => {
    const lan = Array.from({ length: 33 }, (_, index) => `10.${index}.0.0/24`)
    const request = await joinRequestFor(scene, 'cabin')
    const told = {
      code: 'lan-too-many',
      why: expect.stringContaining('33 networks are named, and 32 are the most that a home can have'),
      next: expect.stringMatching(/^Summarise them/),
    }
    await expect(join(scene, { ...request, lan })).rejects.toMatchObject(told)
    const { bearer, request: joined } = await joinAs(scene, 'lodge')
    await expect(register(scene, bearer, { publicKey: joined.publicKey, lan })).rejects.toMatchObject(told)
    await expect(scene.hub.invite({ home: 'barn', lan, expiresInMs: 1_000 })).rejects.toMatchObject(told)
    // A list with a limit of its own is told in numbers too, and the next step blames no version.
    const keeps = Array.from({ length: 65 }, (_, index) => `10.0.0.${index}/32`)
    await expect(register(scene, bearer, { publicKey: joined.publicKey, lan: [], keeps })).rejects.toMatchObject({
      code: 'request-invalid',
      why: expect.stringContaining('keeps has 65 entries, and 64 are the most'),
      next: expect.stringMatching(/^If what is named is a value of yours, correct it/),
    })
  })

  test('gets the same answer again when the first one was lost; another machine with its token does not', async () => {
    const { request, answer } = await joinAs(scene, 'cabin')
    expect(await join(scene, request)).toEqual(answer)
    const another = { ...request, publicKey: newKey(), homeSecret: newSecret() }
    expect(await codeOf(join(scene, another))).toBe('token-used')
    expect(await codeOf(join(scene, { ...another, publicKey: request.publicKey }))).toBe('token-used')
    expect(scene.logged('a home joined')).toHaveLength(1)
  })

  test('may come again with another key, which takes the place of the first: its router has made one anew', async () => {
    const { request, answer, bearer } = await joinAs(scene, 'cabin')
    const publicKey = newKey()
    expect(await join(scene, { ...request, publicKey, preview: true })).toEqual(answer)
    expect(peerKeys()).toEqual([request.publicKey])
    expect(await join(scene, { ...request, publicKey })).toEqual(answer)
    expect(peerKeys()).toEqual([publicKey])
    const others = await joinAs(scene, 'lodge')
    expect(await codeOf(join(scene, { ...request, publicKey: others.request.publicKey }))).toBe('request-invalid')
    // Undone, the token can be used again.
    const body = { version: 1, reopenInvite: true }
    await callRegistrar(scene.registrar, { method: 'POST', path: '/v1/leave', bearer, body, answer: Done })
    expect(await codeOf(join(scene, { ...request, publicKey: newKey(), homeSecret: newSecret() }))).toBe('none')
  })

  test('whose key has changed since does not get the old answer again', async () => {
    const { request, bearer } = await joinAs(scene, 'cabin')
    await register(scene, bearer, { publicKey: newKey() })
    expect(await codeOf(join(scene, request))).toBe('token-used')
  })

  test('of fifty that use one token at once exactly one becomes the home', async () => {
    const request = await joinRequestFor(scene, 'cabin')
    const all = Array.from({ length: 50 }, () => ({ ...request, publicKey: newKey(), homeSecret: newSecret() }))
    const codes = await Promise.all(all.map((one) => codeOf(join(scene, one))))
    expect(codes.filter((code) => code === 'none')).toHaveLength(1)
    expect(codes.filter((code) => code === 'token-used')).toHaveLength(49)
    expect(peerKeys()).toHaveLength(1)
  })

  test('fifty homes that join at once are all peers when they are answered, by a few changes of the machine', async () => {
    const requests = await Promise.all(Array.from({ length: 50 }, (_, index) => joinRequestFor(scene, `home-${index}`)))
    const before = scene.machine.applied
    let goOn = (): void => undefined
    scene.machine.hold = new Promise((resolve) => (goOn = resolve))
    const joined = Promise.all(
      requests.map(async (request) => {
        await join(scene, request)
        expect(peerKeys()).toContain(request.publicKey)
      }),
    )
    await expect.poll(() => scene.store.document.homes.length, { timeout: 30_000 }).toBe(50)
    goOn()
    await joined
    expect(scene.machine.applied - before).toBeLessThan(5)
  })

  test('whoever only looks is not counted for a home, although another one joins meanwhile', async () => {
    const [cabin, lodge] = [await joinRequestFor(scene, 'cabin'), await joinRequestFor(scene, 'lodge')]
    const { bearer, request } = await joinAs(scene, 'barn')
    await Promise.all([
      join(scene, cabin),
      join(scene, { ...lodge, preview: true }),
      register(scene, bearer, { publicKey: request.publicKey }),
    ])
    expect(scene.logged('a home joined').map((line) => line['home'])).toEqual(['barn', 'cabin'])
    expect(scene.logged('a home registered')).toMatchObject([{ home: 'barn', changed: false }])
  })
})

describe('a home that is known', () => {
  test('registers: what it says anew is written and followed, what is known is not', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin', ['192.168.1.0/24'])
    const before = scene.store.document
    const same = { publicKey: request.publicKey, lan: ['192.168.1.0/24'] }
    expect(await register(scene, bearer, same)).toMatchObject({
      view: { peerKnown: false, heardSeconds: null, initiatedSeconds: 1 },
      alternatePorts: [4500, 443],
    })
    expect(scene.store.document).toBe(before)
    const publicKey = newKey()
    await scene.hub.members.give('cabin', { may: '+lan', quota: null })
    await register(scene, bearer, { publicKey, lan: ['192.168.9.0/24'] })
    expect(peerKeys()).toEqual([publicKey])
    expect(scene.machine.spec?.routes).toEqual([{ prefix: '192.168.9.0/24', mtu: null }])
    await register(scene, bearer, { publicKey, lan: ['192.168.9.0/24'], mtu: 1300 })
    expect(scene.machine.spec?.routes).toEqual([
      { prefix: '10.86.0.2/32', mtu: 1300 },
      { prefix: '192.168.9.0/24', mtu: 1300 },
    ])
    // No less than the hub's own: nothing to say.
    await register(scene, bearer, { publicKey, lan: ['192.168.9.0/24'], mtu: 1420 })
    expect(scene.machine.spec?.routes).toEqual([{ prefix: '192.168.9.0/24', mtu: null }])
    const nextPublicKey = newKey()
    const answer = await register(scene, bearer, { publicKey, nextPublicKey, lan: ['192.168.9.0/24'] })
    expect(answer.publicKey).toBe(nextPublicKey)
    expect(peerKeys()).toEqual([nextPublicKey])
  })

  test('may ask for a new beginning, but not in a loop', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin')
    const reset = () => register(scene, bearer, { publicKey: request.publicKey, reset: true, reason: 'remedy' })
    await reset()
    await reset()
    expect(scene.logged('a home asked for a new beginning: its peer is taken out and put in again')).toHaveLength(1)
    scene.clock.turn(5_000)
    await reset()
    expect(scene.logged('a home asked for a new beginning: its peer is taken out and put in again')).toHaveLength(2)
  })

  test('is not answered with another secret, another name, or after it left; unknown and known take the same way', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin')
    const again = { publicKey: request.publicKey }
    for (const wrong of [`cabin.${newSecret()}`, `lodge.${request.homeSecret}`, '', '.', 'cabin', `${bearer}x`])
      expect(await codeOf(register(scene, wrong, again))).toBe('home-unknown')
    const body = { version: 1, reopenInvite: false }
    await callRegistrar(scene.registrar, { method: 'POST', path: '/v1/leave', bearer, body, answer: Done })
    expect(await codeOf(register(scene, bearer, again))).toBe('home-unknown')
    expect(peerKeys()).toEqual([])
    expect(await codeOf(join(scene, request))).toBe('token-used')
  })

  test('that is removed at the hub is cut off when the command ends', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin')
    await scene.hub.remove('cabin')
    expect(peerKeys()).toEqual([])
    expect(await codeOf(register(scene, bearer, { publicKey: request.publicKey }))).toBe('home-unknown')
    expect(await codeOf(join(scene, request))).toBe('token-unknown')
  })

  test('adds, sees and removes its devices, and nobody else’s', async () => {
    const [cabin, lodge] = [
      await joinAs(scene, 'cabin', ['192.168.1.0/24']),
      await joinAs(scene, 'lodge', ['192.168.2.0/24']),
    ]
    const ask = <const Answer extends Call<typeof Done>['answer'] | typeof AddDeviceAnswer | typeof DeviceList>(
      bearer: string,
      method: 'GET' | 'POST' | 'DELETE',
      path: string,
      answer: Answer,
      body?: unknown,
    ) => callRegistrar(scene.registrar, { method, path, bearer, body, answer })
    const phone = {
      version: 1,
      name: 'phone',
      publicKey: newKey(),
      presharedKey: presharedKeyFrom(Buffer.alloc(32, 7)),
    }
    const added = await ask(cabin.bearer, 'POST', '/v1/devices', AddDeviceAnswer, phone)
    expect(added).toMatchObject({
      address: '10.86.0.4',
      endpoint: { address: '127.0.0.1', port: 51_820 },
      allowedIps: ['10.86.0.0/24', '192.168.1.0/24'],
    })
    expect(scene.machine.spec?.forwarding).toMatchObject({
      devices: [],
      limited: [{ devices: ['10.86.0.4'], prefixes: ['10.86.0.2/32', '192.168.1.0/24'] }],
    })
    expect(peerKeys()).toContain(phone.publicKey)
    expect((await ask(lodge.bearer, 'GET', '/v1/devices', DeviceList)).devices).toEqual([])
    expect((await ask(cabin.bearer, 'GET', '/v1/devices', DeviceList)).devices).toMatchObject([{ name: 'phone' }])
    expect(await codeOf(ask(lodge.bearer, 'DELETE', '/v1/devices/phone', Done))).toBe('device-missing')
    expect(await codeOf(ask(cabin.bearer, 'DELETE', '/v1/devices/..%2fphone', Done))).toBe('device-name-invalid')
    await ask(cabin.bearer, 'DELETE', '/v1/devices/phone', Done)
    expect(peerKeys()).not.toContain(phone.publicKey)
  })
})

describe('when the machine does not follow', () => {
  const trouble = new Problem('tool-missing', { what: 'starting nft', why: 'it is not installed' })

  test('a join is kept and the trouble logged once; the owner at the hub is told; it mends itself', async () => {
    scene.machine.problem = trouble
    const { request } = await joinAs(scene, 'cabin')
    await scene.hub.reconcileOrLog()
    await scene.hub.reconcileOrLog()
    expect(scene.lines.filter((line) => line['code'] === 'tool-missing')).toHaveLength(1)
    expect((await scene.hub.status()).problem?.code).toBe('tool-missing')
    await joinAs(scene, 'lodge')
    await expect(scene.hub.remove('lodge')).rejects.toMatchObject({
      code: 'tool-missing',
      why: expect.stringContaining('is removed from the store') as string,
    })
    scene.machine.problem = null
    await scene.hub.reconcileOrLog()
    expect(peerKeys()).toEqual([request.publicKey])
    expect((await scene.hub.status()).problem).toBeNull()
  })
})
