import { localTime } from '../../system/time/local-time.ts'
import type { Revocation } from '../../hub/service/revoke-other.ts'
import { quoted } from '../../problems/printable.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { askThisHub } from '../side/hub-session.ts'
import { durationIn } from './hub-options.ts'

/** `homeward hub revoke-other HOME`: a token for the machine that stays. Without a terminal it stands alone on stdout. */
export async function hubRevokeOther(
  context: Context,
  home: string,
  { now = false, expires }: { readonly now?: boolean; readonly expires: string },
): Promise<void> {
  const { answer } = await askThisHub(context, 'revoke-other', { home, now, expiresInMs: durationIn(expires) })
  printFacts(context, answer, () => (process.stdout.isTTY ? revocationText(answer) : answer.token))
}

export function revocationText({ home, token, expiresAt, machines, cut }: Revocation): string {
  const listed = machines.map(({ name, from, since, last }) => {
    const called = name === undefined ? 'a machine' : quoted(name, 40)
    return `  ${called} at ${from}, first heard ${since}, last ${last}`
  })
  return [
    listed.length === 0
      ? `The hub does not know which machines are ${home}.`
      : `Machines that were ${home} since it joined:\n${listed.join('\n')}`,
    '',
    'On the one that stays, once:',
    '',
    `  sudo homeward join --again ${token}`,
    '',
    `The token is good until ${localTime(expiresAt)}; keep it secret. ${home} keeps its devices, ports and rights.`,
    cut
      ? `The key and secret that ${home} had are refused: every machine that has them is shut out, this one too until it joins again.`
      : `Then the key and secret of before are refused, and the other machine is shut out. Until then both get through, so that you can reach the one that stays through the tunnel. To shut out both now: sudo homeward hub revoke-other ${home} --now`,
  ].join('\n')
}
