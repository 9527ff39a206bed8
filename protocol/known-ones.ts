import * as v from 'valibot'

/**
 * A list whose entries a newer homeward may write in a form that this version does not know: those are left out, the
 * others count. What is longer than `most` is none.
 */
export function knownOnes<const Schema extends v.GenericSchema>(schema: Schema, most: number) {
  return v.pipe(
    v.array(v.unknown()),
    v.maxLength(most),
    v.transform((entries): v.InferOutput<Schema>[] =>
      entries.flatMap((entry) => {
        const read = v.safeParse(schema, entry)
        return read.success ? [read.output] : []
      }),
    ),
  )
}
