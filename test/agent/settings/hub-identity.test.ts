import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { array, assert, constantFrom, property } from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  forgetHubIdentity,
  heardIdentity,
  type HubIdentity,
  hubIdentityOf,
  hubInForce,
  keepHubIdentity,
  keptHubIdentity,
  readHubIdentity,
  type ToldIdentity,
  trusted,
} from '../../../agent/settings/hub-identity.ts'
import { keptPlace } from '../../../agent/settings/place.ts'
import {
  begin,
  cancel,
  change,
  type HandOver,
  newestCertificate,
  noHandOver,
  toldSuccessions,
} from '../../../hub/core/hand-over.ts'
import { fingerprintOf, makeCertificate } from '../../../hub/settings/certificate.ts'
import { hashOfKey, signSuccession, successorsOf } from '../../../protocol/succession.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'
import { sampleTunnel } from '../sample-config.ts'

const identity = () => {
  const tls = makeCertificate(['203.0.113.10'])
  const publicKey = parsePublicKey(randomBytes(32).toString('base64'))
  return { ...tls, pem: tls.certificate, publicKey, certificate: fingerprintOf(tls.certificate) }
}
type Made = ReturnType<typeof identity>
const sign = (from: Made, to: Made) =>
  signSuccession({ ...from, certificate: from.pem }, { ...to, certificate: to.pem })
const named = ({ certificate, publicKey }: Made) => ({ certificate, publicKey })

const [first, second, third, stranger] = [identity(), identity(), identity(), identity()]
const told = (...of: readonly (readonly [Made, Made])[]): ToldIdentity => ({
  successions: of.map(([from, to]) => sign(from, to)),
  publicKeys: of.map(([, to]) => to.publicKey),
})
const joined: HubIdentity = { present: named(first), next: null }

describe('a home', () => {
  test('holds what its hub has announced, and goes on with the present one', () => {
    const heard = heardIdentity(joined, first.certificate, told([first, second]))
    expect(heard).toEqual({ present: named(first), next: named(second) })
    expect([trusted(joined), trusted(heard)]).toEqual([first.certificate, second.certificate])
    expect(heardIdentity(heard, first.certificate, undefined)).toEqual(heard)
  })

  test('follows when its hub shows what it holds', () => {
    const holding = { present: named(first), next: named(second) }
    expect(heardIdentity(holding, second.certificate, undefined)).toEqual({ present: named(second), next: null })
  })

  test('that was away for two changes follows at once, and holds the third', () => {
    const heard = heardIdentity(joined, third.certificate, told([first, second], [second, third]))
    expect(heard).toEqual({ present: named(third), next: null })
    const more = heardIdentity(joined, second.certificate, told([first, second], [second, third]))
    expect(more).toEqual({ present: named(second), next: named(third) })
  })

  test('drops what its hub has taken back', () => {
    const holding = { present: named(first), next: named(second) }
    expect(heardIdentity(holding, first.certificate, { successions: [], publicKeys: [] })).toEqual(joined)
    expect(heardIdentity(holding, first.certificate, told([first, third])).next).toEqual(named(third))
  })

  test.each<[string, ToldIdentity]>([
    ['a stranger signed', told([stranger, second])],
    ['another key comes with', { ...told([first, second])!, publicKeys: [stranger.publicKey] }],
    [
      'somebody changed',
      {
        successions: [{ ...sign(first, second), keyHash: hashOfKey(stranger.publicKey) }],
        publicKeys: [stranger.publicKey],
      },
    ],
  ])('believes nothing that %s', (_, forged) => {
    expect(heardIdentity(joined, first.certificate, forged)).toEqual(joined)
    // Nor does it take a certificate of which it was told no key.
    expect(heardIdentity(joined, second.certificate, forged)).toEqual(joined)
  })
})

/** One hub and one home, as far as their documents go; whatever is not written down is lost when they are cut off. */
test('in whatever order hub and home act and are cut off, the home comes to the hub’s identity, and never to another', () => {
  const pool = Array.from({ length: 6 }, identity)
  const all = new Map([first, ...pool].map((one) => [one.certificate, one]))
  const acts = array(constantFrom('announce', 'cancel', 'change', 'register', 'lost', 'cut-before-written', 'cut'), {
    maxLength: 40,
  })
  const now = new Date('2026-11-30T10:00:00Z')
  assert(
    property(acts, (order) => {
      let left = pool
      let hub: HandOver = noHandOver(named(first))
      let disk: HubIdentity = joined
      let home = disk
      const present = (): Made => all.get(hub.present?.certificate ?? first.certificate) ?? first

      const register = (end: 'register' | 'lost' | 'cut-before-written'): void => {
        const seen = present().certificate
        const leads = successorsOf(home.present.certificate, hub.successions).map(({ certificate }) => certificate)
        // Whoever is not led there refuses to speak.
        expect([home.present.certificate, home.next?.certificate, ...leads]).toContain(seen)
        if (end === 'lost') return
        const isNews = trusted(home) !== newestCertificate(hub)
        const publicKeys = [present().publicKey, ...(hub.next === null ? [] : [hub.next.publicKey])]
        home = heardIdentity(home, seen, isNews ? { successions: toldSuccessions(hub), publicKeys } : undefined)
        if (end === 'cut-before-written') home = disk
        else disk = home
      }

      for (const act of order) {
        if (act === 'announce') {
          const [one, ...rest] = left
          if (one === undefined || hub.next !== null) continue
          left = rest
          hub = begin(hub, { ...named(one), succession: sign(present(), one) }, false, now)
        } else if (act === 'cancel') hub = hub.next === null ? hub : cancel(hub)
        else if (act === 'change') hub = change(hub, now)
        else if (act === 'cut') home = disk
        else register(act)
        const is = all.get(home.present.certificate)
        expect(is?.publicKey).toBe(home.present.publicKey)
      }
      register('register')
      register('register')
      expect(home.present).toEqual(named(present()))
      expect(trusted(home)).toBe(newestCertificate(hub))
    }),
    { numRuns: 60 },
  )
})

describe('what a home keeps of it', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-identity-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const { hub } = sampleTunnel
  const moved: HubIdentity = { present: named(second), next: named(third) }

  test('is in force until it joins again, with its place', async () => {
    const kept = keptHubIdentity(hub, moved)
    await keepHubIdentity(folder, kept)
    const path = join(folder, 'hub-identity.json')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const read = await readHubIdentity(folder)
    expect(hubIdentityOf(hub, read)).toMatchObject(moved)
    const place = keptPlace(hub, { address: '10.99.0.2', network: '10.99.0.0/16', hubAddress: '10.99.0.1' })
    expect(hubInForce(hub, place, read)).toEqual({
      ...hub,
      ...named(second),
      address: '10.99.0.2',
      network: '10.99.0.0/16',
      hubAddress: '10.99.0.1',
    })
    const again = { ...hub, certificate: stranger.certificate }
    expect(hubInForce(again, null, read)).toEqual(again)
    expect(hubIdentityOf(again, read).next).toBeNull()
    await forgetHubIdentity(folder)
    expect(hubInForce(hub, null, await readHubIdentity(folder))).toEqual(hub)
  })

  test('counts as nothing where it is damaged: the hub is asked again', async () => {
    await keepHubIdentity(folder, keptHubIdentity(hub, moved))
    const path = join(folder, 'hub-identity.json')
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, 60))
    expect(await readHubIdentity(folder)).toBeNull()
  })
})
