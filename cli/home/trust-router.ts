import { type RouterIdentity, unconfirmed } from '../../agent/membership/choose-router.ts'
import { quoted } from '../../problems/printable.ts'
import { tell } from '../output.ts'

/**
 * Shows the router's certificate or host key and asks whether it is the right one. --yes does not answer this: it means
 * "go ahead", and a router that nobody has looked at could be anybody.
 * @throws {Problem} `router-unconfirmed` when there is nobody to ask.
 */
export async function trustRouter(shown: RouterIdentity): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) throw unconfirmed(shown)
  const isCertificate = shown.kind === 'certificate'
  tell(`The router at ${shown.host} shows this ${shown.kind} (nothing was sent to it yet):
  ${isCertificate ? `subject  ${quoted(shown.subject)}` : `type     ${shown.subject}`}
  ${isCertificate ? 'SHA-256  ' : '         '}${shown.fingerprint}
On the router itself ${shown.whereShown} shows it.`)
  const prompts = await import('@clack/prompts')
  const message = `Is this the router’s own ${shown.kind}?`
  return (await prompts.confirm({ message, initialValue: false })) === true
}
