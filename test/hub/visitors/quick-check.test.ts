import { expect, test } from 'vitest'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import type { Presence } from '../../../hub/presence/presence.ts'
import { NOTHING_KEPT_BUT_22 } from '../../../hub/machine/ports/kept-ports.ts'
import { makeQuickCheck, provingPresence } from '../../../hub/visitors/quick-check.ts'
import { joined } from '../core/some.ts'
import { publication } from '../proving/given.ts'

const { document } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])

test('a home is certain for one and a half of its heartbeats, and what is known of it is what its presence is', () => {
  let presence: Presence = { kind: 'heard', heardSeconds: 3, agentSilentSeconds: 0 }
  const who = provingPresence({ document }, { of: () => presence, intervalSeconds: () => 25 })
  expect([who.heardSeconds('cabin'), who.isDark('cabin'), who.certainSeconds('cabin')]).toEqual([3, false, 37.5])
  presence = { kind: 'dark', silentSeconds: 40 }
  expect([who.heardSeconds('cabin'), who.isDark('cabin')]).toEqual([null, true])
  presence = { kind: 'awaited' }
  expect([who.heardSeconds('cabin'), who.isDark('cabin')]).toEqual([null, false])
  expect([who.heardSeconds('barn'), who.isDark('barn')]).toEqual([null, false])
})

test('what the last look found in the way is tried again, and nothing else is', async () => {
  const tried: number[] = []
  let taken: string | null = null
  const check = makeQuickCheck({
    store: { document },
    sources: { whyHidden: () => null },
    ssh: NOTHING_KEPT_BUT_22,
    wayIn: {
      takenFrom: () => taken,
      tries: async (_, port) => {
        tried.push(port)
        return 'table ip nat leads it away'
      },
    },
    proof: (home) => ({
      home,
      hubProblem: async () => null,
      heardSeconds: () => 99,
      isReady: () => true,
      measureSource: async () => null,
      clock: { now: () => 0, wall: () => new Date() },
    }),
  })
  expect((await check(publication(443), null)).links.at(-1)).toMatchObject({ link: 'tunnel', works: false })
  expect(tried).toEqual([])
  taken = 'table ip nat leads it away'
  expect((await check(publication(443), null)).links.at(-1)).toMatchObject({ link: 'hub', works: false })
  expect(tried).toEqual([443])
  await expect(check(publication(443, { home: 'barn' }), null)).rejects.toThrow(/barn/)
})
