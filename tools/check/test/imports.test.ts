import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ROOT } from '../../tidy/repository.ts'
import { cruiseTree, type Violation } from '../cruise.ts'

// Each test plants files in an empty tree and reads it with the rules of this repository.

const roots: string[] = []
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

const LIBRARY = 'packages/escudo/src/'

/** The imported files exist, so that a rule about them is what reports the import. */
const TARGETS = [
  'index.ts',
  'errors/index.ts',
  'core/clock.ts',
  'core/engine/call.ts',
  'core/context/ambient.ts',
  'policies/retry/retry.ts',
  'policies/retry/state/backoff.ts',
  'policies/hedge/hedge.ts',
  'policies/hedge/state/latency.ts',
  'policies/shared/judge.ts',
  'policies/shared/state/queue.ts',
  'http/index.ts',
  'server/exchange.ts',
  'telemetry/index.ts',
  'testing/index.ts',
].map((path) => LIBRARY + path)

const PEERS = ['fastify', 'pino', 'chalk']

async function violationsOf(files: Readonly<Record<string, string>>): Promise<readonly Violation[]> {
  const root = mkdtempSync(join(tmpdir(), 'escudo-imports-'))
  roots.push(root)
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const path of TARGETS) write(path, 'export const target = 1\n')
  cpSync(join(ROOT, 'packages/escudo/package.json'), join(root, 'packages/escudo/package.json'))
  for (const name of PEERS) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }))
    write(`node_modules/${name}/index.js`, '')
  }
  symlinkSync('../packages/escudo', join(root, 'node_modules/escudo'), 'dir')
  write('package.json', JSON.stringify({ workspaces: ['packages/*'] }))
  for (const [path, text] of Object.entries(files)) write(path, text)
  const { modules, violations } = await cruiseTree(root, ['packages', ...foldersOf(files)])
  for (const path of Object.keys(files)) expect(modules).toContain(path)
  return violations
}

function foldersOf(files: object): string[] {
  return [...new Set(Object.keys(files).map((path) => path.split('/')[0] as string))].filter(
    (one) => one !== 'packages',
  )
}

const rulesOf = async (path: string, text: string): Promise<string[]> => [
  ...new Set((await violationsOf({ [path]: text })).map(({ rule }) => rule)),
]

test.each([
  ['errors/a.ts', '../core/clock.ts', 'errors-imports-nothing'],
  ['core/a.ts', '../policies/retry/retry.ts', 'core-imports-errors'],
  ['policies/retry/a.ts', '../../http/index.ts', 'policies-imports-errors-core'],
  ['policies/retry/a.ts', '../../index.ts', 'policies-imports-errors-core'],
  ['policies/retry/a.ts', '../hedge/hedge.ts', 'policies-meet-in-shared'],
  ['policies/retry/a.ts', '../hedge/state/latency.ts', 'policies-meet-in-shared'],
  ['policies/shared/a.ts', '../retry/retry.ts', 'policies-meet-in-shared'],
  ['policies/shared/a.ts', '../retry/retry.ts', 'shared-imports-no-policy'],
  ['policies/retry/state/a.ts', '../../../core/engine/call.ts', 'state-is-pure'],
  ['policies/retry/state/a.ts', '../../../core/context/ambient.ts', 'state-is-pure'],
  ['policies/retry/state/a.ts', '../retry.ts', 'state-is-pure'],
  ['policies/shared/state/a.ts', '../../../core/engine/call.ts', 'state-is-pure'],
  ['http/a.ts', '../server/exchange.ts', 'http-imports-errors-core-policies'],
  ['server/a.ts', '../http/index.ts', 'server-imports-errors-core-policies'],
  ['telemetry/a.ts', '../policies/retry/retry.ts', 'telemetry-imports-errors-core'],
  ['testing/a.ts', '../policies/retry/retry.ts', 'testing-imports-errors-core'],
  ['core/a.ts', '../index.ts', 'index-is-the-top'],
  ['helpers/a.ts', '../core/clock.ts', 'folder-is-a-layer'],
])('%s may not import %s', async (path, specifier, rule) => {
  expect(await rulesOf(LIBRARY + path, `import { target } from '${specifier}'`)).toContain(rule)
})

