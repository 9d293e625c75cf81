import { expect, test } from 'vitest'
import { codesIn, codesListedIn, codesOutOfStep } from './error-codes.ts'
import { printed } from './finding.ts'

function codes(text: string): string[] {
  return codesIn([{ path: 'a.ts', text }]).map(({ code }) => code)
}

test('the code of a class', () => {
  expect(codes("class E extends Error { readonly code = 'TIMEOUT' }")).toEqual(['TIMEOUT'])
  expect(codes("class E extends Error { readonly code: 'TIMEOUT' = 'TIMEOUT' }")).toEqual(['TIMEOUT'])
  expect(codes("class E extends Error { declare readonly code: 'TIMEOUT' }")).toEqual(['TIMEOUT'])
})

test('the code of facts, in a brand or on their own', () => {
  expect(codes("brand(E, 'E', { code: 'CIRCUIT_OPEN', status: 503, kind: 'technical' })")).toEqual(['CIRCUIT_OPEN'])
  expect(codes("const facts = { [FACTS]: { code: 'GONE_AWAY', status: 410 } }")).toEqual(['GONE_AWAY'])
})

test('the entries of a catalogue, wherever it stands', () => {
  expect(codes("defineErrors({ ITEM_NOT_FOUND: { status: 404, message: 'no' } })")).toEqual(['ITEM_NOT_FOUND'])
  expect(codes("const all = { 'ITEM_NOT_FOUND': { status: 404 } as const } satisfies Errors")).toEqual([
    'ITEM_NOT_FOUND',
  ])
})

test('an entry with a code of its own counts under that one alone', () => {
  expect(codes("defineErrors({ PRODUCT_DOWN: { code: 'UPSTREAM_ERROR', status: 502, message: 'no' } })")).toEqual([
    'UPSTREAM_ERROR',
  ])
})

test('what is no error code', () => {
  expect(codes("const issue = { code: 'too_small', status: 1 }")).toEqual([])
  expect(codes("const event = { code: 'CIRCUIT_OPEN', shield }")).toEqual([])
  expect(codes("const answer = { body: { status: 'ok' } }")).toEqual([])
  expect(codes("// class E { readonly code = 'TIMEOUT' }")).toEqual([])
})

const document = { path: 'docs/errors.md', text: '# Errors\n\n| code | status |\n| --- | --- |\n| `TIMEOUT` | 504 |\n' }

test('a document lists a code by a row that begins with it', () => {
  expect(codesListedIn(document)).toEqual([{ code: 'TIMEOUT', file: 'docs/errors.md', line: 5, status: 504 }])
  expect(codesListedIn({ ...document, text: '| `TIMEOUT` | `TimeoutError` |' })).toEqual([
    { code: 'TIMEOUT', file: 'docs/errors.md', line: 1 },
  ])
})

test('a code that the document lacks, told once', () => {
  const text =
    "class A { readonly code = 'NEW_ONE' }\nclass B { readonly code = 'NEW_ONE' }\nbrand(C, 'C', { code: 'TIMEOUT', status: 504 })"
  expect(printed(codesOutOfStep([{ path: 'a.ts', text }], document))).toEqual([
    'a.ts:1: the error code NEW_ONE is missing in docs/errors.md',
  ])
})

test('a code that no source defines, and one that is listed twice', () => {
  const twice = { ...document, text: `${document.text}| \`TIMEOUT\` | 504 |\n` }
  expect(printed(codesOutOfStep([], document))).toEqual(['docs/errors.md:5: no source defines the error code TIMEOUT'])
  const sources = [{ path: 'a.ts', text: "brand(C, 'C', { code: 'TIMEOUT', status: 504 })" }]
  expect(printed(codesOutOfStep(sources, twice))).toEqual(['docs/errors.md:6: TIMEOUT is listed twice'])
})

test('a status that no source gives the code; where several do, one is enough', () => {
  const text = 'const a = { TIMEOUT: { status: 503 } }\nconst b = { TIMEOUT: { status: 504 } as const }'
  expect(codesOutOfStep([{ path: 'a.ts', text }], document)).toEqual([])
  expect(printed(codesOutOfStep([{ path: 'a.ts', text: 'const a = { TIMEOUT: { status: 503 } }' }], document))).toEqual(
    ['docs/errors.md:5: no source gives TIMEOUT the status 504'],
  )
})
