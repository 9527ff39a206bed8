import { expect, test } from 'vitest'
import { setupScript } from '../../../adapters/mikrotik/setup-script.ts'
import { setupOf } from '../../../cli/router/router-mikrotik-setup.ts'

const options = { user: 'homeward', group: 'homeward' }
const password = 'A-password_1'

function commandsFor(given: Parameters<typeof setupOf>[0]): string[] {
  return setupScript(setupOf(given, password))
    .split('\n')
    .filter((line) => line.startsWith('/'))
}

test('the group may look, change and ping, and neither keys nor users', () => {
  const group = commandsFor(options).find((line) => line.startsWith('/user/group/add')) ?? ''
  const policies = (/policy=(\S+)/.exec(group)?.[1] ?? '').split(',')
  expect(policies.filter((name) => !name.startsWith('!'))).toEqual(['api', 'read', 'write', 'test'])
  for (const name of ['policy', 'sensitive', 'ftp', 'reboot', 'winbox', 'ssh']) expect(policies).toContain(`!${name}`)
})

test('with --from service and user are bound to that address, without it to none', () => {
  const bound = commandsFor({ ...options, from: '192.168.88.10' }).filter((line) =>
    line.includes('address=192.168.88.10'),
  )
  expect(bound.map((line) => line.split(' ')[0])).toEqual(['/user/add', '/ip/service/set'])
  expect(commandsFor(options).join('\n')).not.toContain(' address=')
})

test('the certificate names the router as it is reached', () => {
  expect(commandsFor({ ...options, address: '192.168.88.1' })[0]).toContain('subject-alt-name=IP:192.168.88.1 ')
  expect(commandsFor({ ...options, address: 'router.lan' })[0]).toContain('subject-alt-name=DNS:router.lan ')
})

test('nothing that the console would take for a command gets into one', () => {
  for (const name of ['', 'a b', 'x;/system/reset', '"', '$x', '[x]', 'x'.repeat(33)])
    expect(() => setupOf({ ...options, user: name }, password)).toThrow(
      expect.objectContaining({ code: 'wrong-usage' }),
    )
  for (const from of ['', 'router', '192.168.88.0/33', '1.2.3.4/2/2', '1.2.3.4;x', 'fe80::1%x'])
    expect(() => setupOf({ ...options, from }, password)).toThrow(expect.objectContaining({ code: 'address-invalid' }))
  expect(() => setupOf({ ...options, address: 'a b' }, password)).toThrow(
    expect.objectContaining({ code: 'address-invalid' }),
  )
  expect(setupOf({ ...options, from: '192.168.88.0/24' }, password).from).toBe('192.168.88.0/24')
  expect(setupOf({ ...options, from: 'fd00::2' }, password).from).toBe('fd00::2')
})
