import { reasonOf } from '../../problems/problem.ts'
import type { HandOver } from '../core/hand-over.ts'
import { lookAtHandOver, writeHandOver } from '../settings/kept-hand-over.ts'
import type { HubPaths } from '../settings/paths.ts'
import type { OwnFile } from './own-file.ts'

/** The file that says which of the hub's keys counts. Before the first hand-over there is none. */
export function handOverFile(paths: HubPaths, running: () => HandOver): OwnFile {
  return {
    path: paths.handOver,
    of: 'keys',
    check: async () => {
      try {
        const found = await lookAtHandOver(paths, running())
        if (found === 'another' || found === 'whole') return { kind: found }
        const { present, next } = running()
        if (found === 'none' && present === null && next === null) return { kind: 'whole' }
        await writeHandOver(paths, running())
        return { kind: 'restored', was: 'damaged' }
      } catch (thrown) {
        return { kind: 'lost', why: reasonOf(thrown) }
      }
    },
  }
}
