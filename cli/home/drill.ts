import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { DrillReport, WayReport } from '../../agent/drill/drills.ts'
import { secondsOf, WAYS } from '../../agent/drill/ways.ts'
import { agentConfigPath, readAgentConfig } from '../../agent/settings/config.ts'
import { withDrill } from '../../agent/settings/config-text.ts'
import { askDrill, askDrillReport, recheckAgent } from '../../agent/settings/recheck-agent.ts'
import { namedRemedy } from '../../alerts/record/remedies.ts'
import { namedCause } from '../../alerts/record/troubles.ts'
import { isProblemCode } from '../../problems/catalogue.ts'
import { Problem } from '../../problems/problem.ts'
import { DRILL_WAYS, type DrillWay } from '../../protocol/drill.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { sleep } from '../../system/time/sleep.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts, tell } from '../output.ts'
import { askAgent } from '../side/ask-agent.ts'
import { refuseOnOther } from '../side/other-machine.ts'
import { table } from '../text/table.ts'

export interface DrillOptions {
  readonly list?: boolean
  /** `false`: --no-monthly. */
  readonly monthly?: boolean
}

const ASK_EVERY_MS = 500
const ASK_MS = 15_000

/** `homeward drill`: exit status 0 when each way healed for the right cause and was told, 2 when one did not. */
export async function drill(context: Context, given: readonly string[], options: DrillOptions): Promise<void> {
  const ways = waysIn(given)
  if (options.list === true)
    return printFacts(context, { ways: ways.map(factsOf) }, ({ ways }) => ways.map(lineOf).join('\n'))
  await refuseOnOther('home', context, 'a drill')
  if (options.monthly !== undefined) return await setMonthly(context, options.monthly)
  const question = [
    'Break this home’s tunnel on purpose, and see that it heals?',
    ...ways.map((way) => `  ${lineOf(factsOf(way))}`),
    'Each ends by itself, whatever happens meanwhile, and people are told of each with the word drill.',
  ].join('\n')
  if (!(await confirm(context, question, 'a drill'))) return tell('Nothing was broken.')
  // Says who is missing, where no agent runs.
  if (!(await orNoRoot(() => askDrill(context.runtimeDir, ways, ASK_MS)))) await askAgent(context, 'status')
  const report = await whenOver(context)
  printFacts(context, report, reportText)
  const isGood = ({ isRight, healedSeconds, asBefore, channels }: WayReport): boolean =>
    isRight && healedSeconds !== null && asBefore && channels.every(({ problem }) => problem === null)
  if (!report.ways.every(isGood)) process.exitCode = 2
}

/** Follows the drill until it is over. @throws {Problem} why it ended before its first way did. */
async function whenOver(context: Context): Promise<DrillReport> {
  let told = 0
  for (;;) {
    await sleep(ASK_EVERY_MS)
    const reply = await orNoRoot(() => askDrillReport(context.runtimeDir, ASK_MS))
    // The other end is this same program, behind a socket that only root and the service's user may open.
    const report = (reply?.answer ?? null) as DrillReport | null
    if (report === null)
      throw new Problem('agent-not-running', { what: 'the drill', why: 'the agent ended in the middle of it' })
    for (const way of report.ways.slice(told)) tell(`${way.way}: ${wayText(way)}`)
    told = report.ways.length
    if (!report.over) continue
    if (report.problem === null) return report
    const { code, message } = report.problem
    if (report.ways.length > 0) tell(message)
    else throw new Problem(isProblemCode(code) ? code : 'internal', whyOf(message))
    process.exitCode = 2
    return report
  }
}

/** The parts of a problem's sentence. */
function whyOf(message: string): { readonly what: string; readonly why: string } {
  const [what = 'the drill', ...rest] = message.split(' failed: ')
  return { what, why: rest.join(' failed: ') || message }
}

