import { onTestFinished } from 'vitest'
import { openSession } from '../../../adapters/mikrotik/api/api.ts'
import type { Session } from '../../../adapters/mikrotik/api/session.ts'
import { ADMIN, type FakeRouter, type FakeRouterPlan, startFakeRouter } from './fake-router.ts'

/** For the running test: a router, and sessions with it, which end with the test. */
export async function start(plan: Partial<FakeRouterPlan> = {}): Promise<FakeRouter> {
  const router = await startFakeRouter({ version: '7.18.2', ...plan })
  onTestFinished(() => router.close())
  return router
}

export async function logIn(
  of: FakeRouter,
  user: string = ADMIN.user,
  password: string = ADMIN.password,
): Promise<Session> {
  const access = { host: '127.0.0.1', port: of.plainPort ?? 0, certificate: null, user, password: async () => password }
  const session = await openSession(access, signal())
  onTestFinished(() => session.close())
  return session
}

export const signal = () => AbortSignal.timeout(10_000)

export async function rowsOf(session: Session, path: string): Promise<readonly Record<string, string>[]> {
  return (await session.exec({ command: `${path}/print` }, signal())).rows
}
