import { Problem } from '../../../problems/problem.ts'

/**
 * The problem of a flash that is full.
 * @param what reads well before ` failed`.
 * @param folder that was written to.
 * @param said by the script: how many KiB are needed, and how many there are.
 * @param and the state afterwards, if that needs saying.
 */
export function flashFull(what: string, folder: string, said: string, and = 'nothing was changed'): Problem {
  const [needed = '', free = ''] = said.trim().split(' ')
  const left = /^\d+$/.test(free) ? `${free} KiB` : 'too little'
  return new Problem('router-flash-full', {
    what,
    why: `its flash has ${left} left for ${folder}, and ${needed} KiB are needed; ${and}`,
  })
}
