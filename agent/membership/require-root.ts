import { Problem } from '../../problems/problem.ts'

/** Refuses without root: joining and leaving write where only root may. @throws {Problem} `no-root`. */
export function requireRoot(what: string): void {
  if (process.geteuid?.() !== 0)
    throw new Problem('no-root', { what, why: 'it changes this machine, which takes root' })
}
