// Compiles the type tests (`*.test-d.ts`) with the TypeScript that builds the library and with the older one that many
// users have: once against the sources, once against the published declarations.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storedFiles } from '../../tools/tidy/repository.ts'

const LIBRARY = resolve('packages/escudo')
const COMPILERS = { 'TypeScript 7': 'typescript', 'TypeScript 5.9': 'typescript-5' } as const
const TESTS = storedFiles()
  .map(({ path }) => path)
  .filter((path) => /^packages\/escudo\/src\/.+\.test-d\.ts$/.test(path))

interface Compiled {
  readonly code: number | null
  readonly output: string
}

/** Runs a compiler in a separate process, so that compilers can run in parallel. */
function compile(compiler: string, args: readonly string[], cwd: string): Promise<Compiled> {
  const child = spawn(process.execPath, [resolve('node_modules', compiler, 'bin/tsc'), ...args, '--pretty', 'false'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const channel of [child.stdout, child.stderr]) {
    channel.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((end, fail) => {
    child.once('error', fail)
    child.once('close', (code) => end({ code, output }))
  })
}

const STRICT = {
  ...JSON.parse(readFileSync('tsconfig.base.json', 'utf8')).compilerOptions,
  noEmit: true,
  rewriteRelativeImportExtensions: false,
  typeRoots: [resolve('node_modules/@types')],
}
// The options of a user, similar to those of `tsc --init`, with every declaration checked.
const CONSUMER = {
  module: 'NodeNext',
  target: 'ES2023',
  lib: ['ES2023'],
  types: ['node'],
  typeRoots: [resolve('node_modules/@types')],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: false,
}

let project = ''
let declared: Compiled
const published: string[] = []

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'escudo-types-'))
  const installed = join(project, 'node_modules/escudo')
  mkdirSync(installed, { recursive: true })
  cpSync(join(LIBRARY, 'package.json'), join(installed, 'package.json'))
  const outDir = join(installed, 'dist')
  declared = await compile('typescript', ['-p', LIBRARY, '--emitDeclarationOnly', '--outDir', outDir], project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  for (const path of TESTS) {
    const text = readFileSync(path, 'utf8').replace(
      /'(?:\.\.?\/)+(?:(http|errors|telemetry|testing)\/)?index\.ts'/g,
      (_, part) => (part === undefined ? "'escudo'" : `'escudo/${part}'`),
    )
    published.push(text)
    writeFileSync(join(project, `published-${basename(path)}`), text)
  }
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

/** Compiles files of the project with a separate configuration file. */
function compileFiles(
  compiler: string,
  name: string,
  compilerOptions: object,
  files: readonly string[],
): Promise<Compiled> {
  const config = `tsconfig.${compiler}.${name}.json`
  writeFileSync(join(project, config), JSON.stringify({ compilerOptions, files }))
  return compile(compiler, ['-p', config], project)
}

test('there are type tests, and they import only the public entry points', () => {
  expect(declared).toEqual({ code: 0, output: '' })
  expect(TESTS.length).toBeGreaterThan(0)
  for (const text of published) expect(text).not.toMatch(/from '\./)
})

describe.each(Object.entries(COMPILERS))('%s', (name, compiler) => {
  test('is the expected version', async () => {
    const { output } = await compile(compiler, ['--version'], project)
    expect(output).toContain(`Version ${name.split(' ')[1]}`)
  })

  test('compiles the type tests against the sources', async () => {
    const files = TESTS.map((path) => resolve(path))
    expect(await compileFiles(compiler, 'sources', STRICT, files)).toEqual({ code: 0, output: '' })
  })

  test('compiles them against the published declarations and checks every declaration', async () => {
    const files = TESTS.map((path) => `published-${basename(path)}`)
    expect(await compileFiles(compiler, 'published', CONSUMER, files)).toEqual({ code: 0, output: '' })
  })

  test('fails when a line marked @ts-expect-error compiles', async () => {
    const file = `unused-${compiler}.test-d.ts`
    const line = "// @ts-expect-error a key is missing\nvoid shield('s').run(() => 1, { key: 'x' })\n"
    writeFileSync(join(project, file), `import { shield } from 'escudo'\n${line}`)
    const { code, output } = await compileFiles(compiler, 'unused', { ...CONSUMER, skipLibCheck: true }, [file])
    expect([code === 0, output.trim()]).toEqual([
      false,
      `${file}(2,1): error TS2578: Unused '@ts-expect-error' directive.`,
    ])
  })
})
