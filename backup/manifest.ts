import * as v from 'valibot'

/** The form of what is in a backup, raised when an older homeward would misread a newer one. */
export const BACKUP_FORMAT = 1

/** The manifest's name in the archive, where it comes first. */
export const MANIFEST = 'homeward-backup.json'

const LineSchema = v.pipe(v.string(), v.maxLength(300))

/** What a backup is of, for whoever holds one; in the archive it lies beside the files. */
const ManifestSchema = v.object({
  format: v.pipe(v.number(), v.integer()),
  /** The version of homeward that made it. */
  madeBy: LineSchema,
  madeAt: v.pipe(v.string(), v.isoTimestamp()),
  role: v.picklist(['home', 'hub']),
  /** The home's name, or where homes and devices reach the hub. */
  name: LineSchema,
  /** Where homes reach the hub: of a home its hub, of a hub itself. */
  hub: v.object({ addresses: v.array(LineSchema), port: v.number() }),
  /** Of a hub; of a home none. */
  homes: v.array(LineSchema),
  devices: v.array(LineSchema),
})

export type Manifest = Readonly<v.InferOutput<typeof ManifestSchema>>

/** @returns null for what is none, or of a form that only a newer homeward knows: `newer`. */
export function readManifest(text: string): Manifest | 'newer' | null {
  let said: unknown
  try {
    said = JSON.parse(text)
  } catch {
    return null
  }
  const format = v.safeParse(v.looseObject({ format: v.number() }), said)
  if (format.success && format.output.format > BACKUP_FORMAT) return 'newer'
  const manifest = v.safeParse(ManifestSchema, said)
  return manifest.success ? manifest.output : null
}
