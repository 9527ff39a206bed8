import type { StoreDocument } from '../core/store-document.ts'

/** An older generation of the store, as it lies in its file. */
export interface Generation {
  readonly document: StoreDocument
  readonly keptAt: Date
}

/** How old the older generation may get while the store changes. */
const KEPT_FOR_MS = 3_600_000
/** How long the generation from before a large removal stays beside the newer ones. */
const LARGER_KEPT_FOR_MS = 24 * 3_600_000
/** The part of the homes, or of the devices, that no change takes away by everyday use. */
const MUCH = 0.2

/**
 * Whether the present document is kept as the older generation before the next one takes its place.
 * @param older null: there is none that could be read.
 */
export function isWorthKeeping(
  older: Generation | null,
  present: StoreDocument,
  next: StoreDocument,
  { isOtherVersion, now }: { readonly isOtherVersion: boolean; readonly now: Date },
): boolean {
  if (older === null || isOtherVersion || losesMuch(present, next)) return true
  return !isYounger(older, KEPT_FOR_MS, now)
}

/**
 * Whether the older generation is put aside, as the second, and not written over: it has homes or devices that the
 * present one lost. The second holds out against further losses for a day, so that the first of a series is not gone.
 */
export function isWorthPuttingAside(
  older: Generation | null,
  second: Generation | null,
  present: StoreDocument,
  now: Date,
): boolean {
  if (older === null || !losesMuch(older.document, present)) return false
  if (second === null || !isYounger(second, LARGER_KEPT_FOR_MS, now)) return true
  return !losesMuch(second.document, older.document)
}

/** Whether much of the homes or of the devices is gone. */
function losesMuch(before: StoreDocument, after: StoreDocument): boolean {
  return isMuchOf(before.homes, after.homes) || isMuchOf(before.devices, after.devices)
}

function isMuchOf(before: readonly { readonly name: string }[], after: readonly { readonly name: string }[]): boolean {
  const names = new Set(after.map(({ name }) => name))
  return before.filter(({ name }) => !names.has(name)).length > before.length * MUCH
}

/** A time in the future is from before the clock was set right, and says nothing. */
function isYounger({ keptAt }: Generation, ms: number, now: Date): boolean {
  const age = now.getTime() - keptAt.getTime()
  return age >= 0 && age < ms
}
