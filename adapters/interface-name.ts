import * as v from 'valibot'

/** IFNAMSIZ of linux/if.h leaves 15 characters; the rest is what ip, nft and routers take without quoting. */
export const InterfaceNameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_-]{0,14}$/, 'expected 1 to 15 of a-z, 0-9, _ and -, beginning with a letter'),
)
