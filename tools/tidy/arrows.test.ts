import { expect, test } from 'vitest'
import { wrongArrows } from './arrows.ts'
import { printed } from './finding.ts'

const library = { subpaths: ['escudo', 'escudo/http'], peers: ['fastify', 'pino'] }

/** What the rule says of one file that consists of `text`. */
function said(path: string, text: string): string[] {
  return printed(wrongArrows([{ path, text }], library))
}

test.each([
  ['errors/a.ts', '../core/call.ts'],
  ['core/a.ts', '../mechanisms/trip.ts'],
  ['mechanisms/a.ts', '../policies/retry.ts'],
  ['policies/a.ts', '../http/index.ts'],
  ['policies/a.ts', '../index.ts'],
  ['http/a.ts', '../server/fastify.ts'],
  ['server/a.ts', '../http/index.ts'],
  ['telemetry/a.ts', '../policies/retry.ts'],
  ['telemetry/a.ts', '../mechanisms/trip.ts'],
  ['testing/a.ts', '../policies/retry.ts'],
  ['index.ts', './http/index.ts'],
])('packages/escudo/src/%s may not import %s', (path, specifier) => {
  expect(said(`packages/escudo/src/${path}`, `import { a } from '${specifier}'`)).toHaveLength(1)
})

test.each([
  ['core/a.ts', '../errors/brand.ts'],
  ['core/a.ts', './clock.ts'],
  ['mechanisms/a.ts', '../core/outcome.ts'],
  ['policies/a.ts', '../mechanisms/trip.ts'],
  ['http/a.ts', '../policies/retry.ts'],
  ['server/a.ts', '../core/ambient.ts'],
  ['telemetry/pino.ts', 'pino'],
  ['server/fastify.ts', 'fastify'],
  ['telemetry/pino.ts', 'node:fs'],
  ['index.ts', './policies/retry.ts'],
])('packages/escudo/src/%s may import %s', (path, specifier) => {
  expect(said(`packages/escudo/src/${path}`, `import { a } from '${specifier}'`)).toEqual([])
})

test.each([
  "import type { Retry } from '../policies/retry.ts'",
  "export { retry } from '../policies/retry.ts'",
  "export * from '../policies/retry.ts'",
  "import '../policies/retry.ts'",
  "const retry = await import('../policies/retry.ts')",
  "let retry: import('../policies/retry.ts').Retry",
  "import {\n  retry,\n} from '../policies/retry.ts'",
])('every way to import is seen: %s', (text) => {
  expect(said('packages/escudo/src/core/a.ts', text)).toHaveLength(1)
})

test('an import in a comment or in a string is none', () => {
  const text =
    "// import { a } from '../policies/a.ts'\n/** import '../http/a.ts' */\nconst b = `\nimport '../http/a.ts'\n`\n"
  expect(said('packages/escudo/src/core/a.ts', text)).toEqual([])
})

test('the finding names the line and what would be right', () => {
  const text = "\nimport { a } from '../policies/a.ts'"
  expect(said('packages/escudo/src/core/a.ts', text)).toEqual([
    'packages/escudo/src/core/a.ts:2: core may import errors, and this is policies',
  ])
})

test('layers for any runtime load nothing of Node, but may look it up', () => {
  for (const layer of ['errors', 'core', 'mechanisms', 'policies', 'http']) {
    const path = `packages/escudo/src/${layer}/a.ts`
    expect(said(path, "import { readFile } from 'node:fs'")).toHaveLength(1)
    expect(said(path, "import type { Readable } from 'node:stream'")).toHaveLength(1)
    expect(said(path, "const fs = await import('node:fs')")).toEqual([])
  }
})

test('the library imports no package but its peers, and those where they belong', () => {
  expect(said('packages/escudo/src/policies/a.ts', "import pino from 'pino'")).toHaveLength(1)
  expect(said('packages/escudo/src/telemetry/a.ts', "import chalk from 'chalk'")).toHaveLength(1)
  expect(said('packages/escudo/src/core/a.ts', "import { shield } from 'escudo'")).toHaveLength(1)
  expect(said('packages/escudo/src/server/a.ts', "import x from '@fastify/accepts'")).toHaveLength(1)
})

test('the library imports neither examples nor tools, its tests included', () => {
  const text = "import { shop } from '../../../../examples/potion-shop/src/shop/app.ts'"
  expect(said('packages/escudo/src/policies/a.ts', text)).toHaveLength(1)
  expect(said('packages/escudo/src/policies/a.test.ts', text)).toHaveLength(1)
  expect(said('packages/escudo/src/core/a.test.ts', "import { x } from '../../../../tools/check.ts'")).toHaveLength(1)
})

test('a test of the library may look at any of its layers', () => {
  expect(said('packages/escudo/src/core/a.test.ts', "import { retry } from '../policies/retry.ts'")).toEqual([])
})

test('examples, the dashboard and tools take the library by its public subpaths', () => {
  for (const path of ['examples/potion-shop/src/a.ts', 'packages/dashboard/src/a.ts', 'tools/a.ts']) {
    expect(said(path, "import { shield } from 'escudo'\nimport { resilientFetch } from 'escudo/http'")).toEqual([])
    expect(said(path, "import { Breaker } from 'escudo/mechanisms'")).toHaveLength(1)
    const way = `${'../'.repeat(path.split('/').length - 1)}packages/escudo/src/index.ts`
    expect(said(path, `import { shield } from '${way}'`)).toHaveLength(1)
  }
})

test('plain JavaScript is read too', () => {
  expect(said('packages/dashboard/src/page/live.js', "import { shield } from 'escudo/core'")).toHaveLength(1)
})

test('a folder of the library that is no layer yet is told', () => {
  expect(said('packages/escudo/src/helpers/a.ts', "import { a } from '../core/call.ts'")).toHaveLength(1)
})
