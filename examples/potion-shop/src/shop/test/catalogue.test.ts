import { expect, test } from 'vitest'
import { Errors } from '../catalogue.ts'

test.each(Object.entries(Errors))(
  '%s says what it has to say in both languages, with the same facts',
  (_name, entry) => {
    const { message } = entry.definition
    const { es = '', en = '' } = typeof message === 'string' ? {} : message
    const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
    expect(es).not.toBe('')
    expect(en).not.toBe('')
    expect(en).not.toBe(es)
    expect(placeholders(en)).toEqual(placeholders(es))
  },
)
