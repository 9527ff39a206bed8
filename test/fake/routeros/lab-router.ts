import { existsSync, readFileSync, writeFileSync, renameSync } from 'node:fs'
import { serveLines } from '../serve-lines.ts'
import { type FakeRouterPlan, type SavedRouter, startFakeRouter } from './fake-router.ts'
import { linuxKernel } from './kernel/linux-kernel.ts'
import type { Ending, Misbehaviour } from './misbehaviour.ts'

/**
 * The simulated router as a program on the laboratory's router: bundled, started in its namespace, told what to do by lines
 * of JSON. Arguments: a file with the plan, a file that is the router's flash.
 */
export type LabRouterRequest =
  | { readonly id: number; readonly verb: 'console'; readonly script: string }
  | { readonly id: number; readonly verb: 'export' | 'sessions' | 'jobs' | 'settle' | 'looks' }
  | { readonly id: number; readonly verb: 'misbehave'; readonly how: Misbehaviour | null }
  | { readonly id: number; readonly verb: 'drop'; readonly how: Ending }

export type LabRouterPlan = Pick<FakeRouterPlan, 'version' | 'deviceMode' | 'links' | 'setup'>

const [planFile = '', flash = ''] = process.argv.slice(2)
const plan = JSON.parse(readFileSync(planFile, 'utf8')) as LabRouterPlan
const saved = existsSync(flash) ? { saved: load() } : {}
const router = await startFakeRouter({
  ...plan,
  ...saved,
  address: '0.0.0.0',
  plainPort: 8728,
  tlsPort: 8729,
  kernel: linuxKernel(),
  onKept: keep,
})

serveLines(router.fingerprint, (request) => carryOut(request as LabRouterRequest))

async function carryOut(request: LabRouterRequest): Promise<unknown> {
  switch (request.verb) {
    case 'console':
      return await router.console(request.script)
    case 'export':
      return router.export()
    case 'sessions':
      return router.sessions()
    case 'jobs':
      return router.jobs()
    case 'looks':
      // Which each look asks for once.
      return router.transcript().filter(([command]) => command === '/ip/firewall/raw/print').length
    case 'settle':
      return await router.settle()
    case 'misbehave':
      return router.misbehave(request.how)
    case 'drop':
      return router.dropSessions(request.how)
    default:
      return request satisfies never
  }
}

/** Written whole or not at all: the power may go at any moment. */
function keep(kept: SavedRouter): void {
  writeFileSync(`${flash}.new`, JSON.stringify([...kept.tables]), { mode: 0o600 })
  renameSync(`${flash}.new`, flash)
}

function load(): SavedRouter {
  return { tables: new Map(JSON.parse(readFileSync(flash, 'utf8')) as [string, never][]) }
}
