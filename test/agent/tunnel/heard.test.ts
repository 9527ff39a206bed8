import { expect, test } from 'vitest'
import { makeHeardFromHub } from '../../../agent/tunnel/heard.ts'
import { captureLog } from '../../hub/captured-log.ts'

test('another machine with this home’s secret is told once in the log, and in the status for as long as the hub says so', () => {
  const { log, lines } = captureLog()
  const heard = makeHeardFromHub(log, () => undefined, '0.2.0')
  const said = (shared: boolean, waiting: string[] = []) => {
    heard.take({ shared, waiting, published: undefined })
    return heard.warnings()
  }
  expect(said(false)).toEqual([])
  const warning = expect.stringMatching(
    /another machine .* on the hub: sudo homeward hub revoke-other HOME; .* sudo homeward join --again TOKEN$/,
  )
  expect(said(true)).toEqual([warning])
  expect(said(true, ['10.99.0.0/16'])).toEqual([warning, expect.stringContaining('10.99.0.0/16')])
  expect(lines).toHaveLength(2)
  expect(said(false)).toEqual([])
})
