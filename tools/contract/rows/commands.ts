import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { including, number, text } from '../matching/pattern.ts'
import { LOGS_UNKNOWN } from '../shop/log-reader.ts'
import { endedWithin, ROOT, startScript } from '../shop/program.ts'
import { type Row, scenario } from '../walk/row.ts'

// The npm scripts of the repository, and the test files that 4.10 requires.

const COMMANDS = ['start', 'test', 'check', 'contract', 'bench', 'dashboard', 'attack', 'chaos']

/** The tests that the contract requires, by a pattern for their path. */
const TESTS: readonly { readonly what: string; readonly like: RegExp }[] = [
  { what: 'there is a test of the shop over real sockets', like: /^test\/shop\/.+\.test\.ts$/ },
  { what: 'there is a test of the retry over real sockets (4.4)', like: /^test\/shop\/.*retry.*\.test\.ts$/ },
  { what: 'there is a test of the bulkhead over real sockets (4.5)', like: /^test\/shop\/.*bulkhead.*\.test\.ts$/ },
  { what: 'there is a test of the breaker over real sockets (4.6)', like: /^test\/shop\/.*breaker.*\.test\.ts$/ },
  { what: 'there is a test of the page of two services (4.7)', like: /^test\/shop\/.*product.*\.test\.ts$/ },
  {
    what: 'there is a test with mocks at the HTTP layer',
    like: /^(examples|test)\/.*(mock|degrad|resilien).*\.test\.ts$/,
  },
]

async function testFiles(): Promise<readonly string[]> {
  const found: string[] = []
  for (const folder of ['test', 'examples', 'packages']) {
    const entries = await readdir(join(ROOT, folder), { recursive: true })
    found.push(...entries.filter((path) => !/node_modules/.test(path)).map((path) => `${folder}/${path}`))
  }
  return found.filter((path) => path.endsWith('.test.ts'))
}

export const commands: readonly Row[] = [
  ...COMMANDS.map((name) =>
    scenario(
      'cmd',
      `npm run ${name} exists`,
      async (walk) => {
        const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
          scripts?: Readonly<Record<string, string>>
        }
        if (name === 'chaos' && scripts?.[name] === undefined) return walk.pending('there is no fault proxy yet')
        walk.compare(`script ${name} of package.json`, text, scripts?.[name])
      },
      { lane: 'cmd' },
    ),
  ),
  scenario(
    'cmd',
    'npm run dashboard -- --once --json prints a JSON summary and exits',
    async (walk) => {
      const { logs } = walk.target
      const path = logs.shop?.path
      if (path === undefined) return walk.pending(LOGS_UNKNOWN)
      const program = startScript('packages/dashboard/src/bin.ts', ['--once', '--json', path], {})
      const ended = await endedWithin(program, 15_000)
      walk.show(
        'dashboard --once --json',
        'one JSON document, exit 0',
        `exit ${ended.code} ${ended.stdout.slice(0, 60)}`,
      )
      walk.compare('exit code', 0, ended.code)
      walk.compare('the summary', including({ requests: number(1), by_status: including({}) }), parsed(ended.stdout))
    },
    { lane: 'cmd' },
  ),
  ...TESTS.map(({ what, like }) =>
    scenario(
      '4.10',
      what,
      async (walk) => {
        const files = (await testFiles()).filter((path) => like.test(path))
        walk.show(`files like ${like.source}`, 'at least one', files.join(' ') || 'none')
        walk.compare('test files', true, files.length > 0)
      },
      { lane: 'cmd' },
    ),
  ),
]

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
