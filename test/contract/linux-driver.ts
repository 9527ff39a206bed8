import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { linuxAdapter } from '../../adapters/linux/linux.ts'
import type { Remedy, Step } from '../../adapters/adapter.ts'
import { asProblem } from '../../problems/problem.ts'
import type { PresharedKey } from '../../wireguard/keys.ts'

/**
 * The linux adapter in a process of its own, since it works on the namespace it runs in. Bundled by the harness, started
 * inside a host, asked by lines of JSON: it can be killed at any moment, as an agent can.
 * Arguments: the file with the private key, a file with preshared keys by public key.
 */
export type DriverRequest =
  | { readonly id: number; readonly verb: 'describe' }
  | { readonly id: number; readonly verb: 'observe'; readonly interface: string }
  | { readonly id: number; readonly verb: 'execute'; readonly step: Step }
  | { readonly id: number; readonly verb: 'remedy'; readonly remedy: Remedy }

export interface DriverReply {
  readonly id: number
  readonly answer?: unknown
  readonly problem?: { readonly code: string; readonly what: string; readonly why: string; readonly next: string }
}

const [privateKeyFile = '', presharedKeysFile = ''] = process.argv.slice(2)
const presharedKeys = new Map(
  Object.entries(JSON.parse(readFileSync(presharedKeysFile, 'utf8')) as Record<string, PresharedKey>),
)
const adapter = linuxAdapter({
  privateKeyFile: () => privateKeyFile,
  presharedKeys: (publicKey) => presharedKeys.get(publicKey),
})

createInterface({ input: process.stdin })
  .on('line', (line) => void answer(JSON.parse(line) as DriverRequest))
  .once('close', () => process.exit(0))
console.log(JSON.stringify({ id: 0 } satisfies DriverReply))

async function answer(request: DriverRequest): Promise<void> {
  let reply: DriverReply
  try {
    reply = { id: request.id, answer: (await carryOut(request)) ?? null }
  } catch (thrown) {
    const { code, what, why, next } = asProblem(thrown, request.verb)
    reply = { id: request.id, problem: { code, what, why, next } }
  }
  console.log(JSON.stringify(reply))
}

function carryOut(request: DriverRequest): Promise<unknown> {
  const signal = AbortSignal.timeout(30_000)
  switch (request.verb) {
    case 'describe':
      return adapter.describe(signal)
    case 'observe':
      return adapter.observe(request.interface, signal)
    case 'execute':
      return adapter.execute(request.step, signal)
    case 'remedy':
      return adapter.remedy(request.remedy, signal)
    default:
      return request satisfies never
  }
}
