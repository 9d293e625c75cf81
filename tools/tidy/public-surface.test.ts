import { expect, test } from 'vitest'
import { undocumented } from './docs-of-exports.ts'
import { printed } from './finding.ts'
import { publicSurface } from './public-surface.ts'

const manifest = {
  name: 'escudo',
  exports: {
    '.': { '@escudo/source': './src/index.ts', default: './dist/index.js' },
    './http': { '@escudo/source': './src/http/index.ts' },
    './package.json': './package.json',
  },
}

const EXAMPLE = '/**\n * Does it.\n *\n * @example\n * ```ts\n * doIt()\n * ```\n */\n'

/** The surface of a package that has these files, by their paths within `src`. */
function surfaceOf(texts: Readonly<Record<string, string>>): ReturnType<typeof publicSurface> {
  const all: Readonly<Record<string, string>> = { 'index.ts': '', 'http/index.ts': '', ...texts }
  const files = Object.entries(all).map(([path, text]) => ({ path: `lib/src/${path}`, text }))
  return publicSurface(manifest, 'lib', files)
}

function said(texts: Readonly<Record<string, string>>): string[] {
  return printed(undocumented(surfaceOf(texts)))
}

test('a function without a comment, through a list of exports', () => {
  expect(said({ 'index.ts': "export { go } from './go.ts'", 'go.ts': 'export function go(): void {}' })).toEqual([
    "lib/src/go.ts:1: 'go' of 'escudo' has no doc comment",
  ])
})

test('a function with a comment and without an example', () => {
  const texts = { 'index.ts': "export { go } from './go.ts'", 'go.ts': '/** Goes. */\nexport function go(): void {}' }
  expect(said(texts)).toEqual(["lib/src/go.ts:2: the function 'go' of 'escudo' has no @example with a block of ts"])
})

test('a class, and a function that is an arrow, need an example too; a value and a type do not', () => {
  const texts = {
    'index.ts': "export { A, b, c, type D } from './all.ts'",
    'all.ts':
      '/** A. */\nexport abstract class A {}\n/** B. */\nexport const b = (): number => 1\n/** C. */\nexport const c = 1\n/** D. */\nexport interface D {}\n',
  }
  expect(said(texts).map((line) => line.split(': ')[1])).toEqual([
    "the class 'A' of 'escudo' has no @example with a block of ts",
    "the function 'b' of 'escudo' has no @example with a block of ts",
  ])
})

test('a type without a comment', () => {
  const texts = { 'index.ts': "export type { Go } from './go.ts'", 'go.ts': 'export type Go = string' }
  expect(said(texts)).toEqual(["lib/src/go.ts:1: 'Go' of 'escudo' has no doc comment"])
})

test('comment and example in order: nothing to say', () => {
  const texts = { 'index.ts': "export { go } from './go.ts'", 'go.ts': `${EXAMPLE}export function go(): void {}` }
  expect(said(texts)).toEqual([])
  expect(surfaceOf(texts).names).toMatchObject([{ name: 'go', subpath: 'escudo', kind: 'function' }])
})

test('a remark for the linter may stand between comment and declaration, other code may not', () => {
  const declaration = 'export function go(): void {}'
  const index = "export { go } from './go.ts'"
  expect(said({ 'index.ts': index, 'go.ts': `${EXAMPLE}// a remark\n// and another\n${declaration}` })).toEqual([])
  expect(said({ 'index.ts': index, 'go.ts': `${EXAMPLE}const other = 1\n${declaration}` })).toHaveLength(1)
  expect(said({ 'index.ts': index, 'go.ts': `/* no doc comment */\n${declaration}` })).toHaveLength(1)
  expect(said({ 'index.ts': index, 'go.ts': `/** */\n${declaration}` })).toHaveLength(1)
})

test('an example that is prose is none', () => {
  const text = '/**\n * Goes.\n *\n * @example go(), and be gone\n */\nexport function go(): void {}'
  expect(said({ 'index.ts': "export { go } from './go.ts'", 'go.ts': text })).toHaveLength(1)
})

test('the first of several overloads carries the comment', () => {
  const text = `${EXAMPLE}export function go(a: string): void\nexport function go(a: number): void\nexport function go(): void {}`
  expect(said({ 'index.ts': "export { go } from './go.ts'", 'go.ts': text })).toEqual([])
})

test('names are followed through stars, other names, imports and several files', () => {
  const texts = {
    'index.ts': "export * from './a.ts'",
    'a.ts': "import { inner } from './b.ts'\nexport { inner as outer }\nexport { deep as shallow } from './b.ts'",
    'b.ts': "export * from './c.ts'\nexport const inner = 1\n",
    'c.ts': 'const deep = 1\nexport { deep }',
  }
  expect(said(texts)).toEqual([
    "lib/src/b.ts:2: 'outer' of 'escudo' has no doc comment",
    "lib/src/c.ts:1: 'shallow' of 'escudo' has no doc comment",
  ])
})

test('files that export each other end all the same', () => {
  const texts = { 'index.ts': "export * from './a.ts'", 'a.ts': "export * from './index.ts'\nexport const a = 1" }
  expect(said(texts)).toEqual(["lib/src/a.ts:2: 'a' of 'escudo' has no doc comment"])
})

test('what is declared nowhere is told, and so is a subpath without a file', () => {
  expect(said({ 'index.ts': "export { gone } from './gone.ts'" })).toHaveLength(1)
  const surface = publicSurface(manifest, 'lib', [{ path: 'lib/src/index.ts', text: '' }])
  expect(printed(undocumented(surface))).toEqual([
    "lib/src/http/index.ts: '(the subpath itself)' of 'escudo/http' is declared nowhere",
  ])
})

test('what two subpaths share is told once', () => {
  const again = "export { go } from './go.ts'"
  const texts = { 'index.ts': again, 'http/index.ts': "export { go } from '../go.ts'", 'go.ts': 'export const go = 1' }
  expect(said(texts)).toHaveLength(1)
})
