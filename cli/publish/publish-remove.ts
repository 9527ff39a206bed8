import { rangeText } from '../../protocol/publications.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { rangeOf } from './publish-range.ts'
import { publishClient } from './publish-client.ts'

/** `homeward publish remove PORT/tcp`. */
export async function publishRemove(context: Context, ports: string): Promise<void> {
  const removed = await (await publishClient(context)).remove(rangeOf(ports))
  printFacts(context, { ...removed, removed: true }, () => `${rangeText(removed)} is no longer published`)
}
