import { access } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { LONGEST } from './longest.ts'

test('the files that begin are there, each once', async () => {
  for (const file of LONGEST) await access(new URL(`../${file}`, import.meta.url))
  expect(new Set(LONGEST).size).toBe(LONGEST.length)
})
