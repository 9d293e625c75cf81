import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { entriesOf } from '../entries.ts'
import { buildLibrary } from '../library.ts'

let folder = ''
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
const entry = (name: string): object => ({
  '@escudo/source': `./src/${name}.ts`,
  types: `./dist/${name}.d.ts`,
  default: `./dist/${name}.js`,
})
const writeManifest = (exports: object): void => {
  write('package.json', JSON.stringify({ name: 'quota', type: 'module', sideEffects: false, exports }))
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'escudo-build-'))
  const compilerOptions = {
    target: 'ES2023',
    module: 'NodeNext',
    strict: true,
    declaration: true,
    emitDeclarationOnly: true,
    rewriteRelativeImportExtensions: true,
    rootDir: 'src',
    outDir: 'dist',
    types: [],
  }
  write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }))
  writeManifest({ '.': entry('index'), './http': entry('http/index'), './package.json': './package.json' })
  write('src/index.ts', "export { count } from './core/count.ts'\n")
  write('src/http/index.ts', "export { count } from './core-user.ts'\n")
  write('src/http/core-user.ts', "export { count } from '../core/count.ts'\n")
  write(
    'src/core/count.ts',
    'const calls: number[] = []\nexport function count(): number {\n  return calls.push(1)\n}\n',
  )
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('writes one file for each subpath of exports, and the shared state once', async () => {
  const { entries, chunks } = await buildLibrary(folder)
  expect([...entries].sort()).toEqual(['http/index.js', 'index.js'])
  expect(chunks).toEqual(['chunks/core.js'])
  const load = (name: string) => import(pathToFileURL(join(folder, 'dist', name)).href)
  const [main, http] = await Promise.all([load('index.js'), load('http/index.js')])
  expect([main.count(), http.count()]).toEqual([1, 2])
  expect(readFileSync(join(folder, 'dist/index.d.ts'), 'utf8')).toContain('count')
})

test('removes what an earlier build left', async () => {
  write('dist/old.js', '')
  await buildLibrary(folder)
  expect(existsSync(join(folder, 'dist/old.js'))).toBe(false)
})

test('fails for an error of types, with its place', async () => {
  write('src/index.ts', "export const one: number = 'one'\n")
  await expect(buildLibrary(folder)).rejects.toThrow(/src\/index\.ts\(1,14\): error TS2322/)
})

test('fails for an import that leads nowhere', async () => {
  write('src/index.ts', "export { missing } from './missing.ts'\n")
  await expect(buildLibrary(folder)).rejects.toThrow('./missing.ts')
})

test.each([
  [{ default: './lib/index.js' }, 'exports["."].default: expected ./dist/….js, got \'./lib/index.js\''],
  [{ '@escudo/source': './src/main.ts' }, 'exports["."]: expected the source ./src/index.ts'],
  [{ types: './dist/main.d.ts' }, 'exports["."].types: expected ./dist/index.d.ts'],
])('rejects an entry of exports that the build would not write: %o', (change, message) => {
  writeManifest({ '.': { ...entry('index'), ...change } })
  expect(() => entriesOf(folder)).toThrow(message)
})
