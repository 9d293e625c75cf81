import { expect, test } from 'vitest'
import { printed } from '../finding.ts'
import { dependenciesOf } from '../manifest.ts'

function problemsIn(manifest: object): string[] {
  return printed(dependenciesOf({ path: 'package.json', text: JSON.stringify(manifest) }))
}

test('reports dependencies of the library, but not peer and development dependencies', () => {
  expect(
    problemsIn({ name: 'escudo', dependencies: {}, peerDependencies: { pino: '9' }, devDependencies: { zod: '4' } }),
  ).toEqual([])
  expect(problemsIn({ dependencies: { lodash: '4' } })).toEqual([
    'package.json: dependencies: lodash; the library must have no dependencies',
  ])
  expect(problemsIn({ optionalDependencies: { lodash: '4' } })).toHaveLength(1)
  expect(problemsIn({ bundleDependencies: ['lodash'] })).toHaveLength(1)
})
