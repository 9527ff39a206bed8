import { Problem } from '../../problems/problem.ts'
import { Done, PROTOCOL_VERSION, type LeaveRequest } from '../../protocol/messages.ts'
import { askRegistrar, type RegistrarAddress } from '../registrar/ask-registrar.ts'

/**
 * Asks the hub to forget this home. A hub that does not know it any more has forgotten it.
 * @param reopenInvite gives the invitation back, for a join that is undone.
 * @throws {Problem} when the hub is not reached or refuses.
 */
export async function forgetHome(
  registrar: RegistrarAddress,
  bearer: string,
  { reopenInvite }: Pick<LeaveRequest, 'reopenInvite'>,
  signal: AbortSignal,
): Promise<void> {
  const body: LeaveRequest = { version: PROTOCOL_VERSION, reopenInvite }
  try {
    await askRegistrar(registrar, {
      what: 'leaving the hub',
      method: 'POST',
      path: '/v1/leave',
      body,
      bearer,
      answer: Done,
      signal,
    })
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== 'home-unknown') throw thrown
  }
}
