import { expect, test } from 'vitest'
import type { Step } from '../../../../adapters/step.ts'
import { failBackToUdp } from '../../../../agent/tunnel/plan/fail-back.ts'
import type { Path } from '../../../../agent/tunnel/plan/path.ts'
import type { Endpoint } from '../../../../wireguard/spec.ts'
import { stateFolder } from '../../../adapters/state-folder.ts'
import { sampleTunnel } from '../../sample-config.ts'

const PATH: Path = {
  hubLiterals: ['203.0.113.10', '203.0.113.11'],
  endpoint: { address: '192.168.1.2', port: 35_902 },
  provenAddress: null,
  keepaliveSeconds: 25,
  listenPort: 51_820,
  start: null,
  transport: null,
  visitors: false,
  outgoing: [],
}

/** What an agent that ends does to the machine. */
async function ended(path: Partial<Path>): Promise<readonly Step[]> {
  const steps: Step[] = []
  const adapter = { execute: async (step: Step) => void steps.push(step) }
  const isMoved = await failBackToUdp(adapter, sampleTunnel, await stateFolder(), { ...PATH, ...path })
  expect(isMoved).toBe(steps.length > 0)
  return steps
}

const endpointsOf = (steps: readonly Step[]): readonly (Endpoint | null)[] =>
  steps.flatMap((step) => (step.kind === 'set-peers' ? step.peers.map(({ endpoint }) => endpoint) : []))

test.each([
  { address: '192.168.1.2', port: 35_902 },
  { address: '127.0.0.1', port: 40_000 },
])(
  'a tunnel that sends into the TLS transport at $address sends to the hub again when the agent ends',
  async (into) => {
    expect(endpointsOf(await ended({ endpoint: into }))).toEqual([{ address: '203.0.113.10', port: 51_820 }])
  },
)

test.each([
  { address: '203.0.113.10', port: 51_820 },
  { address: '203.0.113.11', port: 443 },
])('a tunnel that sends to the hub at $address:$port is left alone', async (endpoint) => {
  expect(await ended({ endpoint })).toEqual([])
})

test('sends to where the hub last answered, whatever its name says', async () => {
  const astray = { hubLiterals: ['192.168.1.50', '203.0.113.10'], provenAddress: '203.0.113.10' }
  const into = { address: '127.0.0.1', port: 40_000 }
  expect(endpointsOf(await ended({ ...astray, endpoint: into }))).toEqual([{ address: '203.0.113.10', port: 51_820 }])
})

test.each([
  ['where the tunnel sends', { endpoint: null }],
  ['where the hub is', { hubLiterals: null }],
])('nothing is changed while it is not known %s', async (_what, path) => {
  expect(await ended(path)).toEqual([])
})
