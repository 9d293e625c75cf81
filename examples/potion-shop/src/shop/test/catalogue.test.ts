import { readdirSync, readFileSync } from 'node:fs'
import { errorPages } from 'escudo/openapi'
import { expect, test } from 'vitest'
import { Errors } from '../catalogue.ts'
import { contract } from '../contract.ts'

test.each(Object.entries(Errors))('%s has a message in both languages with the same placeholders', (_name, entry) => {
  const { message } = entry.definition
  const { es = '', en = '' } = typeof message === 'string' ? {} : message
  const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
  expect(es).not.toBe('')
  expect(en).not.toBe('')
  expect(en).not.toBe(es)
  expect(placeholders(en)).toEqual(placeholders(es))
})

// If it fails: npm run escudo -- errors --module examples/potion-shop/src/shop/contract.ts --out docs/shop-errors --without-library
test('the pages of the error codes are current', () => {
  const pages = errorPages({ contract, library: false })
  expect(readdirSync('docs/shop-errors').sort()).toEqual(pages.map(({ name }) => name).sort())
  for (const { name, text } of pages) expect(readFileSync(`docs/shop-errors/${name}`, 'utf8'), name).toBe(text)
})
