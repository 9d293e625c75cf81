// Packs the packages that are published and checks them, as a step of `npm run check`. Needs the build.
import { join } from 'node:path'
import { ROOT } from '../tidy/repository.ts'
import { packedProblems } from './packed.ts'

const PACKAGES = ['packages/escudo', 'packages/cli', 'packages/dashboard']

const problems: string[] = []
for (const folder of PACKAGES) {
  for (const problem of await packedProblems(join(ROOT, folder))) problems.push(`${folder}: ${problem}`)
}
for (const problem of problems) console.error(problem)
if (problems.length === 0) console.log('publint and are-the-types-wrong report nothing')
process.exitCode = problems.length === 0 ? 0 : 1