/** @throws {Problem} `wrong-usage`. */
function waysIn(given: readonly string[]): readonly DrillWay[] {
  const isWay = (word: string): word is DrillWay => DRILL_WAYS.some((way) => way === word)
  const odd = given.find((word) => !isWay(word))
  if (odd !== undefined)
    throw new Problem('wrong-usage', {
      what: `reading ${JSON.stringify(odd)}`,
      why: 'it is no way of a drill',
      next: `Choose of ${DRILL_WAYS.join(', ')}; homeward drill --list says what each does`,
    })
  return given.length === 0 ? DRILL_WAYS : DRILL_WAYS.filter((way) => given.includes(way))
}

interface WayFacts {
  readonly way: DrillWay
  readonly does: string
  readonly expects: string
  readonly seconds: number
}

/** How it is where agent.yaml says nothing else: a heartbeat each 5 s. */
function factsOf(way: DrillWay): WayFacts {
  const { does, expects } = WAYS[way]
  return { way, does, expects, seconds: secondsOf(way, 5_000) }
}

function lineOf({ way, does, expects, seconds }: WayFacts): string {
  return `${way.padEnd(10)} ${does}, for ${seconds} s at most; ${expects}`
}

function wayText({ noticedSeconds, healedSeconds, cause, isRight, asBefore, remedies }: WayReport): string {
  const noticed = noticedSeconds === null ? 'not noticed' : `noticed after ${noticedSeconds} s`
  const healed = healedSeconds === null ? 'not healed in its time' : `healed after ${healedSeconds} s`
  const named = cause === null ? 'no cause named' : `cause: ${namedCause(cause)}`
  const tried = remedies.length === 0 ? '' : `; tried ${remedies.map(namedRemedy).join(', ')}`
  const after = asBefore ? '' : '; the tunnel is not yet as before'
  return `${noticed}, ${healed}, ${named} (${isRight ? 'right' : 'not the right one'})${tried}${after}`
}

function reportText({ ways }: DrillReport): string {
  const channels = ways.flatMap(({ way, channels }) =>
    channels.map((one) => [way, one.end, one.name, one.kind, one.problem ?? 'delivered']),
  )
  const seconds = (value: number | null): string => (value === null ? 'never' : `${value} s`)
  return [
    table([
      ['WAY', 'NOTICED', 'HEALED', 'CAUSE', 'RIGHT', 'AS BEFORE'],
      ...ways.map((one) => [
        one.way,
        seconds(one.noticedSeconds),
        seconds(one.healedSeconds),
        one.cause === null ? 'none' : namedCause(one.cause),
        one.isRight ? 'yes' : 'no',
        one.asBefore ? 'yes' : 'no',
      ]),
    ]),
    channels.length === 0
      ? 'No channel of alerts: sudo homeward alert add NAME'
      : table([['WAY', 'END', 'CHANNEL', 'KIND', 'ANSWER'], ...channels]),
  ].join('\n\n')
}

/** Puts the moments into agent.yaml, or takes them out. */
async function setMonthly(context: Context, isOn: boolean): Promise<void> {
  const before = await orNoRoot(() => readAgentConfig(context.configDir))
  // At ten in the morning, on a day and in a minute of the home's own: not all homes of a hub at once.
  const fresh = `${randomInt(60)} 10 ${1 + randomInt(28)} * *`
  const moments = isOn ? (before.drill ?? fresh) : null
  const path = agentConfigPath(context.configDir)
  await orNoRoot(async () => writeFileAtomic(path, withDrill(await readFile(path, 'utf8'), moments)))
  const taken = (await recheckAgent(context.runtimeDir, ASK_MS)) === 'looked'
  printFacts(context, { drill: moments, taken }, ({ drill }) =>
    [
      drill === null ? 'No drill is planned any more.' : `Drills at ${drill} (cron), as agent.yaml says now.`,
      ...(taken ? [] : ['No agent runs that would take it.']),
    ].join('\n'),
  )
}
