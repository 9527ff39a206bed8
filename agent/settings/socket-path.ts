import { join } from 'node:path'

/** The socket where a running agent answers questions. Nothing is secret there, so anybody on this machine may ask. */
export function agentSocketPath(runtimeDir: string): string {
  return join(runtimeDir, 'agent.sock')
}

/** The socket where a running agent does what it is told, for root and its own user. */
export function agentControlPath(runtimeDir: string): string {
  return join(runtimeDir, 'agent-control.sock')
}
