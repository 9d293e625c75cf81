import { describe, expect, test } from 'vitest'
import { markDroppable } from '../droppable.ts'

const marked = (code: string): string => markDroppable(code, 'module.ts').toString()

describe('constants', () => {
  test.each([
    ['const a = new Map()', 'const a = /* @__PURE__ */ new Map()'],
    ["export const a: symbol = Symbol.for('a')", "export const a: symbol = /* @__PURE__ */ Symbol.for('a')"],
    ['let a = f(g(), 1)', 'let a = /* @__PURE__ */ f(/* @__PURE__ */ g(), 1)'],
    ['const a = { b: f() }', 'const a = { b: /* @__PURE__ */ f() }'],
    ['const a = 1, b = f()', 'const a = 1, b = /* @__PURE__ */ f()'],
  ])('marks the calls that compute them: %s', (code, expected) => {
    expect(marked(code)).toBe(expected)
  })

  test.each([
    ['const a = { ...b }', 'const a = /* @__PURE__ */ (() => ({ ...b }))()'],
    ['const a = new Set([...b, ...c])', 'const a = /* @__PURE__ */ (() => (new Set([...b, ...c])))()'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: code as text
    ['const a = `${b}`', 'const a = /* @__PURE__ */ (() => (`${b}`))()'],
  ])('wraps those with a part that cannot be marked: %s', (code, expected) => {
    expect(marked(code)).toBe(expected)
  })

  test.each([
    'const a = () => f()',
    'const a = { b() { return [...f()] } }',
    'function a() { const b = f(); return b }',
    'class A { b = f(); c() { const d = new Map() } }',
    'const a = 1',
    'f()',
    'for (const a of f()) g(a)',
  ])('changes nothing that runs later or has an effect: %s', (code) => {
    expect(marked(code)).toBe(code)
  })
})

describe('classes', () => {
  test('are joined with the calls directly after them that take the class', () => {
    const code = "export class A extends B {}\n\nfacts(A, 'A')\nObject.defineProperty(A.prototype, 'b', {})\nother()"
    const expected = [
      'export const A = /* @__PURE__ */ (() => {',
      'class A extends B {}',
      '',
      "facts(A, 'A')",
      "Object.defineProperty(A.prototype, 'b', {})",
      'return A',
      '})();',
      '',
      'other()',
    ]
    expect(marked(code).replaceAll(/\n+/g, '\n')).toBe(expected.join('\n').replaceAll(/\n+/g, '\n'))
  })

  test.each(['class A {}\nfacts(B)', 'class A {}\nother()\nfacts(A)', 'export class A {}', 'class A {}\na = A'])(
    'stay as they are otherwise: %s',
    (code) => {
      expect(marked(code)).toBe(code)
    },
  )
})

test('a source that cannot be parsed is an error with its path', () => {
  expect(() => marked('const = 1')).toThrow(/^module\.ts: /)
})
