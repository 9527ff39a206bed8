import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { RegisterAnswer, RegisterRequest } from '../../protocol/messages.ts'
import { someIncident } from './some-incident.ts'

/** What an end of this version makes of words that a newer one may say: it goes on without them. */

const key = Buffer.alloc(32, 1).toString('base64')
const request = { version: 1, publicKey: key, lan: [], listenPort: null, lastMapping: null, reason: 'start' }
const view = {
  peerKnown: true,
  endpoint: null,
  lastHandshakeSeconds: 1,
  rxBytes: 1,
  txBytes: 1,
  lastHeartbeatSeconds: 1,
}
const answer = { view, alternatePorts: [], hubTime: '2026-11-22T20:01:02Z' }

describe('a registration of a newer home', () => {
  test('for a reason that this hub does not know is one for another reason', () => {
    const read = v.parse(RegisterRequest, { ...request, reason: 'the-moon' })
    expect(read.reason).toBe('other')
    expect(v.parse(RegisterRequest, request).reason).toBe('start')
  })

  test('reports the incidents that this hub knows, without those of other kinds', () => {
    const known = someIncident({ id: 'a', scope: 'tunnel' })
    const incidents = { now: known.began, claims: ['a', 'b'], canSpeak: true }
    const newer = { ...someIncident({ id: 'b' }), scope: 'the-moon' }
    const read = v.parse(RegisterRequest, { ...request, incidents: { ...incidents, incidents: [newer, known] } })
    expect(read.incidents?.incidents.map(({ id }) => id)).toEqual(['a'])
    // What no version says is not taken for a newer one's.
    const many = Array.from({ length: 9 }, () => known)
    expect(v.is(RegisterRequest, { ...request, incidents: { ...incidents, incidents: many } })).toBe(false)
  })

  test('says more than this hub reads', () => {
    expect(v.parse(RegisterRequest, { ...request, moon: { phase: 1 }, runs: '9.9.9' })).toMatchObject({ runs: '9.9.9' })
  })
})

describe('the answer of a newer hub', () => {
  const told = (more: object) => ({
    protocol: 'tcp',
    port: 443,
    lastPort: 443,
    address: '192.168.1.20',
    targetPort: 443,
    state: 'proven',
    since: null,
    provenAt: null,
    ...more,
  })

  test('holds the standings that this home knows, without those of other kinds', () => {
    const published = {
      count: 3,
      told: [told({}), told({ state: 'the-moon' }), told({ state: 'failing', link: 'the-moon' })],
    }
    expect(v.parse(RegisterAnswer, { ...answer, published }).published).toMatchObject({ count: 3, told: [told({})] })
  })

  test('holds the named services and the incidents that this home knows', () => {
    const named = [
      { ...told({}), host: 'nas', source: null },
      { ...told({ protocol: 'sctp' }), host: 'nas', source: null },
    ]
    const incident = someIncident({ id: 'a' })
    const incidents = {
      now: incident.began,
      incidents: [
        { was: 'a', incident },
        { was: 'b', incident: { ...incident, scope: 'the-moon' } },
      ],
      others: [{ ...incident, said: { ...incident.said, down: { by: 'the-moon', at: incident.began } } }, incident],
    }
    const read = v.parse(RegisterAnswer, { ...answer, named, incidents })
    expect(read.named).toHaveLength(1)
    expect(read.incidents?.incidents.map(({ was }) => was)).toEqual(['a'])
    expect(read.incidents?.others).toHaveLength(1)
  })
})
