/** Set by the build from PLACE in packaging/get.sh. */
declare const HOMEWARD_PLACE: string

/** Where releases are; empty: nowhere yet. */
export const place: string = HOMEWARD_PLACE
