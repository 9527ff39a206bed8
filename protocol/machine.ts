import * as v from 'valibot'
import { oneLine } from '../problems/printable.ts'

/**
 * Which machine speaks, so that the hub notices two of one identity. The ids are HMACs by the home's secret: machine-id(5)
 * must not be shown to anybody.
 */
const IdSchema = v.pipe(v.string(), v.regex(/^[\w-]{22}$/, 'expected 22 base64url characters'))

export const MachineSchema = v.object({
  /** Of the installation and the hardware under it: a copied card in another machine has another one. */
  id: IdSchema,
  /** Of the boot: another one after each start of the machine. */
  boot: IdSchema,
  /** The host name, for people. */
  name: v.optional(v.pipe(v.string(), v.maxLength(64), v.transform(oneLine))),
})

export type SaidMachine = Readonly<v.InferOutput<typeof MachineSchema>>
