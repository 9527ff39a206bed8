import { readFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import { routerReport, type TriedCase, type TriedMachine } from './router-report.ts'

/** Prints what the contract found out on a router, for its owner to post: `npm run try:router`. */
export default class RouterReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((one) => [...one.children.allTests()])
    const cases = tests.map((one): TriedCase => {
      const { state, errors } = one.result()
      const seconds = (one.diagnostic()?.duration ?? 0) / 1_000
      return { name: one.name, state, seconds, errors: (errors ?? []).map(({ message }) => message) }
    })
    const machines = tests.flatMap((one) => (one.meta() as { readonly machine?: TriedMachine }).machine ?? [])
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }
    const hidden = Object.entries(process.env).flatMap(([name, value]) =>
      /^HOMEWARD_TEST_(ROUTEROS|OPENWRT)/.test(name) && value !== undefined ? [value] : [],
    )
    const report = routerReport({ version, machines, cases }, hidden)
    process.stdout.write(`\nWhat follows has no secret in it, and no address. Please post it:\n\n${report}`)
  }
}
