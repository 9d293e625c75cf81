import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packedProblems } from '../packed.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packed-test-'))
  mkdirSync(join(folder, 'dist'))
  writeFileSync(join(folder, 'dist/index.js'), 'export const one = 1\n')
  writeFileSync(join(folder, 'dist/index.d.ts'), 'export declare const one: 1;\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function problemsOf(entry: object): Promise<readonly string[]> {
  return problemsWith({ exports: { '.': entry } })
}

function problemsWith(members: object): Promise<readonly string[]> {
  const manifest = { name: 'quota', version: '1.0.0', type: 'module', files: ['dist'], ...members }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  return packedProblems(folder)
}

test('accepts a package of ES modules only', async () => {
  expect(await problemsOf({ types: './dist/index.d.ts', default: './dist/index.js' })).toEqual([])
})

test('reports an entry of exports without its file', async () => {
  expect(await problemsOf({ types: './dist/index.d.ts', default: './dist/main.js' })).toContain(
    'publint: pkg.exports["."].default is ./dist/main.js but the file does not exist.',
  )
})

test('reports declarations that an import does not find', async () => {
  expect((await problemsOf({ types: './dist/main.d.ts', default: './dist/index.js' })).join('\n')).toContain(
    'types: Resolved through fallback condition: . (node16-esm)',
  )
})

test('requires declarations of modules, not of a package that only has a program', async () => {
  const bin = { quota: './dist/bin.js' }
  writeFileSync(join(folder, 'dist/bin.js'), '#!/usr/bin/env node\n')
  rmSync(join(folder, 'dist/index.d.ts'))
  expect(await problemsWith({ bin, exports: { './package.json': './package.json' } })).toEqual([])
  expect(await problemsWith({ bin, exports: { '.': './dist/index.js' } })).toEqual(['types: the package has none'])
})
