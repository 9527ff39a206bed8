import checkRequirements from '../requirements.ts'
import { bootstrap } from './bootstrap.ts'
import { NO_USER_LAND, userLand } from './user-land.ts'

/**
 * As before every laboratory, and the other user land is there; where it is not, each laboratory in it fails and says
 * why, and the others run.
 */
export default async function checkUserLand(project: {
  readonly config: { readonly env: Readonly<Record<string, unknown>> }
}): Promise<() => Promise<void>> {
  const wanted = userLand(project.config.env)
  if (wanted === null) throw new Error('no release of Debian is named for the laboratory')
  await bootstrap(wanted).catch((thrown: unknown) => {
    process.env[NO_USER_LAND] = thrown instanceof Error ? thrown.message : String(thrown)
  })
  return await checkRequirements()
}
