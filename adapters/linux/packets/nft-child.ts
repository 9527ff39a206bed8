import { spawn } from 'node:child_process'

/** An nft that runs for a while: one that owns tables, or one that reports. */
export interface NftChild {
  readonly write: (lines: readonly string[]) => void
  /** All that it printed so far. */
  readonly said: () => string
  /** Ends it; the kernel removes what it owns. Ends when it is gone. */
  readonly end: () => Promise<void>
}

/** How much of its output is kept: far above what a dozen packets meet in the longest rule sets. */
const MOST_OUTPUT = 4 * 1024 * 1024
const NFT = 'nft'
const KILL_AFTER_MS = 2_000

/** Starts nft. One that cannot be started says nothing, as one that ended. Never throws. */
export function startNft(args: readonly string[]): NftChild {
  let said = ''
  const child = spawn(NFT, [...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LC_ALL: 'C',
      // An interactive nft keeps a history at home.
      HOME: '/nonexistent',
      PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
    },
  })
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  const keep = (data: string): void => {
    if (said.length < MOST_OUTPUT) said += data
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', () => undefined)
  // A program that ended breaks the pipe; what it left out is found out by looking.
  child.stdin.on('error', () => undefined)
  return {
    write: (lines) => void child.stdin.write(lines.map((line) => `${line}\n`).join('')),
    said: () => said,
    end: async () => {
      child.stdin.end()
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
      await gone
      clearTimeout(late)
    },
  }
}
