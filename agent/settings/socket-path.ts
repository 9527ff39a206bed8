import { join } from 'node:path'

/** Where a running agent answers questions. Nothing secret, so anybody on this machine may ask. */
export function agentSocketPath(runtimeDir: string): string {
  return join(runtimeDir, 'agent.sock')
}
