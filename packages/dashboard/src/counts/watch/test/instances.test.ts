import { expect, it } from 'vitest'
import { instanceName } from '../instances.ts'

it.each([
  ['shop-2/71', 'shop-2'],
  ['host/71/2026-11-28T14:00:00.000Z', 'host'],
  ['eu/shop/71', 'eu/shop'],
  ['shop-2', 'shop-2'],
  ['71', undefined],
  ['', undefined],
  [undefined, undefined],
])('the process %j is one of the instance %j', (id, name) => {
  expect(instanceName(id)).toBe(name)
})
