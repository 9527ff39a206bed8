import type { Session } from '../api/session.ts'

/**
 * RouterOS from 7.18 on (`/safe-mode`): it notes every change of the session that holds it, and takes all of them back when
 * that session ends in any way before it was released.
 */

/** @throws {Trap} when another session holds it. */
export async function takeSafeMode(session: Session, signal: AbortSignal): Promise<void> {
  await session.exec({ command: '/safe-mode/take' }, signal)
}

/** What was changed stays. */
export async function releaseSafeMode(session: Session, signal: AbortSignal): Promise<void> {
  await session.exec({ command: '/safe-mode/release' }, signal)
}

/** What was changed is taken back now. */
export async function unrollSafeMode(session: Session, signal: AbortSignal): Promise<void> {
  await session.exec({ command: '/safe-mode/unroll' }, signal)
}
