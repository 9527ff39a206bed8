import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeCallBudget } from '../../../hub/registrar/call-budget.ts'
import { captureLog } from '../captured-log.ts'
import { joinAs, type LoopbackHub, loopbackHub } from '../loopback-hub.ts'
import { turnedClock } from '../turned-clock.ts'
import { codeOf, register } from './registrar-calls.ts'

const answer = async (): Promise<string> => 'answered'

describe('a budget', () => {
  test('is a home’s own, of each kind its own, and comes back by the minute, up to what it was', async () => {
    const clock = turnedClock()
    const { spend } = makeCallBudget(clock, captureLog().log)
    const taken = async (most: number): Promise<number> => {
      for (let count = 0; count < most; count += 1)
        if ((await codeOf(spend('cabin', 'register', answer))) !== 'none') return count
      return most
    }
    expect(await taken(100)).toBe(60)
    expect(await codeOf(spend('cabin', 'register', answer))).toBe('rate-limited')
    expect(await spend('lodge', 'register', answer)).toBe('answered')
    expect(await spend('cabin', 'list', answer)).toBe('answered')
    clock.turn(60_000)
    expect(await taken(100)).toBe(20)
    clock.turn(3_600_000)
    expect(await taken(100)).toBe(60)
  })

  test('of looks at packets has room for one at a time', async () => {
    const { spend } = makeCallBudget(turnedClock(), captureLog().log)
    let end: (said: string) => void = () => undefined
    const first = spend('cabin', 'arrivals', () => new Promise<string>((resolve) => (end = resolve)))
    await expect(spend('cabin', 'arrivals', answer)).rejects.toMatchObject({
      code: 'rate-limited',
      why: expect.stringContaining('at once') as string,
    })
    expect(await spend('lodge', 'arrivals', answer)).toBe('answered')
    end('done')
    expect(await first).toBe('done')
    const failing = spend('cabin', 'arrivals', () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(await spend('cabin', 'arrivals', answer)).toBe('answered')
  })

  test('of changes has room for four at a time', async () => {
    const { spend } = makeCallBudget(turnedClock(), captureLog().log)
    const ends: ((said: string) => void)[] = []
    const four = [1, 2, 3, 4].map(() => spend('cabin', 'change', () => new Promise<string>((end) => ends.push(end))))
    expect(await codeOf(spend('cabin', 'change', answer))).toBe('rate-limited')
    expect(await spend('lodge', 'change', answer)).toBe('answered')
    for (const end of ends) end('done')
    expect(await Promise.all(four)).toEqual(['done', 'done', 'done', 'done'])
  })

  test('that is spent is a line of the log a minute, however many calls come', async () => {
    const clock = turnedClock()
    const { log, lines } = captureLog()
    const { spend } = makeCallBudget(clock, log)
    for (let count = 0; count < 1_000; count += 1) await codeOf(spend('cabin', 'alert-test', answer))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ home: 'cabin', kind: 'alert-test' })
  })
})

describe('a hub', () => {
  let scene: LoopbackHub
  beforeEach(async () => {
    scene = await loopbackHub()
  })
  afterEach(() => scene.close())

  test('answers a home that registers without end that it does so, and another home as ever', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin')
    const other = await joinAs(scene, 'lodge')
    const { publicKey } = request
    for (let count = 0; count < 60; count += 1) await register(scene, bearer, { publicKey })
    await expect(register(scene, bearer, { publicKey })).rejects.toMatchObject({
      code: 'rate-limited',
      why: expect.stringContaining('60 registrations, and then 20 a minute') as string,
    })
    expect(await codeOf(register(scene, other.bearer, { publicKey: other.request.publicKey }))).toBe('none')
    scene.clock.turn(3_000)
    expect(await codeOf(register(scene, bearer, { publicKey }))).toBe('none')
  })
})
