import { type RouterCertificate, unconfirmed } from '../agent/choose-router.ts'
import { tell } from './output.ts'

/**
 * Shows the router's certificate and asks whether it is the right one. --yes does not answer this: it means "go ahead",
 * and who nobody has looked at could be anybody.
 * @throws {Problem} `router-unconfirmed` when there is nobody to ask.
 */
export async function trustCertificate(shown: RouterCertificate): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) throw unconfirmed(shown)
  tell(`The router at ${shown.host} shows this certificate (nothing was sent to it yet):
  subject  ${shown.subject}
  SHA-256  ${shown.fingerprint}
On the router itself ${shown.whereShown} shows it.`)
  const prompts = await import('@clack/prompts')
  return (await prompts.confirm({ message: 'Is this the router’s own certificate?', initialValue: false })) === true
}
