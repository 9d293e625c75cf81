import { expect, it } from 'vitest'
import { textFor } from '../text-for.ts'

it.each(['constructor', '__proto__', 'toString', 'weird'])('shows a state that a log names %s as it is', (name) => {
  expect(textFor({ open: 'abierto' }, name)).toBe(name)
})

it('translates a state that is known', () => {
  expect(textFor({ open: 'abierto' }, 'open')).toBe('abierto')
})
