import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkApi } from '../report.ts'

const GO = '/**\n * Goes.\n *\n * @example\n * ```ts\n * go()\n * ```\n */\nexport declare function go(): void;\n'
const STOP = '/** Stops. */\nexport type Stop = "now" | "later";\n'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'api-test-'))
  const exports = { '.': { types: './dist/index.d.ts' }, './stop': { types: './dist/stop.d.ts' } }
  write('package.json', JSON.stringify({ name: 'quota', version: '1.0.0', type: 'module', exports }))
  // A relative import with the extension .ts, as TypeScript 7 writes it in declarations.
  write('dist/index.d.ts', "export { go } from './go.ts';\nexport type { Stop } from './stop.ts';\n")
  write('dist/go.d.ts', GO)
  write('dist/stop.d.ts', STOP)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

test('writes one report for each subpath and then finds no difference', () => {
  expect(checkApi(folder, true).problems).toEqual([])
  expect(readdirSync(join(folder, 'api'))).toEqual(['index.api.md', 'stop.api.md'])
  expect(checkApi(folder, false)).toEqual({ reports: ['index.api.md', 'stop.api.md'], problems: [] })
})

test('reports an export that is gone and a type that changed, with the lines that differ', () => {
  checkApi(folder, true)
  write('dist/index.d.ts', "export type { Stop } from './stop.ts';\n")
  write('dist/stop.d.ts', STOP.replace('"later"', '"soon"'))
  const problems = checkApi(folder, false).problems.join('\n')
  expect(problems).toContain('api/index.api.md')
  expect(problems).toContain('-export function go(): void;')
  expect(problems).toContain('api/stop.api.md')
  expect(problems).toContain('+export type Stop = "now" | "soon";')
})

test('reports a public name without a doc comment', () => {
  write('dist/go.d.ts', 'export declare function go(): void;\n')
  expect(checkApi(folder, true).problems).toEqual(["dist/go.d.ts: 'go' has no doc comment"])
})

test('reports a missing report and one without a subpath; the update fixes both', () => {
  write('api/old.api.md', '')
  expect(checkApi(folder, false).problems).toEqual([
    'api/index.api.md: The API report file is missing',
    'api/stop.api.md: The API report file is missing',
    'api/old.api.md belongs to no public subpath',
  ])
  expect(checkApi(folder, true).problems).toEqual([])
  expect(readdirSync(join(folder, 'api'))).toEqual(['index.api.md', 'stop.api.md'])
})

test('refuses a subpath without declarations', () => {
  rmSync(join(folder, 'dist/stop.d.ts'))
  expect(() => checkApi(folder, false)).toThrow('./stop: no declarations at')
})
