import { expect, test } from 'vitest'
import { routerReport, type Tried } from './router-report.ts'

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk='
const tried = (errors: readonly string[]): Tried => ({
  version: '0.1.0',
  machines: [{ model: 'hAP ax² "at the Smiths"', version: '7.16.1', dataPlane: 'kernel' }],
  cases: [
    { name: 'says what machine it is', state: 'passed', seconds: 0.42, errors: [] },
    { name: 'a drift is found', state: 'failed', seconds: 12.06, errors },
    { name: 'a hub’s own', state: 'skipped', seconds: 0, errors: [] },
  ],
})

test('a report says what was tried on what, and how it ended', () => {
  expect(routerReport(tried(['expected 1 to be 2']), [])).toBe(`homeward 0.1.0
hAP ax², 7.16.1, WireGuard in the kernel
1 passed, 1 failed, 1 left out

| case | | seconds |
| --- | --- | --- |
| says what machine it is | passed | 0.4 |
| a drift is found | failed | 12.1 |
| a hub’s own | skipped | 0.0 |

**a drift is found**

\`\`\`
expected 1 to be 2
\`\`\`
`)
})

test.each([
  ['an address', 'no answer from 192.0.2.7', '192.0.2.7'],
  ['an address of IPv6', 'no answer from 2001:db8:3::10', '2001:db8:3::10'],
  ['a link’s own', 'fe80::1 is silent', 'fe80::1'],
  ['a network', 'route ::/0 or 2001:db8::/48', '2001:db8::'],
  ['a card', 'it is 00:00:5E:00:53:01', '00:00:5E:00:53:01'],
  ['a key', `public-key=${KEY}`, KEY],
  ['a host key', `it shows SHA256:${'x'.repeat(43)}`, 'x'.repeat(43)],
  ['a certificate', `it shows ${'ab'.repeat(32)}`, 'ab'.repeat(32)],
  ['who logs in, and the longer word first', 'pi-of-cabin may not', 'pi-of-cabin'],
])('nothing private is in it: %s', (_what, error, secret) => {
  const report = routerReport(tried([error]), ['cabin', 'pi-of-cabin'])
  expect(report).not.toContain(secret)
  expect(report).toMatch(/\((?:address|MAC address|key|fingerprint|hidden)\)/)
  expect(report).not.toContain('pi-of')
})

test('times and names of cases stay as they are', () => {
  const report = routerReport(tried(['at 12:06:07 the rule "forward-hw0" was 1 of 3']), ['x'])
  expect(report).toContain('at 12:06:07 the rule "forward-hw0" was 1 of 3')
})

test('of a long error the beginning is there', () => {
  const report = routerReport(tried([Array.from({ length: 40 }, (_, line) => `line ${line}`).join('\n')]), [])
  expect(report).toContain('line 11')
  expect(report).not.toContain('line 12')
})
