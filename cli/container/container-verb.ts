import type { Command } from 'commander'
import { contextOf } from '../context.ts'

/** The verb of the image's entry point. */
export function registerContainerVerb(program: Command): void {
  program
    .command('container', { hidden: true })
    .description('what a container does before its daemon runs: init or join by the options that it was given')
    .action(async (_options, command: Command) => {
      const { container } = await import('./container.ts')
      await container(contextOf(command))
    })
}
