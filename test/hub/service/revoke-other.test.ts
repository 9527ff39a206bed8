import { afterEach, beforeEach, expect, test } from 'vitest'
import { revocationText } from '../../../cli/hub/hub-revoke-other.ts'
import { openIdentities } from '../../../hub/presence/kept/kept-identities.ts'
import type { SaidMachine } from '../../../protocol/machine.ts'
import { parseToken } from '../../../protocol/token.ts'
import { codeOf, join, register } from '../registrar/registrar-calls.ts'
import { joinAs, type LoopbackHub, loopbackHub, newKey, newSecret } from '../loopback-hub.ts'
import { captureLog } from '../captured-log.ts'
import { turnedClock } from '../turned-clock.ts'

/** Two machines over the registrar with one secret, and the hub's owner. */

let scene: LoopbackHub
let told: string[]
beforeEach(async () => {
  told = []
  scene = await loopbackHub(51_820, {
    identities: await openIdentities('/dev/null/nowhere', turnedClock(), captureLog().log),
    openAlerting: async () =>
      ({
        sign: () => undefined,
        note: () => undefined,
        openOf: () => [],
        givenToHomes: () => null,
        tell: (home: string, notices: readonly { did: string; undo: readonly string[] }[]) =>
          told.push(...notices.map(({ did, undo }) => `${home} ${did}; ${undo.join('; ')}`)),
      }) as never,
  })
})
afterEach(() => scene.close())

const id = (text: string): string => text.padEnd(22, '-')
const PI: SaidMachine = { id: id('pi'), boot: id('X'), name: 'pi' }
const COPY: SaidMachine = { id: id('copy'), boot: id('Y'), name: 'evil"\u001b[2J' }

async function twoMachines() {
  const { bearer, request, answer } = await joinAs(scene, 'cabin', ['192.168.1.0/24'])
  told.splice(0)
  const { publicKey } = request
  const says = (machine?: SaidMachine) =>
    register(scene, bearer, { publicKey, lan: ['192.168.1.0/24'], ...(machine === undefined ? {} : { machine }) })
  return { bearer, publicKey, address: answer.address, says }
}

test('are told to the owner once, in status and log, and both of them hear it', async () => {
  const { says } = await twoMachines()
  for (const machine of [PI, COPY, undefined]) expect((await says(machine)).shared).toBe(false)
  expect((await says(PI)).shared).toBe(true)
  expect((await says(COPY)).shared).toBe(true)
  expect(told).toEqual([
    expect.stringMatching(
      /^cabin has two machines with its identity: "evil'\uFFFD\[2J" at 127\.0\.0\.1, first heard \S+ and "pi" at 127\.0\.0\.1, first heard \S+; sudo homeward hub revoke-other cabin$/,
    ),
  ])
  expect((await scene.hub.status()).warnings).toContainEqual(
    expect.stringContaining('sudo homeward hub revoke-other cabin'),
  )
  const entries = (await scene.audit()).filter(({ act }) => act === 'shared')
  expect(entries).toMatchObject([{ home: 'cabin', by: 'home' }])
})

test('of which the owner lets one join again: the other is shut out then, and the home is what it was', async () => {
  const { says, address, publicKey } = await twoMachines()
  for (const machine of [PI, COPY, PI]) await says(machine)
  await scene.hub.members.give('cabin', { may: '+full', quota: null })
  const revoked = await scene.hub.revokeOther({ home: 'cabin', expiresInMs: 3_600_000, now: false })
  expect(revoked).toMatchObject({ home: 'cabin', cut: false, machines: [{ from: '127.0.0.1' }, { name: 'pi' }] })
  // Until then both get through, so that its owner can reach the one that stays.
  expect((await says(COPY)).shared).toBe(true)
  const { joinSecret } = parseToken(revoked.token)
  const again = { version: 1, joinSecret, publicKey: newKey(), homeSecret: newSecret(), preview: false } as const
  const answer = await join(scene, { ...again, lan: [] })
  expect(answer).toMatchObject({ address, lan: ['192.168.1.0/24'] })
  expect(await codeOf(says(COPY))).toBe('home-unknown')
  expect(scene.machine.spec?.peers.map((peer) => peer.publicKey)).toEqual([again.publicKey])
  expect(scene.hub.members.show('cabin').may).toContain('full')
  expect(await scene.hub.status()).toMatchObject({ warnings: [], homes: [{ name: 'cabin' }] })
  expect(scene.store.document.homes[0]?.publicKey).not.toBe(publicKey)
})

test('are both shut out at once where the owner says so', async () => {
  const { says, address, publicKey } = await twoMachines()
  await scene.hub.publications.add(null, {
    protocol: 'tcp',
    port: 8_443,
    lastPort: 8_443,
    address: '192.168.1.20',
    targetPort: 443,
    source: 'hide',
    outgoing: false,
    home: 'cabin',
  })
  const { token, cut } = await scene.hub.revokeOther({ home: 'cabin', expiresInMs: 3_600_000, now: true })
  expect(cut).toBe(true)
  expect(await codeOf(says(PI))).toBe('home-unknown')
  expect(scene.machine.spec?.peers.map((peer) => peer.publicKey)).not.toContain(publicKey)
  const { joinSecret } = parseToken(token)
  const again = { version: 1, joinSecret, publicKey: newKey(), homeSecret: newSecret(), preview: false } as const
  expect(await join(scene, { ...again, lan: [] })).toMatchObject({ address, lan: ['192.168.1.0/24'] })
  expect(scene.store.document.publications).toMatchObject([{ home: 'cabin', port: 8_443 }])
  expect((await scene.audit()).map(({ by, act }) => `${by} ${act}`).slice(-3)).toEqual([
    'hub invited',
    'hub revoked',
    'home joined',
  ])
})

test('of a home that is none are refused', async () => {
  await expect(scene.hub.revokeOther({ home: 'barn', expiresInMs: 60_000, now: true })).rejects.toMatchObject({
    code: 'home-missing',
  })
})

test('what the owner reads says what to do on which machine, and quotes their names', () => {
  const at = '2026-11-30T12:00:00.000Z'
  const facts = { home: 'cabin', token: 'hw1.x.y', expiresAt: at, cut: false }
  const machines = [{ name: 'pi', from: '198.51.100.7', since: at, last: at }]
  const open = revocationText({ ...facts, machines })
  expect(open).toContain('  "pi" at 198.51.100.7, first heard')
  expect(open).toContain('\n  sudo homeward join --again hw1.x.y\n')
  expect(open).toContain('sudo homeward hub revoke-other cabin --now')
  const cut = revocationText({ ...facts, machines: [], cut: true })
  expect(cut).toContain('The hub does not know which machines are cabin.')
  expect(cut).not.toContain('--now')
})
