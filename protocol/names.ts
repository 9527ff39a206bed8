import * as v from 'valibot'

/** Names of homes and devices end up in file names, logs and terminals: nothing a shell or a path could misread. */
const NAME = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/

export const NameSchema = v.pipe(v.string(), v.regex(NAME, 'use 1 to 32 of a-z, 0-9 and -, beginning with a letter'))
