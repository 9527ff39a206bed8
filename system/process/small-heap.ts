import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** At some 15 ms each, a fortieth of a percent of a core. */
const COLLECT_EACH_MS = 60_000

/**
 * Has V8 collect all garbage of a daemon each minute. By itself it waits until the heap is several times what is in use: an
 * idle agent, which uses 11 MB, grew by 8 MB in the quarter of an hour after its start. Code that did not run since the
 * last collections goes with it, that of the start above all. No flag holds it as low (Node 20; node(1), NODE_OPTIONS).
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setInterval(collect, COLLECT_EACH_MS).unref()
}
