// node count-tests.mjs REPORT FAILED: reads vitest's JSON report. The last line says how many tests passed and failed;
// the exit status says whether all is well, with what failed besides (FAILED, empty when nothing did).
import { readFileSync } from 'node:fs'

const [report = '', failed = ''] = process.argv.slice(2)
let passedCount = 0
let failedCount = 0
for (const { status, assertionResults } of testFiles()) {
  const broken = count(assertionResults, 'failed')
  passedCount += count(assertionResults, 'passed')
  // A file that could not even be loaded has no tests of its own to count.
  failedCount += status === 'failed' && broken === 0 ? 1 : broken
}
if (failed !== '') console.log(`failed: ${failed} (see above)`)
console.log(`${passedCount} passed, ${failedCount} failed`)
process.exitCode = failed === '' && failedCount === 0 && passedCount > 0 ? 0 : 1

function testFiles() {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults
  } catch (thrown) {
    console.log(`the tests left no report: ${thrown.message}`)
    return []
  }
}

function count(results, status) {
  return results.filter((result) => result.status === status).length
}
