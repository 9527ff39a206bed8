import { expect, test } from 'vitest'
import { publishedLines } from '../../../cli/home/published-lines.ts'

const since = '2026-11-30T03:12:05.123Z'
const port = (number: number) =>
  ({ protocol: 'tcp', port: number, lastPort: number, address: '192.168.1.20', targetPort: number }) as const
const proven = (number: number) => ({ ...port(number), state: 'proven', since, provenAt: since }) as const

test('a home without publications, or with a hub that does not check, says nothing', () => {
  expect(publishedLines(undefined)).toEqual([])
})

test('what fails and what is not known come with the hub’s reason in quotes, then what is proven', () => {
  const told = [
    { ...port(443), state: 'failing', since, provenAt: since, link: 'hub', why: 'table "nat"\u001b[31m takes it' },
    { ...port(53), state: 'unknown', since: null, provenAt: null, why: 'it is not checked yet' },
    proven(80),
  ] as const
  const lines = publishedLines({ count: 3, told: [...told] })
  expect(lines.join('')).not.toContain('\u001b')
  expect(lines).toEqual([
    expect.stringContaining("443/tcp fails since 2026-11-30 03:12:05 UTC at the link hub: the hub says \"table 'nat'"),
    '53/tcp is not proven: the hub says "it is not checked yet"',
    '80/tcp proven since 2026-11-30 03:12:05 UTC',
  ])
})

test('of many that are proven some are named, and the others counted', () => {
  const told = [1, 2, 3, 4, 5, 6].map(proven)
  expect(publishedLines({ count: 200, told })).toHaveLength(5)
  expect(publishedLines({ count: 200, told }).at(-1)).toBe('and 196 more: homeward publish list')
  expect(publishedLines({ count: 4, told: told.slice(0, 4) })).toHaveLength(4)
})
