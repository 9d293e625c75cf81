import { expect, test } from 'vitest'
import { undocumented } from '../documented.ts'

const EXAMPLE = '/**\n * Does it.\n *\n * @example\n * ```ts\n * doIt()\n * ```\n */\n'

function problemsIn(
  ...items: readonly { readonly kind: string; readonly docComment?: string; readonly type?: string }[]
) {
  const members = items.map(({ type = '', ...item }) => ({
    ...item,
    name: 'go',
    fileUrlPath: 'dist/go.d.ts',
    excerptTokens: [{ text: type }],
  }))
  return undocumented({ members: [{ members }] })
}

test.each(['Function', 'Class', 'Interface', 'TypeAlias', 'Variable'])('requires a doc comment of kind %s', (kind) => {
  for (const docComment of ['', '/** */', '/**\n */\n']) {
    expect(problemsIn({ kind, docComment })).toEqual(["dist/go.d.ts: 'go' has no doc comment"])
  }
})

test('requires an example in TypeScript of functions, classes and arrow functions', () => {
  const missing = ["dist/go.d.ts: 'go' has no @example with a ts block"]
  for (const docComment of ['/** Goes. */', '/**\n * Goes.\n *\n * @example go(), in prose\n */']) {
    expect(problemsIn({ kind: 'Function', docComment })).toEqual(missing)
    expect(problemsIn({ kind: 'Class', docComment })).toEqual(missing)
    expect(problemsIn({ kind: 'Variable', docComment, type: '() => number' })).toEqual(missing)
    expect(problemsIn({ kind: 'Variable', docComment, type: 'number' })).toEqual([])
    expect(problemsIn({ kind: 'Interface', docComment })).toEqual([])
  }
  expect(problemsIn({ kind: 'Function', docComment: EXAMPLE })).toEqual([])
})

test('accepts a doc comment on one of several overloads', () => {
  const plain = { kind: 'Function', docComment: '' }
  expect(problemsIn({ kind: 'Function', docComment: EXAMPLE }, plain, plain)).toEqual([])
})
