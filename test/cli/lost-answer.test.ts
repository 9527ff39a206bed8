import { describe, expect, test } from 'vitest'
import { type Change, changeOrFindOut, samePorts } from '../../cli/publish/lost-answer.ts'
import { Problem } from '../../problems/problem.ts'
import type { Publication } from '../../protocol/publications.ts'

const range = { protocol: 'udp', port: 20_001, lastPort: 50_000 } as const
const publication: Publication = {
  ...range,
  address: '10.86.0.2',
  targetPort: 20_001,
  source: 'keep',
  home: 'cabin',
  addedAt: '2026-11-23T10:00:00.000Z',
}
const lost = new Problem('hub-unreachable', { what: 'asking the hub', why: 'it did not answer within 10 s' })

const change = (more: Partial<Change>): Promise<Publication> =>
  changeOrFindOut({
    range,
    change: () => Promise.reject(lost),
    list: async () => ({ publications: [] }),
    done: (publications) => publications.find(samePorts(range)) ?? null,
    state: 'published',
    ...more,
  })

describe('where the hub’s answer to a change is lost', () => {
  test('the list tells that it was made', async () => {
    expect(await change({ list: async () => ({ publications: [publication] }) })).toEqual(publication)
  })

  test('or that it was not, which is what the error says', async () => {
    await expect(change({})).rejects.toThrow(
      /it did not answer within 10 s; asked again, the hub says that 20001-50000\/udp is not published/,
    )
  })

  test('or nothing, and then the error says that it is not known', async () => {
    await expect(change({ list: () => Promise.reject(lost) })).rejects.toThrow(
      /whether 20001-50000\/udp is published is not known/,
    )
  })
})

test('a refusal by the hub is final, and nobody asks again', async () => {
  const refusal = new Problem('port-taken', { what: 'publishing 443/tcp', why: 'sshd uses it' })
  const list = (): never => expect.fail('it was asked again')
  await expect(change({ change: () => Promise.reject(refusal), list })).rejects.toBe(refusal)
})
