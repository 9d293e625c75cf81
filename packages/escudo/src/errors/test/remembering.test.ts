import { expect, test } from 'vitest'
import { remembering } from '../remembering.ts'

function counted(entriesMax: number, lengthMax: number) {
  const computed: string[] = []
  const of = remembering({ entriesMax, lengthMax }, (text) => {
    computed.push(text)
    return text.toUpperCase()
  })
  return { of, computed }
}

test('a result is computed once, also a falsy one', () => {
  const { of, computed } = counted(10, 10)
  for (const text of ['a', '', 'a', '']) expect(of(text)).toBe(text.toUpperCase())
  expect(computed).toEqual(['a', ''])
})

test('one more than the maximum empties the memory, and results stay right', () => {
  const { of, computed } = counted(2, 10)
  for (const text of ['a', 'b', 'a', 'c', 'c', 'a', 'b']) expect(of(text)).toBe(text.toUpperCase())
  expect(computed).toEqual(['a', 'b', 'c', 'a', 'b'])
})

test('the result of a longer text is not kept, and displaces no other', () => {
  const { of, computed } = counted(1, 3)
  for (const text of ['abc', 'abcd', 'abcd', 'abc']) expect(of(text)).toBe(text.toUpperCase())
  expect(computed).toEqual(['abc', 'abcd', 'abcd'])
})
