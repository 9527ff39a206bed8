import { spawn } from 'node:child_process'
import { createLineLog } from '../lab/host/line-log.ts'
import type { DriverProcess } from './driver.ts'

/** A program of Node's on this very machine. */
export function startProcess(args: readonly string[]): DriverProcess {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines = createLineLog()
  let said = ''
  child.stdin.on('error', () => undefined)
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8')
    child[stream].on('data', (chunk: string) => {
      lines.add(stream, chunk)
      if (stream === 'stderr') said += chunk
    })
  }
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => {
      lines.end()
      resolve()
    })
  })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await exited
  }
  return {
    write: (line) => child.stdin.write(line),
    waitForLine: (pattern, waiting) =>
      lines.waitFor(pattern, { ...waiting, describe: () => `the adapter’s process: ${said}` }),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}
