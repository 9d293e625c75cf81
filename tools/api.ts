// `npm run api`: writes the report of each public subpath. With `--check` it compares them instead. Needs the build.
import { join } from 'node:path'
import { checkApi } from './api/report.ts'
import { ROOT } from './tidy/repository.ts'

const update = !process.argv.includes('--check')
const { reports, problems } = checkApi(join(ROOT, 'packages/escudo'), update)
for (const problem of problems) console.error(problem)
if (problems.length > 0 && !update) {
  console.error(
    'If the change is intended: `npm run api`, then commit packages/escudo/api and add a line to CHANGELOG.md.',
  )
}
if (problems.length === 0) console.log(`${reports.length} reports ${update ? 'written' : 'compared'}`)
process.exitCode = problems.length === 0 ? 0 : 1
