import { expect, test } from 'vitest'
import { WrongUsage } from '../../command-line.ts'
import { allRows } from '../index.ts'
import { selected } from '../selection.ts'

test('selects a row by its number and a section by its prefix; 4.1 does not match 4.10', () => {
  const ids = (wanted: string): string[] => [...new Set(selected(allRows, [wanted]).map(({ id }) => id))]
  expect(ids('4.7b')).toEqual(['4.7b'])
  expect(ids('4.7').sort()).toEqual(['4.7a', '4.7b', '4.7c'])
  expect(ids('4.1').sort()).toEqual(['4.1a', '4.1b', '4.1c', '4.1d'])
  expect(ids('4.10')).toEqual(['4.10'])
  expect(() => selected(allRows, ['5.1'])).toThrow(WrongUsage)
  expect(selected(allRows, [])).toBe(allRows)
})
