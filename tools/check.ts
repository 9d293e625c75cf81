// `npm run check`: checks format, lint, imports, links, unused code, house rules, types, public interface and package.
import { runStep, type Step, summary } from './check/steps.ts'
import { ROOT } from './tidy/repository.ts'

const SECONDS_MAX = 120
const NODE = process.execPath

const FORMAT: Step = {
  name: 'format and lint',
  command: 'npx biome ci',
  program: NODE,
  args: ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off'],
}
const RULES: Step = {
  name: 'house rules',
  command: 'npm test -- tools/tidy',
  program: NODE,
  args: ['--conditions=@escudo/source', 'node_modules/vitest/vitest.mjs', 'run', 'tools/tidy'],
}
const IMPORTS: Step = {
  name: 'import rules',
  command: 'node tools/check/imports.ts',
  program: NODE,
  args: ['tools/check/imports.ts'],
}
const LINKS: Step = {
  name: 'links',
  command: 'npx markdownlint-cli2',
  program: NODE,
  args: ['node_modules/markdownlint-cli2/markdownlint-cli2-bin.mjs'],
}
const UNUSED: Step = {
  name: 'unused code',
  command: 'npx knip',
  program: NODE,
  args: ['node_modules/knip/bin/knip.js', '--no-progress', '--treat-config-hints-as-errors'],
}
const BUILD: Step = {
  name: 'types of the library',
  command: 'npm run build',
  program: NODE,
  args: ['node_modules/typescript/bin/tsc', '-b', 'packages/escudo', '--pretty', 'false'],
}
const TYPES: Step = {
  name: 'types of everything',
  command: 'npx tsc -p tsconfig.json',
  program: NODE,
  args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false'],
}
const PAGE_TYPES: Step = {
  name: 'types of the page',
  command: 'npx tsc -p packages/dashboard/page',
  program: NODE,
  args: ['node_modules/typescript/bin/tsc', '-p', 'packages/dashboard/page', '--pretty', 'false'],
}
const API: Step = {
  name: 'public interface',
  command: 'node tools/api.ts --check',
  program: NODE,
  args: ['tools/api.ts', '--check'],
}
const PACKAGE: Step = {
  name: 'package',
  command: 'node tools/check/package.ts',
  program: NODE,
  args: ['tools/check/package.ts'],
}

// The compiler uses all cores, so its three runs follow each other. API and PACKAGE read what BUILD writes.
const sequences: readonly (readonly Step[])[] = [
  [FORMAT, IMPORTS, RULES, LINKS, UNUSED],
  [BUILD, TYPES, PAGE_TYPES, API, PACKAGE],
]

const results = await Promise.all(
  sequences.map(async (steps) => {
    const ended = []
    for (const step of steps) ended.push(await runStep(step, ROOT, SECONDS_MAX))
    return ended
  }),
)

const all = results.flat()
process.exitCode = all.every(({ passed }) => passed) ? 0 : 1
process.stdout.write(summary(all))
