import type { Problem } from '../../../problems/problem.ts'
import { JoinAnswer, type JoinRequest, RegisterAnswer, type RegisterRequest } from '../../../protocol/messages.ts'
import { callRegistrar } from '../../../protocol/registrar-client.ts'
import type { LoopbackHub } from '../loopback-hub.ts'

/** Fifty homes at once have one process between them, perhaps on a busy machine. */
const BUSY_MS = 60_000

type Asked = Pick<LoopbackHub, 'registrar'>

export const join = ({ registrar }: Asked, body: JoinRequest): Promise<JoinAnswer> =>
  callRegistrar(registrar, { method: 'POST', path: '/v1/join', body, answer: JoinAnswer, timeoutMs: BUSY_MS })

export function register(
  { registrar }: Asked,
  bearer: string,
  more: Partial<RegisterRequest> & Pick<RegisterRequest, 'publicKey'>,
): Promise<RegisterAnswer> {
  const body = { version: 1, lan: [], listenPort: null, reason: 'start', lastMapping: null, ...more }
  return callRegistrar(registrar, { method: 'POST', path: '/v1/register', bearer, body, answer: RegisterAnswer })
}

/** Of the problem that a call ends with. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown: unknown) => (thrown as Problem).code,
  )
