import { Problem } from '../../problems/problem.ts'
import { JoinAnswer, type JoinRequest, PROTOCOL_VERSION } from '../../protocol/messages.ts'
import type { JoinToken } from '../../protocol/token.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import { type Answered, askRegistrar } from '../registrar/ask-registrar.ts'
import { detectLan } from '../lan/lan.ts'
import type { LocalNetworks } from '../lan/local-networks.ts'
import { type HomeSecrets, newSecrets } from '../secrets/secrets.ts'

/** A join is answered when the hub's machine has followed. The preview reached the hub, which may be small and busy. */
const JOIN_MS = 30_000

/** A hub's answer to this home's join, or to the preview of it. */
export interface Admission extends Answered<JoinAnswer> {
  readonly secrets: HomeSecrets
  readonly publicKey: JoinRequest['publicKey']
}

/**
 * Joins. The same home secret again gets the same answer.
 * @param publicKey the router's, where the router made it; else the one of the secrets.
 * @throws {Problem} the hub's own, or why it is not reached.
 */
export async function requestJoin(
  token: JoinToken,
  secrets: HomeSecrets,
  publicKey: PublicKey | null,
  lan: readonly string[],
  signal: AbortSignal,
): Promise<Admission> {
  return await ask(token, secrets, lan, 'join', signal, publicKey)
}

/**
 * Asks what a join would get; changes nothing at the hub. The LAN is the given one, else the invitation's, else the one
 * this machine is on.
 */
export async function previewJoin(
  token: JoinToken,
  secrets: HomeSecrets,
  lan: readonly string[],
  local: LocalNetworks,
  signal: AbortSignal,
): Promise<Admission> {
  const admission = await previewLan(token, secrets, lan, signal)
  if (admission.answer.lan.length > 0) return admission
  return await ask(token, admission.secrets, [detectLan(local)], 'preview', signal)
}

/** Asks what a join would get, for a home that knows its LAN. */
export async function previewLan(
  token: JoinToken,
  secrets: HomeSecrets,
  lan: readonly string[],
  signal: AbortSignal,
): Promise<Admission> {
  try {
    return await ask(token, secrets, lan, 'preview', signal)
  } catch (thrown) {
    // The key is left over from an interrupted join with another token: the hub has it under another name.
    const isOfAnother = thrown instanceof Problem && thrown.code === 'request-invalid' && !secrets.fresh
    if (!isOfAnother) throw thrown
    return await ask(token, newSecrets(), lan, 'preview', signal)
  }
}

async function ask(
  token: JoinToken,
  secrets: HomeSecrets,
  lan: readonly string[],
  purpose: 'preview' | 'join',
  signal: AbortSignal,
  madeElsewhere: PublicKey | null = null,
): Promise<Admission> {
  const publicKey = madeElsewhere ?? publicKeyOf(secrets.privateKey)
  const body: JoinRequest = {
    version: PROTOCOL_VERSION,
    joinSecret: token.joinSecret,
    publicKey,
    homeSecret: secrets.homeSecret,
    lan: [...lan],
    preview: purpose === 'preview',
  }
  const answered = await askRegistrar(
    { hosts: token.addresses, port: token.port, certificate: token.certificate },
    {
      what: 'joining the hub',
      method: 'POST',
      path: '/v1/join',
      body,
      answer: JoinAnswer,
      signal,
      ...(purpose === 'join' ? { timeoutMs: JOIN_MS } : {}),
    },
  ).catch((thrown: unknown) => {
    throw withItsName(thrown, token.home)
  })
  if (answered.answer.hubPublicKey !== token.hubPublicKey)
    throw new Problem('certificate-mismatch', {
      what: 'joining the hub',
      why: 'its WireGuard key is not the one of the token',
      next: 'The hub has another key since the token was made: make a new token there with homeward hub invite HOME',
    })
  return { ...answered, secrets, publicKey }
}

/** Puts the home's name, which the token says, into the advice on a token that is used up. */
function withItsName(thrown: unknown, home: string): unknown {
  if (!(thrown instanceof Problem) || (thrown.code !== 'token-expired' && thrown.code !== 'token-used')) return thrown
  const { code, what, why } = thrown
  return new Problem(code, { what, why, next: `Make a new one on the hub: homeward hub invite ${home}`, cause: thrown })
}
