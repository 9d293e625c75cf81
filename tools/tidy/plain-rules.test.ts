import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printed } from './finding.ts'
import { dependenciesOf } from './manifest.ts'
import { storedFiles, textFiles } from './repository.ts'
import { tooLarge, tooLong } from './sizes.ts'
import { programOf } from './syntax.ts'
import { forbiddenWords } from './words.ts'

const lines = (count: number): string => 'a\n'.repeat(count)

test('a source may have 400 lines, and no more', () => {
  expect(tooLong([{ path: 'tools/a.ts', text: lines(400) }])).toEqual([])
  expect(printed(tooLong([{ path: 'tools/a.ts', text: lines(401) }]))).toEqual([
    'tools/a.ts: 401 lines; at most 400: one file, one subject',
  ])
  expect(tooLong([{ path: 'packages/dashboard/src/page/live.js', text: lines(401) }])).toHaveLength(1)
  expect(tooLong([{ path: 'docs/a.md', text: lines(1_000) }])).toEqual([])
})

test('a policy or a mechanism may have 300, its tests 400', () => {
  for (const folder of ['policies', 'mechanisms']) {
    expect(tooLong([{ path: `packages/escudo/src/${folder}/a.ts`, text: lines(300) }])).toEqual([])
    expect(tooLong([{ path: `packages/escudo/src/${folder}/a.ts`, text: lines(301) }])).toHaveLength(1)
    expect(tooLong([{ path: `packages/escudo/src/${folder}/a.test.ts`, text: lines(400) }])).toEqual([])
  }
})

test('a file may have a megabyte', () => {
  expect(tooLarge([{ path: 'a.png', bytes: 1_048_576 }])).toEqual([])
  expect(tooLarge([{ path: 'a.png', bytes: 1_048_577 }])).toHaveLength(1)
})

test('a dependency of the library, of whatever sort', () => {
  const said = (manifest: object): string[] =>
    printed(dependenciesOf({ path: 'package.json', text: JSON.stringify(manifest) }))
  expect(
    said({ name: 'escudo', dependencies: {}, peerDependencies: { pino: '9' }, devDependencies: { zod: '4' } }),
  ).toEqual([])
  expect(said({ dependencies: { lodash: '4' } })).toEqual([
    'package.json: dependencies: lodash; the library has no dependencies',
  ])
  expect(said({ optionalDependencies: { lodash: '4' } })).toHaveLength(1)
  expect(said({ bundleDependencies: ['lodash'] })).toHaveLength(1)
})

// Put together here, since this file is searched as well.
const slash = '/'
test.each([
  `see ${slash}work/main/a.ts`,
  `cd ${slash}root/project`,
  `in '${slash}home/ana/project'`,
  `in ${slash}Users/ana/project`,
  `cat ${slash}tmp/brief/a.md`,
  `https:${slash}${slash}registry.${'npmjs'}.org/pino`,
  `//npm.${'pkg'}.github.com`,
])('a word that means one machine or one registry: %s', (text) => {
  expect(forbiddenWords([{ path: 'a.md', text: `one\n${text}\n` }])).toMatchObject([{ file: 'a.md', line: 2 }])
})

test.each([
  'a file in .github/work/flow',
  'https://example.com/work/list',
  'a registry of listeners',
  '/tmp/a',
  'GET /users/ana',
])('a word that is harmless: %s', (text) => {
  expect(forbiddenWords([{ path: 'a.md', text }])).toEqual([])
})

test('files are those of git and those that would be added, not those that it ignores or that are gone', () => {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'))
  try {
    const git = (...args: string[]): void => void execFileSync('git', args, { cwd: root, stdio: 'ignore' })
    git('init')
    for (const name of ['kept.ts', 'gone.ts', 'ignored.log', 'naïve name.ts', 'picture']) {
      writeFileSync(join(root, name), name === 'picture' ? 'a\0b' : 'text')
    }
    writeFileSync(join(root, '.gitignore'), '*.log\n')
    git('add', 'kept.ts', 'gone.ts')
    rmSync(join(root, 'gone.ts'))
    const stored = storedFiles(root)
    expect(stored.map(({ path }) => path)).toEqual(['.gitignore', 'kept.ts', 'naïve name.ts', 'picture'])
    expect(textFiles(stored, root).map(({ path }) => path)).not.toContain('picture')
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

test('a source that cannot be parsed is named', () => {
  expect(() => programOf({ path: 'tools/broken.ts', text: 'const = 1' })).toThrow('tools/broken.ts cannot be parsed')
})
