import { Problem } from '../problems/problem.ts'

/** What a person types at this terminal, which does not show it. @throws {Problem} `interrupted`. */
export async function askedSecret(message: string, what: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  const given = await password({ message })
  if (isCancel(given)) throw new Problem('interrupted', { what, why: 'nothing was given' })
  return given
}
