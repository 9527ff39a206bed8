import { writeFile } from 'node:fs/promises'
import { runCommand } from '../../system/process/run-command.ts'

/** Light above, light below; what a terminal shows of two rows in one. */
const HALVES: Readonly<Record<string, readonly [boolean, boolean]>> = {
  '█': [true, true],
  '▀': [true, false],
  '▄': [false, true],
  ' ': [false, false],
}
/** Pixels for each module: a camera sees more than one. */
const SCALE = 4

/** Reads the QR code in what a terminal shows, as a phone's camera does. @param picture a file to put it into. */
export async function scan(shown: string, picture: string): Promise<string> {
  const rows = shown.split('\n').filter((line) => /^[█▀▄ ]{20,}$/.test(line))
  const pixels = rows.flatMap((row) =>
    [0, 1].map((half) =>
      Array.from(row)
        .flatMap((sign) => Array.from({ length: SCALE }, () => (HALVES[sign]?.[half] === true ? 0 : 1)))
        .join(' '),
    ),
  )
  const width = (rows[0]?.length ?? 0) * SCALE
  const lines = pixels.flatMap((line) => Array.from({ length: SCALE }, () => line))
  // pbm(5): 1 is black.
  await writeFile(picture, `P1\n${width} ${lines.length}\n${lines.join('\n')}\n`, { mode: 0o600 })
  return (await runCommand('zbarimg', ['--quiet', '--raw', picture])).stdout
}
