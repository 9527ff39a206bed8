import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { NameSchema } from '../../protocol/names.ts'
import type { Context } from '../context.ts'
import { deviceClient } from './device-client.ts'
import { printFacts } from '../output.ts'

/** `homeward device remove NAME`. */
export async function deviceRemove(context: Context, name: string): Promise<void> {
  // Checked here too, since the name becomes part of a path.
  if (!v.is(NameSchema, name))
    throw new Problem('device-name-invalid', {
      what: `removing the device ${JSON.stringify(name)}`,
      why: 'it is not a valid name',
    })
  const side = await deviceClient(context)
  await side.remove(name)
  printFacts(context, { name, removed: true }, () => `Removed ${name}; it can no longer connect.`)
}
