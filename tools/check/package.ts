// Packs the library and checks the package, as a step of `npm run check`. Needs the build.
import { join } from 'node:path'
import { ROOT } from '../tidy/repository.ts'
import { packedProblems } from './packed.ts'

const problems = await packedProblems(join(ROOT, 'packages/escudo'))
for (const problem of problems) console.error(problem)
if (problems.length === 0) console.log('publint and are-the-types-wrong report nothing')
process.exitCode = problems.length === 0 ? 0 : 1
