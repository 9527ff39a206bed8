import { describe, expect, test } from 'vitest'
import { makeMutex } from '../../../system/process/mutex.ts'

/** Acts that end when they are told to, and what happened in which order. */
function scene() {
  const happened: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  const act = (name: string) => () => {
    happened.push(`${name} begins`)
    return new Promise<string>((resolve, reject) => {
      ends.set(name, (error) => {
        happened.push(`${name} ends`)
        if (error === undefined) resolve(name)
        else reject(error)
      })
    })
  }
  const end = async (name: string, error?: Error): Promise<void> => {
    await expect.poll(() => ends.has(name)).toBe(true)
    ends.get(name)?.(error)
  }
  return { mutex: makeMutex(), happened, act, end }
}

describe('who holds a mutex', () => {
  test('is one at a time, in the order of the calls, and each gets its own result', async () => {
    const { mutex, happened, act, end } = scene()
    const all = ['a', 'b', 'c'].map((name) => mutex.runExclusive(act(name)))
    for (const name of ['a', 'b', 'c']) await end(name)
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
    expect(happened).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  test('may fail, at once or later: its own caller hears it, and the next goes on', async () => {
    const { mutex, act, end } = scene()
    const first = mutex.runExclusive(act('a'))
    const second = mutex.runExclusive(() => {
      throw new Error('at once')
    })
    const third = mutex.runExclusive(act('c'))
    await end('a', new Error('later'))
    await expect(first).rejects.toThrow('later')
    await expect(second).rejects.toThrow('at once')
    await end('c')
    expect(await third).toBe('c')
  })

  test('is not cut off by its signal once it has begun', async () => {
    const { mutex, act, end } = scene()
    const cut = new AbortController()
    const held = mutex.runExclusive(act('a'), cut.signal)
    await Promise.resolve()
    cut.abort()
    await end('a')
    expect(await held).toBe('a')
  })
})

describe('who waits for a mutex', () => {
  test('and is called off ends at once, is never begun, and holds up none', async () => {
    const { mutex, happened, act, end } = scene()
    const cut = new AbortController()
    const first = mutex.runExclusive(act('a'))
    const second = mutex.runExclusive(act('b'), cut.signal)
    const third = mutex.runExclusive(act('c'))
    cut.abort(new Error('called off'))
    await expect(second).rejects.toThrow('called off')
    expect(happened).toEqual(['a begins'])
    await end('a')
    await end('c')
    expect([await first, await third]).toEqual(['a', 'c'])
    expect(happened).toEqual(['a begins', 'a ends', 'c begins', 'c ends'])
  })

  test('with a signal that has ended already is never begun, although nobody holds it', async () => {
    const { mutex, happened, act } = scene()
    await expect(mutex.runExclusive(act('a'), AbortSignal.abort(new Error('ended')))).rejects.toThrow('ended')
    await mutex.settled()
    expect(happened).toEqual([])
  })
})

test('settled waits for all that were asked for before, failed ones too', async () => {
  const { mutex, happened, act, end } = scene()
  void mutex.runExclusive(act('a')).catch(() => undefined)
  void mutex.runExclusive(act('b'))
  const settled = mutex.settled().then(() => happened.push('settled'))
  await end('a', new Error('no'))
  await end('b')
  await settled
  expect(happened).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'settled'])
})
