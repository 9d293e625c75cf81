import { expect, test } from 'vitest'
import { codesIn, codesListedIn, mismatchedCodes } from '../error-codes.ts'
import { printed } from '../finding.ts'

function codes(text: string): string[] {
  return codesIn([{ path: 'a.ts', text }]).map(({ code }) => code)
}

test('finds the code of a class', () => {
  expect(codes("class E extends Error { readonly code = 'TIMEOUT' }")).toEqual(['TIMEOUT'])
  expect(codes("class E extends Error { readonly code: 'TIMEOUT' = 'TIMEOUT' }")).toEqual(['TIMEOUT'])
  expect(codes("class E extends Error { declare readonly code: 'TIMEOUT' }")).toEqual(['TIMEOUT'])
})

test('finds the code of an object that has a status', () => {
  expect(codes("define(E, 'E', { code: 'CIRCUIT_OPEN', status: 503, kind: 'technical' })")).toEqual(['CIRCUIT_OPEN'])
  expect(codes("const facts = { [FACTS]: { code: 'GONE_AWAY', status: 410 } }")).toEqual(['GONE_AWAY'])
})

test('finds the entries of any catalogue', () => {
  expect(codes("defineErrors({ ITEM_NOT_FOUND: { status: 404, message: 'no' } })")).toEqual(['ITEM_NOT_FOUND'])
  expect(codes("const all = { 'ITEM_NOT_FOUND': { status: 404 } as const } satisfies Errors")).toEqual([
    'ITEM_NOT_FOUND',
  ])
})

test('prefers the code of an entry to its key', () => {
  expect(codes("defineErrors({ PRODUCT_DOWN: { code: 'UPSTREAM_ERROR', status: 502, message: 'no' } })")).toEqual([
    'UPSTREAM_ERROR',
  ])
})

test('ignores codes of other kinds', () => {
  expect(codes("const issue = { code: 'too_small', status: 1 }")).toEqual([])
  expect(codes("const event = { code: 'CIRCUIT_OPEN', shield }")).toEqual([])
  expect(codes("const answer = { body: { status: 'ok' } }")).toEqual([])
  expect(codes("// class E { readonly code = 'TIMEOUT' }")).toEqual([])
})

const document = { path: 'docs/errors.md', text: '# Errors\n\n| code | status |\n| --- | --- |\n| `TIMEOUT` | 504 |\n' }

test('reads a code from the first cell of a table row', () => {
  expect(codesListedIn(document)).toEqual([{ code: 'TIMEOUT', file: 'docs/errors.md', line: 5, status: 504 }])
  expect(codesListedIn({ ...document, text: '| `TIMEOUT` | `TimeoutError` |' })).toEqual([
    { code: 'TIMEOUT', file: 'docs/errors.md', line: 1 },
  ])
})

test('reports a code that the document lacks once', () => {
  const text =
    "class A { readonly code = 'NEW_ONE' }\nclass B { readonly code = 'NEW_ONE' }\ndefine(C, 'C', { code: 'TIMEOUT', status: 504 })"
  expect(printed(mismatchedCodes([{ path: 'a.ts', text }], document))).toEqual([
    'a.ts:1: the error code NEW_ONE is missing from docs/errors.md',
  ])
})

test('reports a code that no source defines and a code that is listed twice', () => {
  const twice = { ...document, text: `${document.text}| \`TIMEOUT\` | 504 |\n` }
  expect(printed(mismatchedCodes([], document))).toEqual(['docs/errors.md:5: no source defines the error code TIMEOUT'])
  const sources = [{ path: 'a.ts', text: "define(C, 'C', { code: 'TIMEOUT', status: 504 })" }]
  expect(printed(mismatchedCodes(sources, twice))).toEqual(['docs/errors.md:6: TIMEOUT is listed twice'])
})

test('reports a status only if no source gives it to the code', () => {
  const text = 'const a = { TIMEOUT: { status: 503 } }\nconst b = { TIMEOUT: { status: 504 } as const }'
  expect(mismatchedCodes([{ path: 'a.ts', text }], document)).toEqual([])
  expect(
    printed(mismatchedCodes([{ path: 'a.ts', text: 'const a = { TIMEOUT: { status: 503 } }' }], document)),
  ).toEqual(['docs/errors.md:5: no source gives TIMEOUT the status 504'])
})
