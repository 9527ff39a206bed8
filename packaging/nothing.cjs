// Stands in the bundle for what is never called there (build.mjs).
module.exports = {}
