import { expect, test } from 'vitest'
import type { Notice, NoticeBundle } from '../../../alerts/core/notices.ts'
import { weightOf } from '../../../alerts/record/message.ts'
import { noticeMessage } from '../../../alerts/record/notice-message.ts'

const at = new Date('2026-11-30T12:00:00Z')
const port = (number: number): Notice => ({
  sort: 'port',
  did: `published ${number}/tcp to 192.168.1.20:443`,
  undo: [`sudo homeward publish remove ${number}/tcp`, 'sudo homeward hub home cabin --may=-publish'],
  allow: [],
})
const wish: Notice = {
  sort: 'wish',
  did: 'asks to publish 443/tcp to 192.168.1.20:443 (r-k7qd)',
  undo: [],
  allow: ['sudo homeward hub approve r-k7qd'],
}
const said = (bundle: Omit<NoticeBundle, 'home'>) => noticeMessage('id', { home: 'cabin', ...bundle }, at)

test('one act is the title, with what undoes it', () => {
  const message = said({ counts: { port: 1 }, notices: [port(8443)] })
  expect(message).toEqual({
    id: 'id',
    kind: 'security',
    at: '2026-11-30T12:00:00.000Z',
    home: 'cabin',
    title: 'cabin: published 8443/tcp to 192.168.1.20:443',
    text: [
      'cabin published 8443/tcp to 192.168.1.20:443.',
      'If that was not you, on the hub: sudo homeward publish remove 8443/tcp; sudo homeward hub home cabin --may=-publish',
      'All that it did: sudo homeward hub log cabin',
    ].join('\n'),
    incident: null,
  })
  expect(weightOf(message)).toBe('bad')
})

test('what waits comes with the line that allows it', () => {
  expect(said({ counts: { wish: 1 }, notices: [wish] }).text.split('\n')).toEqual([
    'cabin asks to publish 443/tcp to 192.168.1.20:443 (r-k7qd).',
    'To allow what it asks for, on the hub: sudo homeward hub approve r-k7qd',
    'All that it did: sudo homeward hub log cabin',
  ])
})

test('many acts are counted, the first ten are spelled out, and each command stands once, six of them', () => {
  const notices = [...Array.from({ length: 11 }, (_, more) => port(8_000 + more)), wish]
  const { title, text } = said({ counts: { port: 199, wish: 1 }, notices })
  expect(title).toBe('cabin: published 199 ports, asks for your permission')
  const lines = text.split('\n')
  expect(lines.slice(9, 11)).toEqual(['cabin published 8009/tcp to 192.168.1.20:443.', 'And 190 more.'])
  expect(lines[11]?.split('; ').map((one) => one.replace(/.*sudo homeward /, ''))).toEqual([
    'publish remove 8000/tcp',
    'hub home cabin --may=-publish',
    'publish remove 8001/tcp',
    'publish remove 8002/tcp',
    'publish remove 8003/tcp',
    'publish remove 8004/tcp',
  ])
})

test('every sort has words, for one and for many', () => {
  const counts = (count: number) => ({
    join: count,
    leave: count,
    key: count,
    shared: count,
    lan: count,
    exit: count,
    device: count,
    port: count,
    wish: count,
  })
  expect(said({ counts: counts(1), notices: [] }).title).toBe(
    'cabin: joined, left, changed its key, two machines have its identity, changed its LAN, changed its way out, added a device, published a port, asks for your permission',
  )
  expect(said({ counts: counts(2), notices: [] }).title).toBe(
    'cabin: joined 2 times, left 2 times, changed its key 2 times, two machines have its identity, changed its LAN 2 times, changed its way out 2 times, added 2 devices, published 2 ports, asks for 2 permissions',
  )
})
