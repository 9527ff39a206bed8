import { expect, test } from 'vitest'
import { NOTHING_KEPT_BUT_22 } from '../../../hub/machine/ports/kept-ports.ts'
import type { Alarm } from '../../../hub/service/hub-deps.ts'
import { paperHub } from '../loopback-hub.ts'

test('nothing of it is used before it is made, though everything outside calls back at once', async () => {
  const heard: unknown[] = []
  const { hub, alerting, remove } = await paperHub<NonNullable<Alarm>>(51_820, {
    heartbeats: {
      serve: (address, homes, asks) => {
        heard.push(address, homes, asks({ name: 'cabin' } as never))
      },
      heardSeconds: () => null,
      close: () => undefined,
    },
    echoes: { serve: (homes) => void heard.push(homes), close: () => undefined },
    ssh: NOTHING_KEPT_BUT_22,
    openAlerting: async (status) => {
      heard.push((await status()).homes)
      return {
        sign: () => undefined,
        note: () => undefined,
        openOf: () => [],
        tell: () => undefined,
        take: () => expect.fail(),
        test: async () => [],
        testDrill: async () => [],
        channels: () => [],
        givenToHomes: () => [],
      }
    },
  })
  try {
    expect(heard).toEqual([[], '10.86.0.1', [], false, []])
    await Promise.all([hub.recoverSessions(), hub.reconcile(), hub.status(), hub.lookForSsh()])
    expect(alerting).not.toBeNull()
  } finally {
    await hub.close()
    await remove()
  }
})

test('other settings are served at once, and none that take somebody’s address', async () => {
  const served: string[] = []
  const { hub, remove } = await paperHub(51_820, {
    heartbeats: {
      serve: (address) => void served.push(address),
      heardSeconds: () => null,
      close: () => undefined,
    },
  })
  try {
    const next = { ...hub.config, network: '10.87.0.0/24' }
    await hub.reconfigure(next)
    expect([hub.config.network, served]).toEqual(['10.87.0.0/24', ['10.86.0.1', '10.87.0.1']])
  } finally {
    await hub.close()
    await remove()
  }
})
