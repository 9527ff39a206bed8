import type { IdentityReport } from '../../hub/report/identity-report.ts'
import type { RotateHow } from '../../hub/service/identity-change.ts'
import { Problem } from '../../problems/problem.ts'
import type { DeviceList } from '../../protocol/messages.ts'
import { sleep } from '../../system/time/sleep.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { needsText } from '../device/needs-text.ts'
import { printFacts, tell } from '../output.ts'
import { askThisHub } from '../side/hub-session.ts'

export interface RotateOptions {
  readonly now?: boolean
  readonly cancel?: boolean
  readonly stolen?: boolean
  readonly leaveBehind?: boolean
}

/** How long homes are waited for: one that is told by a heartbeat's answer, each 5 s, may have registered just before. */
const CONFIRM_WITHIN_MS = 15_000
const ASK_EVERY_MS = 1_000

const WHAT = 'changing the hub’s key'

/**
 * `homeward hub rotate-identity`: gives the hub another WireGuard key and certificate. Exit status 2 while homes are
 * waited for.
 */
export async function hubRotateIdentity(context: Context, options: RotateOptions): Promise<void> {
  const how = howIn(options)
  const before = (await askThisHub(context, 'identity', null)).answer
  if (how.when !== 'cancel' && (before.next === null || how.when !== 'announce')) {
    tell(PLANS[how.when])
    if (!(await confirm(context, 'Go ahead?', WHAT))) return tell('Nothing was changed.')
  }
  const { answer, daemon } = await askThisHub(context, 'rotate-identity', how)
  const after = daemon && answer.next !== null ? await untilConfirmed(context) : answer
  const changed = after.publicKey !== before.publicKey
  const { devices } = (await askThisHub(context, 'device-list', null)).answer
  const outdated = devices.flatMap(({ name, needs }) =>
    needs === null || needs.hubPublicKey === null ? [] : [{ name, needs }],
  )
  const { invites } = (await askThisHub(context, 'status', null)).answer
  const invited = changed ? invites.map(({ home }) => home) : []
  printFacts(context, { changed, ...after, devices: outdated, invited }, () =>
    after.next === null ? doneText(how, after, { changed, outdated, invited }) : waitingText(after, daemon),
  )
  if (after.next !== null) process.exitCode = 2
}

/** @throws {Problem} `wrong-usage`. */
function howIn({ now = false, cancel = false, stolen = false, leaveBehind = false }: RotateOptions): RotateHow {
  if ([now, cancel, stolen].filter(Boolean).length > 1)
    throw new Problem('wrong-usage', { what: WHAT, why: 'give one of --now, --cancel and --stolen' })
  const when = now ? 'now' : cancel ? 'cancel' : stolen ? 'stolen' : 'announce'
  return { when, leaveBehind }
}

const FOLLOWING = `Homes of this version follow by themselves, with a gap of seconds; one that is away follows when it comes back.
Each device (homeward device list) needs a new file or one changed line. Unused tokens stop working then.`

const PLANS: Readonly<Record<Exclude<RotateHow['when'], 'cancel'>, string>> = {
  announce: `The hub gets another WireGuard key and certificate, as soon as all homes have confirmed that they have it.\n${FOLLOWING}`,
  now: `The hub gets another WireGuard key and certificate now.\n${FOLLOWING}`,
  stolen: `The hub gets another WireGuard key and certificate now, and nothing leads to it: anyone who has the present key could sign just as this hub does.
Every home is cut off until it joins again by a new token, and every device until it has a new file.`,
}

/** The daemon changes by itself when the last home has confirmed. */
async function untilConfirmed(context: Context): Promise<IdentityReport> {
  tell('Announced to the homes. Waiting for them to confirm …')
  const until = performance.now() + CONFIRM_WITHIN_MS
  for (;;) {
    const { answer } = await askThisHub(context, 'identity', null)
    if (answer.next === null || performance.now() > until || !(await isWorthwhile(context, answer))) return answer
    await sleep(ASK_EVERY_MS)
  }
}

/** Whether a home is there that has not spoken, or nobody is missing: the last one's word and the change are a second apart. */
async function isWorthwhile(context: Context, { homes }: IdentityReport): Promise<boolean> {
  const missing = homes.filter(({ standing }) => standing !== 'confirmed')
  const { answer } = await askThisHub(context, 'status', null)
  const isDark = (name: string): boolean => answer.homes.find((home) => home.name === name)?.presence === 'dark'
  return missing.length === 0 || missing.some(({ name, standing }) => standing === 'waiting' && !isDark(name))
}

function doneText(
  { when }: RotateHow,
  { publicKey, homes }: IdentityReport,
  {
    changed,
    outdated,
    invited,
  }: {
    readonly changed: boolean
    readonly outdated: readonly {
      readonly name: string
      readonly needs: NonNullable<DeviceList['devices'][number]['needs']>
    }[]
    readonly invited: readonly string[]
  },
): string {
  if (!changed) return 'The hub keeps its key and certificate.'
  const lost = homes.filter(({ standing }) => when === 'stolen' || standing === 'older')
  const away = when === 'stolen' ? [] : homes.filter(({ standing }) => standing === 'waiting')
  return [
    `The hub has the new key ${publicKey}.`,
    ...(away.length === 0
      ? []
      : [`${namesOf(away)} had not confirmed, and follows when it is heard again: homeward hub status.`]),
    ...lost.map(
      ({ name }) =>
        `${name} is cut off: homeward hub invite ${name} makes a token, and there: sudo homeward join --again TOKEN`,
    ),
    ...invited.map((home) => `The token of ${home} no longer works: homeward hub invite ${home}`),
    ...outdated.map(({ name, needs }) => needsText(name, needs)),
  ].join('\n')
}

function waitingText({ next, homes }: IdentityReport, daemon: boolean): string {
  const of = (standing: IdentityReport['homes'][number]['standing']) =>
    homes.filter((home) => home.standing === standing)
  const [confirmed, waiting, older] = [of('confirmed'), of('waiting'), of('older')]
  return [
    `Announced at ${next?.announcedAt}, and not changed yet.`,
    ...(confirmed.length === 0 ? [] : [`confirmed: ${namesOf(confirmed)}`]),
    ...(waiting.length === 0 ? [] : [`not yet: ${namesOf(waiting)}`]),
    ...(older.length === 0 ? [] : [`cannot follow (too old, or not heard since the upgrade): ${namesOf(older)}`]),
    daemon
      ? 'The hub changes by itself when all have confirmed.'
      : 'The daemon tells the homes, and changes when all have confirmed: start it (systemctl start homeward-hub).',
    ...(waiting.length === 0
      ? []
      : [
          'To change now: homeward hub rotate-identity --now. Homes that have not confirmed follow when they come back.',
        ]),
    ...(older.length === 0
      ? []
      : ['Upgrade those that cannot follow first, or cut them off with --leave-behind and invite them again.']),
    'To keep the present key: homeward hub rotate-identity --cancel',
  ].join('\n')
}

function namesOf(homes: readonly { readonly name: string }[]): string {
  return homes.map(({ name }) => name).join(', ')
}
