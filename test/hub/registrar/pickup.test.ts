import { afterEach, beforeEach, expect, test } from 'vitest'
import { pickUpToken, tokenOf } from '../../../cli/home/pick-up.ts'
import { formatPickupCode, newPickupCode, pickupLock, pickupSecret } from '../../../protocol/pickup.ts'
import { callRegistrar } from '../../../protocol/registrar-client.ts'
import { PickupAnswer } from '../../../protocol/pickup.ts'
import { parseToken } from '../../../protocol/token.ts'
import { joinAs, type LoopbackHub, loopbackHub, newKey, newSecret } from '../loopback-hub.ts'
import { codeOf, join } from './registrar-calls.ts'

const HOUR = 3_600_000

let scene: LoopbackHub
let code: ReturnType<typeof newPickupCode>
beforeEach(async () => {
  scene = await loopbackHub()
  code = newPickupCode(scene.registrar.host, scene.registrar.port)
})
afterEach(() => scene.close())

const invite = (expiresInMs = 24 * HOUR) =>
  scene.hub.invite({ home: 'cabin', lan: [], expiresInMs, pickup: pickupLock(code) })
const pick = (): Promise<string> => pickUpToken(formatPickupCode(code))
const joinWith = (token: string) =>
  join(scene, {
    version: 1,
    joinSecret: parseToken(token).joinSecret,
    publicKey: newKey(),
    homeSecret: newSecret(),
    lan: [],
    preview: false,
  })

test('the token is picked up once, makes the home, and the one on the console is void', async () => {
  const onConsole = (await invite()).token
  const token = await pick()
  expect(parseToken(token).certificate).toBe(scene.registrar.certificate)
  expect(await codeOf(pick())).toBe('token-used')
  expect(await codeOf(joinWith(onConsole))).toBe('token-unknown')
  expect(await joinWith(token)).toMatchObject({ home: 'cabin' })
  expect(scene.logged('a token was picked up')).toMatchObject([{ home: 'cabin' }])
  const told = (await scene.audit()).map(({ by, act, what }) => `${by} ${act} ${what}`)
  expect(told).toContain('home invited its token was picked up with the code of cloud-init')
})

test('whoever used the token on the console has ended the code', async () => {
  await joinWith((await invite()).token)
  expect(await codeOf(pick())).toBe('token-used')
})

test('after a day nothing is given, also where the token is good for longer', async () => {
  await invite(7 * 24 * HOUR)
  scene.clock.turn(24 * HOUR + 1_000)
  expect(await codeOf(pick())).toBe('token-expired')
})

test('a newer invitation of that home ends it, and its removal', async () => {
  await invite()
  await scene.hub.invite({ home: 'cabin', lan: [], expiresInMs: HOUR })
  expect(await codeOf(pick())).toBe('token-unknown')
})

test('a hub that does not know the code is not told the secret, and it is said to try again later', async () => {
  await joinAs(scene, 'lodge')
  await expect(pick()).rejects.toMatchObject({ code: 'token-unknown', next: expect.stringContaining('some minutes') })
})

test('another hub, which knows the hash and not the key, is found out before it is told anything', async () => {
  const { hash } = pickupLock(code)
  await scene.hub.invite({
    home: 'cabin',
    lan: [],
    expiresInMs: HOUR,
    pickup: { ...pickupLock(newPickupCode('a', 1)), hash },
  })
  await expect(pick()).rejects.toMatchObject({
    code: 'certificate-mismatch',
    why: expect.stringContaining('does not know the code'),
  })
  // It would have given its token for the secret.
  expect(scene.logged('a token was picked up')).toEqual([])
})

test('guesses are counted as wrong secrets are', async () => {
  await invite()
  const guess = () =>
    codeOf(
      callRegistrar(scene.registrar, {
        method: 'POST',
        path: '/v1/pickup',
        body: { version: 1, secret: newSecret() },
        answer: PickupAnswer,
      }),
    )
  const codes: string[] = []
  for (let count = 0; count < 22; count += 1) codes.push(await guess())
  expect(codes.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'token-unknown'))
  expect(codes.slice(20)).toEqual(['rate-limited', 'rate-limited'])
  // A right one is never counted.
  expect(parseToken(await pick()).home).toBe('cabin')
})

test('the secret is not in the store, and a token is not either', async () => {
  await invite()
  const token = await pick()
  const kept = JSON.stringify(scene.store.document)
  for (const secret of [code.code, pickupSecret(code), parseToken(token).joinSecret]) expect(kept).not.toContain(secret)
})

test('what is no code goes through as it is, and a rehearsal uses none up', async () => {
  const context = {
    configDir: '/nonexistent',
    stateDir: '/nonexistent',
    runtimeDir: '/nonexistent',
    json: false,
    yes: true,
  }
  const how = { again: false, dryRun: true }
  expect(await tokenOf(context, 'hw1.a.b', how)).toBe('hw1.a.b')
  expect(await codeOf(tokenOf(context, formatPickupCode(code), how))).toBe('wrong-usage')
})
