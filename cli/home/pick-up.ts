import { refuseSecondJoin } from '../../agent/membership/join.ts'
import { requireRoot } from '../../agent/membership/require-root.ts'
import { Problem } from '../../problems/problem.ts'
import {
  isPickupCode,
  isProof,
  parsePickupCode,
  PickupAnswer,
  pickupLock,
  PickupProof,
  pickupSecret,
} from '../../protocol/pickup.ts'
import { callRegistrar, certificateAt } from '../../protocol/registrar-client.ts'
import { parseToken } from '../../protocol/token.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import type { Context } from '../context.ts'
import { tell } from '../output.ts'
import { refuseIfAlso } from '../side/one-role.ts'

const LATER =
  'A VPS takes some minutes to set itself up: its console shows when it is ready, and what failed. Try again then'

/**
 * The token of a call: as it was given, or picked up where a code of cloud-init was given. What would refuse the join in
 * any case comes first, since the code is used up by it.
 * @throws {Problem} as `pickUpToken`; `wrong-usage`, `no-root`, `role-taken`, `already-joined`.
 */
export async function tokenOf(
  context: Context,
  given: string,
  { again, dryRun }: { readonly again: boolean; readonly dryRun: boolean },
): Promise<string> {
  if (!isPickupCode(given)) return given
  const what = 'picking up the token'
  if (dryRun)
    throw new Problem('wrong-usage', {
      what,
      why: 'a code is used up by it, and --dry-run changes nothing',
      next: 'Leave out --dry-run',
    })
  requireRoot(what)
  await refuseIfAlso('hub', context, what)
  if (!again) await refuseSecondJoin(context.configDir)
  const token = await pickUpToken(given)
  tell(`Picked up the token. The code is used up; should this join fail, the token is good for another one:

  homeward join ${token}
`)
  return token
}

/**
 * Picks up a token. Whoever answers must show by the code that its certificate is the hub's, before it is told the secret;
 * the token must pin that same certificate.
 * @throws {Problem} `certificate-mismatch`, `hub-unreachable`, `token-*`, …
 */
export async function pickUpToken(text: string): Promise<string> {
  const code = parsePickupCode(text)
  const { host, port } = code
  const what = `picking up the token at ${hostPort(host, port)}`
  const lock = pickupLock(code)
  const certificate = await orLater(what, () => certificateAt({ host, port }, what))
  const registrar = { host, port, certificate }
  const path = `/v1/pickup/${lock.hash}`
  const { proof } = await orLater(what, () =>
    callRegistrar(registrar, { method: 'GET', path, answer: PickupProof, what }),
  )
  if (!isProof(lock, certificate, proof))
    throw new Problem('certificate-mismatch', {
      what,
      why: 'who answers there does not know the code, so that it is not the hub that was set up with it',
      next: 'Check that the name leads to the VPS whose user-data this code belongs to',
    })
  const { token } = await callRegistrar(registrar, {
    method: 'POST',
    path: '/v1/pickup',
    body: { version: 1, secret: pickupSecret(code) },
    answer: PickupAnswer,
    what,
  })
  if (parseToken(token).certificate !== certificate)
    throw new Problem('certificate-mismatch', { what, why: 'the token that it gave is for another hub' })
  return token
}

/** What a VPS that is still being set up answers is no fault. */
async function orLater<Answer>(what: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (thrown) {
    const isEarly = thrown instanceof Problem && ['hub-unreachable', 'token-unknown'].includes(thrown.code)
    if (!isEarly) throw thrown
    throw new Problem(thrown.code, { what, why: thrown.why, next: LATER, cause: thrown })
  }
}
