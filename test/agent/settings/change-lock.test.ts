import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withChangeLock } from '../../../agent/settings/change-lock.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-lock-'))
})
afterEach(() => rm(folder, { recursive: true }))

const signal = new AbortController().signal

test('a second change waits for the first', async () => {
  const order: string[] = []
  let begun = (): void => undefined
  const firstBegan = new Promise<void>((resolve) => {
    begun = resolve
  })
  const first = withChangeLock(folder, signal, async () => {
    begun()
    await new Promise((resolve) => setTimeout(resolve, 50))
    order.push('first')
  })
  await firstBegan
  const second = withChangeLock(folder, signal, async () => order.push('second'))
  await Promise.all([first, second])
  expect(order).toEqual(['first', 'second'])
})

test('a change that fails gives the lock back', async () => {
  const failing = withChangeLock(folder, signal, async () => {
    throw new Error('half done')
  })
  await expect(failing).rejects.toThrow('half done')
  expect(await readdir(folder)).toEqual([])
  expect(await withChangeLock(folder, signal, async () => 'done')).toBe('done')
})

test('whoever is told to end does not wait for it', async () => {
  const ending = new AbortController()
  await withChangeLock(folder, signal, async () => {
    const waiting = withChangeLock(folder, ending.signal, async () => 'never')
    ending.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'already-running' })
  })
})
