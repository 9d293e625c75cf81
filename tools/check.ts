// `npm run check`: checks format, lint, imports, links, unused code, house rules, types, public interface and package.
import { runStep, type Step, summary } from './check/steps.ts'
import { ROOT } from './tidy/repository.ts'

const SECONDS_MAX = 120
const BIN = 'node_modules'
const TSC = `${BIN}/typescript/bin/tsc`
const VITEST = ['--conditions=@escudo/source', `${BIN}/vitest/vitest.mjs`, 'run']

// The compiler uses all cores, so its runs follow each other. The last two steps read what `npm run build` writes.
const sequences: readonly (readonly Step[])[] = [
  [
    step('format and lint', 'npx biome ci', `${BIN}/@biomejs/biome/bin/biome`, 'ci', '--colors=off'),
    step('import rules', 'node tools/check/imports.ts', 'tools/check/imports.ts'),
    step('house rules', 'npm test -- tools/tidy', ...VITEST, 'tools/tidy'),
    step('links', 'npx markdownlint-cli2', `${BIN}/markdownlint-cli2/markdownlint-cli2-bin.mjs`),
    step('unused code', 'npx knip', `${BIN}/knip/bin/knip.js`, '--no-progress', '--treat-config-hints-as-errors'),
  ],
  [
    step('build of the packages', 'npm run build', 'tools/build.ts'),
    step('types of everything', 'npx tsc -p tsconfig.json', TSC, '-p', 'tsconfig.json'),
    step('types of the page', 'npx tsc -p packages/dashboard/page', TSC, '-p', 'packages/dashboard/page'),
    step('public interface', 'node tools/api.ts --check', 'tools/api.ts', '--check'),
    step('packed packages', 'node tools/check/package.ts', 'tools/check/package.ts'),
  ],
]

const results = await Promise.all(
  sequences.map(async (steps) => {
    const ended = []
    for (const next of steps) ended.push(await runStep(next, ROOT, SECONDS_MAX))
    return ended
  }),
)

const all = results.flat()
process.exitCode = all.every(({ passed }) => passed) ? 0 : 1
process.stdout.write(summary(all))

function step(name: string, command: string, ...args: readonly string[]): Step {
  return { name, command, program: process.execPath, args }
}