test.each([
  ['core/a.ts', '../errors/index.ts'],
  ['core/a.ts', './engine/call.ts'],
  ['policies/retry/a.ts', './state/backoff.ts'],
  ['policies/retry/a.ts', '../shared/judge.ts'],
  ['policies/retry/state/a.ts', '../../../core/clock.ts'],
  ['policies/retry/state/a.ts', '../../shared/state/queue.ts'],
  ['policies/standard-shield/a.ts', '../retry/retry.ts'],
  ['http/a.ts', '../policies/retry/retry.ts'],
  ['server/a.ts', '../core/context/ambient.ts'],
  ['telemetry/a.ts', 'pino'],
  ['telemetry/a.ts', 'node:fs'],
  ['server/a.ts', 'fastify'],
  ['core/test/a.test.ts', '../../policies/retry/retry.ts'],
])('%s may import %s', async (path, specifier) => {
  expect(await violationsOf({ [LIBRARY + path]: `import { target } from '${specifier}'` })).toEqual([])
})

test.each([
  "import type { Retry } from '../policies/retry/retry.ts'",
  "export { target } from '../policies/retry/retry.ts'",
  "export * from '../policies/retry/retry.ts'",
  "import '../policies/retry/retry.ts'",
  "const { target } = await import('../policies/retry/retry.ts')",
  "import {\n  target,\n} from '../policies/retry/retry.ts'",
])('reads every form of import: %s', async (text) => {
  expect(await rulesOf(`${LIBRARY}core/a.ts`, text)).toContain('core-imports-errors')
})

test('ignores an import in a comment or a string', async () => {
  const text = "import './clock.ts'\n// import '../http/index.ts'\nconst text = `\nimport '../http/index.ts'\n`\n"
  expect(await violationsOf({ [`${LIBRARY}core/a.ts`]: text })).toEqual([])
})

test('reports a cycle of types, with the files on it', async () => {
  const a = `${LIBRARY}core/a.ts`
  const b = `${LIBRARY}core/b.ts`
  const found = await violationsOf({ [a]: "import type { B } from './b.ts'", [b]: "import type { A } from './a.ts'" })
  expect(found.map(({ rule }) => rule)).toEqual(['no-cycle'])
  expect(found[0]?.to).toContain(b)
})

test('reports an import that leads nowhere', async () => {
  expect(await rulesOf(`${LIBRARY}core/a.ts`, "import './missing.ts'")).toContain('resolvable')
})

test.each(['errors', 'core', 'policies/retry', 'http'])('%s loads no module of Node', async (folder) => {
  expect(await rulesOf(`${LIBRARY}${folder}/a.ts`, "import { readFile } from 'node:fs'")).toEqual(['any-runtime'])
})

test('the library imports its peers in server and telemetry only', async () => {
  expect(await rulesOf(`${LIBRARY}policies/retry/a.ts`, "import 'pino'")).toContain('library-has-no-dependencies')
  expect(await rulesOf(`${LIBRARY}telemetry/a.ts`, "import 'chalk'")).toContain('peers-only')
})

test('the library imports no other folder, not even in its tests', async () => {
  const outside = { 'tools/x.ts': "import 'node:fs'" }
  const importIt = "import '../../../../../tools/x.ts'"
  const found = await violationsOf({ ...outside, [`${LIBRARY}core/test/a.test.ts`]: importIt })
  expect(found.map(({ rule }) => rule)).toContain('library-imports-itself-only')
})

test.each(['examples/shop/src/a.ts', 'packages/dashboard/src/a.ts', 'tools/a.ts'])(
  '%s uses the library by its public subpaths',
  async (path) => {
    expect(await violationsOf({ [path]: "import 'escudo'\nimport 'escudo/http'" })).toEqual([])
    expect(await rulesOf(path, "import 'escudo/policies'")).toContain('resolvable')
    const up = '../'.repeat(path.split('/').length - 1)
    expect(await rulesOf(path, `import '${up}packages/escudo/src/index.ts'`)).toContain('use-public-subpaths')
  },
)

test('a source imports nothing from a test folder', async () => {
  const files = {
    [`${LIBRARY}core/test/setup.ts`]: "import '../clock.ts'",
    [`${LIBRARY}core/a.ts`]: "import './test/setup.ts'",
  }
  expect((await violationsOf(files)).map(({ rule }) => rule)).toContain('sources-import-no-test')
})

test('no source imports a tool', async () => {
  const files = { 'tools/x.ts': "import 'node:fs'", 'examples/shop/src/a.ts': "import '../../../tools/x.ts'" }
  expect((await violationsOf(files)).map(({ rule }) => rule)).toContain('library-knows-no-tool')
})
