import { expect, test } from 'vitest'
import { Trap } from '../../../adapters/mikrotik/api/api.ts'
import type { Row, Session } from '../../../adapters/mikrotik/api/session.ts'
import { requireRights } from '../../../adapters/mikrotik/rights.ts'

const never = new AbortController().signal

/** A router that has these rows and refuses those commands. */
function answering(rows: Readonly<Record<string, readonly Row[]>>, refusals: Readonly<Record<string, string>>) {
  const heard: string[] = []
  const exec: Session['exec'] = ({ command }) => {
    heard.push(command)
    const message = refusals[command]
    if (message !== undefined) return Promise.reject(new Trap({ message }))
    return Promise.resolve({ rows: rows[command] ?? [], ret: null })
  }
  return { exec, heard }
}

function listed(policy: string) {
  return answering(
    {
      '/user/print': [
        { name: 'admin', group: 'full' },
        { name: 'homeward', group: 'tunnel' },
      ],
      '/user/group/print': [
        { name: 'full', policy: 'api,read,write,test,sensitive,policy' },
        { name: 'tunnel', policy },
      ],
    },
    {},
  )
}

test('the four rights are enough, whatever else is denied', async () => {
  const { exec } = listed('api,read,write,test,!local,!policy,!sensitive')
  await requireRights(exec, 'homeward', never)
})

test('what is missing is named, with the line that gives it', async () => {
  const { exec } = listed('api,read,!write,!test')
  await expect(requireRights(exec, 'homeward', never)).rejects.toMatchObject({
    code: 'router-rights-missing',
    why: expect.stringContaining('lacks write, test'),
    next: expect.stringContaining('/user/group/set "tunnel" policy=write,test'),
  })
})

const DENIED = 'not enough permissions (9)'
const NO_ITEM = 'no such item'

test('a user who may not read the list of users is tried by commands that change nothing', async () => {
  const { exec, heard } = answering({}, { '/user/print': DENIED, '/interface/wireguard/remove': NO_ITEM })
  await requireRights(exec, 'homeward', never)
  expect(heard).toContain('/tool/ping')

  for (const [command, policy] of [
    ['/interface/wireguard/remove', 'write'],
    ['/tool/ping', 'test'],
  ] as const) {
    const refused = { '/user/print': DENIED, '/interface/wireguard/remove': NO_ITEM, [command]: DENIED }
    await expect(requireRights(answering({}, refused).exec, 'homeward', never)).rejects.toMatchObject({
      code: 'router-rights-missing',
      why: expect.stringMatching(new RegExp(`lacks ${policy}$`)),
      next: expect.stringContaining('[find name="homeward"]'),
    })
  }
})

test('a user whom the router’s list does not have is tried too', async () => {
  const { exec, heard } = answering({}, { '/interface/wireguard/remove': NO_ITEM })
  await requireRights(exec, 'homeward', never)
  expect(heard).toContain('/interface/wireguard/remove')
})
