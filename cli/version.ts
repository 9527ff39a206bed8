/** Set by the build from package.json. */
declare const HOMEWARD_VERSION: string

export const version: string = HOMEWARD_VERSION
