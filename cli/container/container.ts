import { agentConfigPath } from '../../agent/settings/config.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import type { ProblemCode } from '../../problems/catalogue.ts'
import { asProblem } from '../../problems/problem.ts'
import { isThere } from '../../system/files/is-there.ts'
import { makeFolder } from '../../system/files/atomic-file.ts'
import type { Context } from '../context.ts'
import { problemText, tell } from '../output.ts'
import { keepActed, readActed, tokenMark } from './acted.ts'
import { givenOptions } from './given-options.ts'
import type { GivenOptions } from './options.ts'
import { type Made, planStart, type StartStep } from './plan-start.ts'
import { refuseWithoutRights } from './rights.ts'

/** With these a token stays of no use, however often it is tried. */
const SPENT: ReadonlySet<ProblemCode> = new Set([
  'token-used',
  'token-unknown',
  'token-expired',
  'token-malformed',
  'token-damaged',
  'token-version',
])

/** `homeward container`: what a container does before its daemon runs. Nobody is there to be asked. */
export async function container(asked: Context): Promise<void> {
  const context = { ...asked, yes: true }
  const given = await givenOptions(process.env)
  const mark = given.token === undefined ? null : tokenMark(given.token)
  const acted = await readActed(context.stateDir)
  const steps = planStart(given, mark, { role: await roleOf(context), acted })
  if (steps.some((step) => step.do === 'join' || step.do === 'init')) await refuseWithoutRights()
  let isDone = true
  for (const step of steps) isDone = (await carryOut(context, step)) && isDone
  if (isDone && steps.length > 0 && given.address === undefined)
    await keepActed(context.stateDir, { token: mark ?? acted?.token ?? null, lan: given.lan ?? [] })
}

async function roleOf(context: Context): Promise<Made['role']> {
  if (await isThere(agentConfigPath(context.configDir))) return 'home'
  return (await isThere(hubPaths(context).config)) ? 'hub' : 'none'
}

/** @returns false where the same is to be tried at the next start. @throws {Problem} where there is nothing to run then. */
async function carryOut(context: Context, step: StartStep): Promise<boolean> {
  switch (step.do) {
    case 'init': {
      const { hubInit } = await import('../hub/hub-init.ts')
      await hubInit(context, { ...initOptions(step.given), starts: true })
      return true
    }
    case 'join': {
      const { join } = await import('../home/join.ts')
      const { lan = [], economy = false } = step.given
      await makeFolder(context.stateDir)
      await join(context, step.token, { router: 'linux', interface: 'hw0', lan, economy, starts: true })
      return true
    }
    case 'join-again': {
      const { joinAgain } = await import('../home/join-again.ts')
      return await orGoOn(() => joinAgain(context, step.token, { dryRun: false, given: [] }))
    }
    case 'lan': {
      const { lan } = await import('../home/lan.ts')
      return await orGoOn(() => lan(context, step.lan))
    }
    default:
      return step satisfies never
  }
}

/** A home that is there runs, whatever else fails: it may be all that leads to the machine. */
async function orGoOn(act: () => Promise<void>): Promise<boolean> {
  try {
    await act()
    return true
  } catch (thrown) {
    const problem = asProblem(thrown, 'starting this container')
    tell(`homeward: ${problemText(problem)} The home runs with the settings that it has.`)
    return SPENT.has(problem.code)
  }
}

function initOptions({ address = [], port, network, alternate_ports: alternatePorts }: GivenOptions) {
  return {
    address,
    ...(port === undefined ? {} : { port: String(port) }),
    ...(network === undefined ? {} : { network }),
    ...(alternatePorts === undefined ? {} : { alternatePorts: alternatePorts.join(',') }),
  }
}
