// The import rules, as a step of `npm run check`. It prints how many modules were read.
import { ROOT } from '../tidy/repository.ts'
import { cruiseTree } from './cruise.ts'

// Beside TypeScript 7, dependency-cruiser's default parser reads nothing and reports success.
const MODULES_MIN = 300

const { modules, violations } = await cruiseTree(ROOT)
const library = modules.filter((path) => path.startsWith('packages/escudo/src/'))
for (const { rule, from, to, comment } of violations) console.error(`${rule}: ${from} → ${to}\n  ${comment}`)
if (library.length < MODULES_MIN) {
  console.error(`read only ${library.length} modules of the library; expected at least ${MODULES_MIN}`)
}
const cycles = violations.filter(({ rule }) => rule === 'no-cycle').length
console.log(
  `${modules.length} modules, ${library.length} of the library: ${cycles} cycles, ${violations.length} violations`,
)
process.exitCode = violations.length === 0 && library.length >= MODULES_MIN ? 0 : 1
