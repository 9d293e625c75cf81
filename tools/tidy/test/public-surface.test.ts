import { expect, test } from 'vitest'
import { undocumented } from '../docs-of-exports.ts'
import { printed } from '../finding.ts'
import { publicSurface } from '../public-surface.ts'

const manifest = {
  name: 'escudo',
  exports: {
    '.': { '@escudo/source': './src/index.ts', default: './dist/index.js' },
    './http': { '@escudo/source': './src/http/index.ts' },
    './package.json': './package.json',
  },
}

const EXAMPLE = '/**\n * Does it.\n *\n * @example\n * ```ts\n * doIt()\n * ```\n */\n'

/** The public surface of a package with these files. The keys are paths relative to `src`. */
function surfaceOf(texts: Readonly<Record<string, string>>): ReturnType<typeof publicSurface> {
  const all: Readonly<Record<string, string>> = { 'index.ts': '', 'http/index.ts': '', ...texts }
  const files = Object.entries(all).map(([path, text]) => ({ path: `lib/src/${path}`, text }))
  return publicSurface(manifest, 'lib', files)
}

function problemsIn(texts: Readonly<Record<string, string>>): string[] {
  return printed(undocumented(surfaceOf(texts)))
}

test('reports a re-exported function without a doc comment', () => {
  expect(problemsIn({ 'index.ts': "export { go } from './go.ts'", 'go.ts': 'export function go(): void {}' })).toEqual([
    "lib/src/go.ts:1: 'go' of 'escudo' has no doc comment",
  ])
})

test('reports a function with a doc comment but no example', () => {
  const texts = { 'index.ts': "export { go } from './go.ts'", 'go.ts': '/** Goes. */\nexport function go(): void {}' }
  expect(problemsIn(texts)).toEqual(["lib/src/go.ts:2: the function 'go' of 'escudo' has no @example with a ts block"])
})

test('requires an example for classes and arrow functions, not for values and types', () => {
  const texts = {
    'index.ts': "export { A, b, c, type D } from './all.ts'",
    'all.ts':
      '/** A. */\nexport abstract class A {}\n/** B. */\nexport const b = (): number => 1\n/** C. */\nexport const c = 1\n/** D. */\nexport interface D {}\n',
  }
  expect(problemsIn(texts).map((line) => line.split(': ')[1])).toEqual([
    "the class 'A' of 'escudo' has no @example with a ts block",
    "the function 'b' of 'escudo' has no @example with a ts block",
  ])
})

test('reports a type without a doc comment', () => {
  const texts = { 'index.ts': "export type { Go } from './go.ts'", 'go.ts': 'export type Go = string' }
  expect(problemsIn(texts)).toEqual(["lib/src/go.ts:1: 'Go' of 'escudo' has no doc comment"])
})

test('accepts a function with a doc comment and an example', () => {
  const texts = { 'index.ts': "export { go } from './go.ts'", 'go.ts': `${EXAMPLE}export function go(): void {}` }
  expect(problemsIn(texts)).toEqual([])
  expect(surfaceOf(texts).names).toMatchObject([{ name: 'go', subpath: 'escudo', kind: 'function' }])
})

test('allows only line comments between a doc comment and its declaration', () => {
  const declaration = 'export function go(): void {}'
  const index = "export { go } from './go.ts'"
  expect(problemsIn({ 'index.ts': index, 'go.ts': `${EXAMPLE}// one\n// two\n${declaration}` })).toEqual([])
  expect(problemsIn({ 'index.ts': index, 'go.ts': `${EXAMPLE}const other = 1\n${declaration}` })).toHaveLength(1)
  expect(problemsIn({ 'index.ts': index, 'go.ts': `/* no doc comment */\n${declaration}` })).toHaveLength(1)
  expect(problemsIn({ 'index.ts': index, 'go.ts': `/** */\n${declaration}` })).toHaveLength(1)
})

test('does not count prose as an example', () => {
  const text = '/**\n * Goes.\n *\n * @example go(), and be gone\n */\nexport function go(): void {}'
  expect(problemsIn({ 'index.ts': "export { go } from './go.ts'", 'go.ts': text })).toHaveLength(1)
})

test('accepts a doc comment on the first of several overloads', () => {
  const text = `${EXAMPLE}export function go(a: string): void\nexport function go(a: number): void\nexport function go(): void {}`
  expect(problemsIn({ 'index.ts': "export { go } from './go.ts'", 'go.ts': text })).toEqual([])
})

test('follows names through export stars, aliases, imports and several files', () => {
  const texts = {
    'index.ts': "export * from './a.ts'",
    'a.ts': "import { inner } from './b.ts'\nexport { inner as outer }\nexport { deep as shallow } from './b.ts'",
    'b.ts': "export * from './c.ts'\nexport const inner = 1\n",
    'c.ts': 'const deep = 1\nexport { deep }',
  }
  expect(problemsIn(texts)).toEqual([
    "lib/src/b.ts:2: 'outer' of 'escudo' has no doc comment",
    "lib/src/c.ts:1: 'shallow' of 'escudo' has no doc comment",
  ])
})

test('terminates when files export each other', () => {
  const texts = { 'index.ts': "export * from './a.ts'", 'a.ts': "export * from './index.ts'\nexport const a = 1" }
  expect(problemsIn(texts)).toEqual(["lib/src/a.ts:2: 'a' of 'escudo' has no doc comment"])
})

test('reports a name without a declaration and a subpath without a file', () => {
  expect(problemsIn({ 'index.ts': "export { gone } from './gone.ts'" })).toHaveLength(1)
  const surface = publicSurface(manifest, 'lib', [{ path: 'lib/src/index.ts', text: '' }])
  expect(printed(undocumented(surface))).toEqual([
    "lib/src/http/index.ts: '(the subpath itself)' of 'escudo/http' has no declaration",
  ])
})

test('reports a name once when two subpaths export it', () => {
  const again = "export { go } from './go.ts'"
  const texts = { 'index.ts': again, 'http/index.ts': "export { go } from '../go.ts'", 'go.ts': 'export const go = 1' }
  expect(problemsIn(texts)).toHaveLength(1)
})
